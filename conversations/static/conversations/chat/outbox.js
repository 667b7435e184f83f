/**
 * Messages on their way. One at a time is sent and waits for its answer, so that an error frame, which does not say what
 * it is about, can only be about that one. Nothing leaves the outbox before the server has accepted it or the customer
 * has taken it back; it outlives reloads.
 */

import { makeId } from "./storage.js";
import { describeError, words } from "./words.js";

const ANSWER_MS = 15_000;
const BUSY_MS = 5_000;
const IS_NOT_ABOUT_MESSAGES = new Set(["no_pending_interrupt", "not_allowed", "invalid_token", "unknown_type"]);
const THREAD_IS_OVER = new Set(["session_expired", "forbidden", "budget_exhausted"]);

export class Outbox {
  #memory;
  #send;
  #onChange;
  #onSilence;
  #messages = []; // {id, threadId, content, attempts, sentAt, isHeld}
  #inFlight = null;
  #isOpen = false;
  #pause = null;
  #deadline = null;

  /**
   * @param {object} options
   * @param {(frame: object) => boolean} options.send
   * @param {(message: object, delivery: string, note?: string) => void} options.onChange
   * @param {() => void} options.onSilence a sent message was not answered: the socket seems dead
   */
  constructor({ memory, send, onChange, onSilence }) {
    this.#memory = memory;
    this.#send = send;
    this.#onChange = onChange;
    this.#onSilence = onSilence;
    // What an earlier page left may have arrived: the same id makes sending it again harmless.
    this.#messages = memory.unsent
      .filter((one) => typeof one?.id === "string" && typeof one.content === "string")
      .map((one) => ({ ...one, attempts: 1, isHeld: false }));
  }

  get messages() {
    return this.#messages;
  }

  /** Whether something for this thread is on its way, perhaps from before a new conversation. */
  owns(threadId) {
    return this.#messages.some((message) => message.threadId === threadId);
  }

  add(content, threadId) {
    const message = { id: makeId(), threadId, content, attempts: 0, isHeld: false };
    this.#messages.push(message);
    this.#keep(message);
    return message;
  }

  /** Send what may be sent. */
  flush() {
    if (!this.#isOpen || this.#inFlight || this.#pause) return;
    const message = this.#messages.find((one) => !one.isHeld);
    if (!message) return;
    const frame = {
      type: "message",
      thread_id: message.threadId,
      content: message.content,
      client_message_id: message.id,
    };
    if (!this.#send(frame)) return;
    message.attempts += 1;
    message.sentAt = Date.now();
    this.#inFlight = message;
    this.#deadline = setTimeout(() => this.#onSilence(), ANSWER_MS);
    this.#onChange(message, "sending");
  }

  /** A session has begun. */
  open() {
    this.#isOpen = true;
    this.flush();
  }

  /** The connection is gone: what was in flight is sent again with the next one. */
  close() {
    this.#isOpen = false;
    this.#land();
    for (const message of this.#messages) if (!message.isHeld) this.#onChange(message, "waiting");
  }

  /** Take note of a `message_accepted`; return the message if it was ours. */
  accept(frame) {
    const message = this.#messages.find((one) => one.id === frame.client_message_id);
    if (!message) return null;
    this.#forget(message);
    this.flush();
    return message;
  }

  /** Take note of an `error`; return whether it is about a message of ours. */
  refuse(frame) {
    const message = this.#inFlight;
    if (!message || IS_NOT_ABOUT_MESSAGES.has(frame.code)) return false;
    if (frame.thread_id !== undefined && frame.thread_id !== message.threadId) return false;
    this.#land();
    if (frame.code === "busy") {
      this.#resumeIn(BUSY_MS);
      for (const one of this.#messages) if (!one.isHeld) this.#onChange(one, "queued");
    } else if (frame.code === "rate_limited") {
      this.#countDown(message, Math.max(1, Math.ceil(Number(frame.retry_after) || BUSY_MS / 1000)));
    } else {
      message.isHeld = true;
      this.#onChange(message, THREAD_IS_OVER.has(frame.code) ? "held" : "failed", describeError(frame));
      this.flush();
    }
    return true;
  }

  /** A run has ended, so there is room for one more message. */
  makeRoom() {
    if (this.#pause?.isForRoom) this.#resume();
  }

  resend(id) {
    const message = this.#messages.find((one) => one.id === id);
    if (!message) return;
    message.isHeld = false;
    this.#onChange(message, "waiting");
    this.flush();
  }

  /** Give a message back to the customer's hands. */
  takeBack(id) {
    const message = this.#messages.find((one) => one.id === id);
    if (message) this.#forget(message);
    return message?.content ?? "";
  }

  /**
   * Carry on in another thread with what certainly is not in the old one.
   * @param {boolean} isOldLost the old thread cannot be reached any more, so everything comes along
   */
  moveTo(threadId, isOldLost = false) {
    for (const message of this.#messages) {
      if (message.threadId === threadId || !(isOldLost || message.isHeld || !message.attempts)) continue;
      message.threadId = threadId;
      message.isHeld = false;
      message.attempts = 0;
      this.#keep(message);
    }
  }

  #keep({ id, threadId, content }) {
    this.#memory.keepUnsent({ id, threadId, content });
  }

  #forget(message) {
    this.#messages = this.#messages.filter((one) => one !== message);
    this.#memory.dropUnsent(message.id);
    if (this.#inFlight === message) this.#land();
  }

  #land() {
    clearTimeout(this.#deadline);
    this.#inFlight = null;
  }

  #countDown(message, seconds) {
    if (seconds <= 0 || !this.#messages.includes(message)) return this.#resume();
    this.#onChange(message, "queued", words.retryIn(seconds));
    const timer = setTimeout(() => this.#countDown(message, seconds - 1), 1000);
    this.#pause = { timer, isForRoom: false };
  }

  #resumeIn(wait) {
    this.#pause = { timer: setTimeout(() => this.#resume(), wait), isForRoom: true };
  }

  #resume() {
    clearTimeout(this.#pause?.timer);
    this.#pause = null;
    this.flush();
  }
}
