/**
 * One lasting connection over many sockets: hello first, ping, noticing dead sockets, coming back with patience.
 * Knows frames only as JSON objects; what they mean is `transcript.js`'s business.
 */

const PING_MS = 25_000;
const PONG_MS = 10_000;
const SESSION_MS = 12_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
const FLOOD_WAIT_MS = 10_000;
const CLOSED_TOKEN = 4401;
const CLOSED_FLOOD = 4429;

export class Connection {
  #url;
  #makeHello;
  #onFrame;
  #onState;
  #socket = null;
  #isOpen = false; // a session frame has come
  #failures = 0;
  #wait = null;
  #ping = null;
  #deadline = null;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {() => object} options.makeHello the hello frame, made anew for each socket
   * @param {(frame: object) => void} options.onFrame
   * @param {(state: "connecting"|"online"|"reconnecting"|"offline", failures: number) => void} options.onState
   */
  constructor({ url, makeHello, onFrame, onState }) {
    this.#url = url;
    this.#makeHello = makeHello;
    this.#onFrame = onFrame;
    this.#onState = onState;
  }

  start() {
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#isOpen || this.#report());
    addEventListener("pageshow", (event) => event.persisted && this.reconnect());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      if (this.#isOpen) this.#sendPing();
      else this.retryNow();
    });
    this.#connect();
  }

  get isOnline() {
    return this.#isOpen;
  }

  /** Send a frame if there is a session; otherwise return false, and the caller keeps it. */
  send(frame) {
    if (!this.#isOpen || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Drop this socket and greet again at once: the identity or the thread has changed, or it seems dead. */
  reconnect() {
    this.#drop();
    this.#connect();
  }

  /** Cut a wait short. Does nothing while a socket is open or opening. */
  retryNow() {
    if (this.#socket) return;
    clearTimeout(this.#wait);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#wait);
    this.#report();
    let socket;
    try {
      socket = new WebSocket(this.#url);
    } catch {
      this.#retryLater();
      return;
    }
    this.#socket = socket;
    this.#deadline = setTimeout(() => this.#fail(), SESSION_MS);
    socket.onopen = () => socket.send(JSON.stringify(this.#makeHello()));
    socket.onmessage = (event) => this.#receive(event);
    socket.onclose = (event) => this.#fail(event.code);
  }

  #receive(event) {
    clearTimeout(this.#deadline);
    let frame;
    try {
      frame = JSON.parse(event.data);
    } catch {
      return;
    }
    if (frame === null || typeof frame !== "object" || typeof frame.type !== "string") return;
    if (frame.type === "session") {
      this.#isOpen = true;
      this.#failures = 0;
      clearInterval(this.#ping);
      this.#ping = setInterval(() => this.#sendPing(), PING_MS);
      this.#onState("online", 0);
    }
    this.#onFrame(frame);
  }

  #sendPing() {
    if (!this.send({ type: "ping" })) return;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#fail(), PONG_MS);
  }

  #fail(code) {
    this.#drop();
    this.#failures += 1;
    if (code === CLOSED_TOKEN && this.#failures === 1) this.#connect();
    else this.#retryLater(code === CLOSED_FLOOD ? FLOOD_WAIT_MS : 0);
  }

  #retryLater(atLeast = 0) {
    this.#report();
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10));
    // Jitter, so that a restarted server does not meet all of its visitors in one moment.
    const wait = Math.max(atLeast, most / 2 + (Math.random() * most) / 2);
    this.#wait = setTimeout(() => this.#connect(), wait);
  }

  // Handlers go first: closing a socket whose network is gone can take a minute to be reported.
  #drop() {
    clearTimeout(this.#wait);
    clearTimeout(this.#deadline);
    clearInterval(this.#ping);
    this.#isOpen = false;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #report() {
    if (navigator.onLine === false) this.#onState("offline", this.#failures);
    else this.#onState(this.#failures ? "reconnecting" : "connecting", this.#failures);
  }
}
