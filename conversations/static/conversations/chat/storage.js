/**
 * What the browser remembers: who the visitor is, which conversation goes on, what is written but not yet sent.
 * Works without localStorage too (private windows, full disks): then it lasts as long as the page.
 */

const PREFIX = "smart-support:";

export function makeId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // randomUUID is missing on plain http:// addresses, where self-hosted sites are often tried first.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}

class Drawer {
  #memory = new Map();

  read(key) {
    try {
      const text = localStorage.getItem(PREFIX + key);
      if (text !== null) return JSON.parse(text);
    } catch {
      // Fall through to what this page remembers.
    }
    return this.#memory.get(key);
  }

  write(key, value) {
    this.#memory.set(key, value);
    try {
      localStorage.setItem(PREFIX + key, JSON.stringify(value));
    } catch {
      // Kept in memory only.
    }
  }

  drop(key) {
    this.#memory.delete(key);
    try {
      localStorage.removeItem(PREFIX + key);
    } catch {
      // It was never stored.
    }
  }
}

export class Memory {
  #drawer = new Drawer();
  #slug;

  constructor(slug) {
    this.#slug = slug;
  }

  /** The visitor's token: one for the whole site. */
  get token() {
    const token = this.#drawer.read("token");
    return typeof token === "string" ? token : undefined;
  }

  set token(token) {
    if (token) this.#drawer.write("token", token);
    else this.#drawer.drop("token");
  }

  /** The conversation that goes on: `isBegun` once the server has taken a message of it. */
  get thread() {
    const kept = this.#drawer.read(`${this.#slug}:thread`);
    if (kept && /^[A-Za-z0-9_-]{1,128}$/.test(kept.id)) return kept;
    return this.startThread();
  }

  startThread() {
    const old = this.#drawer.read(`${this.#slug}:thread`);
    const previous = old?.isBegun ? old.id : old?.previous;
    return this.#keep({ id: makeId(), isBegun: false, previous });
  }

  /** Forget a thread that belongs to somebody else, and begin another. */
  replaceThread() {
    return this.#keep({ id: makeId(), isBegun: false });
  }

  returnToPrevious() {
    const { id, isBegun, previous } = this.thread;
    return this.#keep({ id: previous, isBegun: true, previous: isBegun ? id : undefined });
  }

  markBegun(threadId) {
    const thread = this.thread;
    if (thread.id === threadId && !thread.isBegun) this.#keep({ ...thread, isBegun: true });
  }

  /** Have `act` called when another tab changes which conversation goes on, or begins it. */
  onThreadElsewhere(act) {
    addEventListener("storage", (event) => {
      if (event.key === `${PREFIX}${this.#slug}:thread`) act(this.thread);
    });
  }

  #keep(thread) {
    this.#drawer.write(`${this.#slug}:thread`, thread);
    return thread;
  }

  get draft() {
    const draft = this.#drawer.read(`${this.#slug}:draft`);
    return typeof draft === "string" ? draft : "";
  }

  set draft(text) {
    if (text) this.#drawer.write(`${this.#slug}:draft`, text);
    else this.#drawer.drop(`${this.#slug}:draft`);
  }

  /** Messages that no server has accepted yet, oldest first: `{id, threadId, content}`. */
  get unsent() {
    const list = this.#drawer.read(`${this.#slug}:unsent`);
    return Array.isArray(list) ? list : [];
  }

  // Each change reads the list anew: another tab may have added to it.
  keepUnsent(message) {
    const others = this.unsent.filter((one) => one.id !== message.id);
    this.#drawer.write(`${this.#slug}:unsent`, [...others, message]);
  }

  dropUnsent(id) {
    const list = this.unsent;
    const rest = list.filter((one) => one.id !== id);
    if (rest.length !== list.length) this.#drawer.write(`${this.#slug}:unsent`, rest);
  }
}
