/** Wires the connection, the transcript, the outbox and the view together. */

import { ServerClock } from "./clock.js";
import { Composer } from "./composer.js";
import { Outbox } from "./outbox.js";
import { Connection } from "./protocol.js";
import { Memory } from "./storage.js";
import * as log from "./transcript.js";
import { View } from "./view.js";
import { describeError, words } from "./words.js";

const QUIET_MS = 1_000; // how long after a session's start old events may still be arriving
const FAILURES_TO_MENTION = 4;

const config = JSON.parse(document.getElementById("chat-config").textContent);
const memory = new Memory(config.slug);
const clock = new ServerClock(config.now);

let transcript = log.startTranscript(memory.thread.id);
let sentToken;
let quiet;
let isPastTold = true;
let isGapKnown = false;
let wishedIn = null; // the thread in which a person was asked for, until the server has been told
const answers = new Map(); // interrupt id → approved, until the server has heard it

const actions = {
  say,
  stop,
  answer,
  startNew: () => startNew(),
  resend: (id) => outbox.resend(id),
  takeBack(id) {
    composer.offer(outbox.takeBack(id));
    update(log.dropUnsent(transcript, id));
  },
  askAgain: (key) => composer.offer(log.findRequest(transcript, key)),
  sayAgain: (key) => say(log.findRequest(transcript, key)),
  talkToPerson() {
    wishedIn = transcript.threadId;
    if (!sendWish()) view.showNotice({ text: words.unreachable });
    composer.focus(); // the button goes away
  },
  rate(rating, comment) {
    const frame = { type: "feedback", thread_id: transcript.threadId, rating };
    if (comment) frame.comment = comment;
    if (!connection.send(frame)) view.showNotice({ text: words.rating.unreachable });
  },
  explain: (text) => view.showNotice({ text }),
  /** Tell a person who listens; says whether there was one to tell. */
  typing() {
    return transcript.handoff?.status === "assigned" && connection.send({ type: "typing", thread_id: transcript.threadId });
  },
};

const view = new View({ config, actions, clock });
const outbox = new Outbox({
  memory,
  send: (frame) => connection.send(frame),
  onChange,
  onSilence: () => connection.reconnect(),
});
const composer = new Composer({ memory, limit: config.max_content_chars, actions });
const connection = new Connection({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${config.ws_path}`,
  makeHello,
  onFrame,
  onState,
});

function update(next) {
  transcript = next;
  view.show(transcript);
  composer.showStop(transcript.isWorking && connection.isOnline, transcript.isStopping);
  view.showBanner(banner());
}

function banner() {
  const startAgain = { label: words.startNew, act: () => startNew() };
  if (transcript.status === "expired") return { text: words.status.expired, ...startAgain };
  if (transcript.status === "closed") return { text: words.status.closed, ...startAgain };
  if (transcript.handoff?.status === "assigned") return { text: words.withPerson(transcript.handoff.name), isCalm: true };
  if (transcript.handoff || transcript.status === "handed_off") {
    return { text: words.waitsForPerson, isCalm: true, since: transcript.handoff?.at };
  }
  return null;
}

// --- what the customer does ------------------------------------------------------------------------

function say(text) {
  if (!text) return;
  const message = outbox.add(text, transcript.threadId);
  update(log.addUnsent(transcript, { ...message, delivery: connection.isOnline ? "sending" : "waiting" }));
  view.showNotice(null);
  isPastTold = true;
  view.endQuiet();
  view.follow();
  outbox.flush();
}

function onChange(message, delivery, note) {
  if (message.isHeld && message.threadId !== transcript.threadId) {
    // Its conversation is no longer on the screen, so the words go where the customer sees them.
    composer.offer(outbox.takeBack(message.id));
    return;
  }
  update(log.markUnsent(transcript, message.id, delivery, note));
}

function stop() {
  if (transcript.isStopping) return;
  if (connection.send({ type: "stop", thread_id: transcript.threadId })) update(log.requestStop(transcript));
}

function answer(interruptId, approved) {
  if (answers.has(interruptId) || !log.isAnswerable(transcript, interruptId, clock.now())) return;
  answers.set(interruptId, approved);
  update(log.answerCard(transcript, interruptId, approved));
  sendAnswer(interruptId, approved);
}

function sendAnswer(interruptId, approved) {
  connection.send({
    type: "interrupt_response",
    thread_id: transcript.threadId,
    interrupt_id: interruptId,
    approved,
  });
}

/** Ask for a person, now or as soon as there is a connection; returns whether it went out. */
function sendWish() {
  const isSent = wishedIn === transcript.threadId && connection.send({ type: "handoff", thread_id: wishedIn });
  if (isSent) wishedIn = null;
  return isSent;
}

function startNew() {
  if (!transcript.items.length && !transcript.unsent.length) return composer.focus();
  openThread(memory.startThread());
  composer.focus();
}

function openThread(thread, isOldLost = false) {
  answers.clear();
  view.clear();
  view.showNotice(null);
  transcript = log.startTranscript(thread.id);
  outbox.moveTo(thread.id, isOldLost);
  showUnsent();
  showSuggestions(thread);
  connection.reconnect();
}

function showUnsent() {
  let next = transcript;
  for (const message of outbox.messages) {
    if (message.threadId === transcript.threadId) next = log.addUnsent(next, { ...message, delivery: "waiting" });
  }
  update(next);
}

function showSuggestions(thread) {
  const goBack = thread.previous ? () => openThread(memory.returnToPrevious()) : null;
  view.showSuggestions(config.suggested_questions, goBack);
}

// --- what the server says --------------------------------------------------------------------------

function makeHello() {
  sentToken = memory.token;
  const hello = { type: "hello", template: config.slug, locale: navigator.language };
  if (sentToken) hello.token = sentToken;
  // Only a thread that the server has seen can be resumed; naming another one would be refused.
  if (memory.thread.isBegun && memory.thread.id === transcript.threadId) {
    hello.thread_id = transcript.threadId;
    hello.after_seq = transcript.lastSeq;
  }
  return hello;
}

function onState(state, failures) {
  view.showConnection(state);
  if (state === "online") {
    sendWish();
    return update(transcript);
  }
  outbox.close();
  update(log.loseConnection(transcript));
  if (failures === FAILURES_TO_MENTION) {
    view.showNotice({ text: words.unreachable, label: words.tryNow, act: () => connection.retryNow() });
  }
}

function onFrame(frame) {
  if (frame.type === "session") return onSession(frame);
  if (frame.type === "error") return onError(frame);
  if (frame.type === "typing") return onTyping(frame);
  if (log.hasGap(transcript, frame)) return fillGap();
  isGapKnown = false;
  let retried = false;
  if (frame.type === "message_accepted") retried = onAccepted(frame);
  if (frame.type === "handoff") memory.markBegun(frame.thread_id); // it may be the first that the server hears of it
  if (frame.type === "message") view.showTyping(null);
  if (frame.type === "interrupt_resolved" || frame.type === "interrupt_expired") answers.delete(frame.interrupt_id);
  if (Number.isInteger(frame.seq)) {
    if (isPastTold) update(log.endJoining(transcript));
    restQuiet();
  }
  update(log.receive(transcript, frame));
  if (frame.type === "message_complete") outbox.makeRoom();
  // The first try may have been accepted long ago, with its answer sent to a socket that was already dead.
  if (retried) resume();
}

function onSession(frame) {
  const stored = memory.token;
  if (!sentToken && stored) {
    // Another tab became a visitor in the meantime: be the same one, so that the conversation can be shared.
    connection.reconnect();
    return;
  }
  if (typeof frame.token === "string") memory.token = frame.token;
  if (Number.isInteger(frame.limits?.content_chars)) composer.limit = frame.limits.content_chars;
  isGapKnown = false;
  view.dropNotice(words.unreachable);
  isPastTold = false;
  update(log.join(transcript));
  restQuiet();
  for (const [interruptId, approved] of answers) sendAnswer(interruptId, approved);
  outbox.open();
}

function onTyping(frame) {
  if (frame.thread_id === transcript.threadId) view.showTyping(String(frame.author ?? ""));
}

// No frame says that the past has been told; a pause says so.
function restQuiet() {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    isPastTold = true;
    view.endQuiet();
  }, QUIET_MS);
}

/** Return whether it was a message that had been sent before. */
function onAccepted(frame) {
  memory.markBegun(frame.thread_id);
  const message = outbox.accept(frame);
  if (!message) return false;
  if (message.attempts === 1) clock.observe(frame.created_at, message.sentAt, Date.now());
  return message.attempts > 1;
}

function resume() {
  connection.send({ type: "resume", thread_id: transcript.threadId, after_seq: transcript.lastSeq });
}

function fillGap() {
  if (isGapKnown) return;
  isGapKnown = true;
  resume();
}

function onError(frame) {
  if (frame.thread_id !== undefined && frame.thread_id !== transcript.threadId && !outbox.owns(frame.thread_id)) return;
  if (frame.code === "invalid_token") return becomeSomebodyNew();
  if (outbox.refuse(frame)) return;
  if (frame.code === "forbidden") return leaveForeignThread();
  if (answers.size) return failAnswers(frame);
  // The answer came twice, by two sockets; the card shows what became of it.
  if (frame.code === "no_pending_interrupt") return resume();
  const startAgain = frame.code === "session_expired" ? { label: words.startNew, act: () => startNew() } : {};
  view.showNotice({ text: describeError(frame), ...startAgain });
}

function becomeSomebodyNew() {
  memory.token = undefined;
  const wasBegun = memory.thread.isBegun;
  openThread(memory.replaceThread(), true);
  if (wasBegun) view.showNotice({ text: words.unavailable });
}

function leaveForeignThread() {
  openThread(memory.replaceThread(), true);
  view.showNotice({ text: words.unavailable });
}

function failAnswers(frame) {
  for (const interruptId of answers.keys()) {
    update(log.answerCard(transcript, interruptId, null, describeError(frame)));
  }
  answers.clear();
  // Somebody else may have decided: ask for what was missed.
  resume();
}

/** The same empty conversation stands open in two tabs, and the other one has begun it. */
function followOtherTab(thread) {
  if (thread.isBegun && thread.id === transcript.threadId && !transcript.lastSeq) resume();
}

memory.onThreadElsewhere(followOtherTab);
document.getElementById("talk-to-person").addEventListener("click", () => actions.talkToPerson());
document.getElementById("new-conversation").addEventListener("click", () => startNew());
showSuggestions(memory.thread);
showUnsent();
connection.start();
