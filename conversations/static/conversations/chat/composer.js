/** Where the customer writes. It is never disabled, and what stands in it survives a reload. */

import { words } from "./words.js";

const COUNTER_FROM = 0.9;
const TYPING_MS = 5_000;

export class Composer {
  #field = document.getElementById("message");
  #counter = document.getElementById("counter");
  #stop = document.getElementById("stop");
  #memory;
  #limit;
  #actions;
  #typedAt = 0;

  constructor({ memory, limit, actions }) {
    this.#memory = memory;
    this.#limit = limit;
    this.#actions = actions;
    this.#field.value = memory.draft;
    this.#field.addEventListener("input", () => this.#changed());
    this.#field.addEventListener("keydown", (event) => this.#onKey(event));
    this.#stop.addEventListener("click", () => actions.stop());
    document.getElementById("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    addEventListener("resize", () => this.#fit());
    this.#changed();
  }

  set limit(limit) {
    this.#limit = limit;
    this.#count();
  }

  /** Show the stop button while there is something to stop. */
  showStop(isShown, isStopping) {
    const hadFocus = document.activeElement === this.#stop;
    this.#stop.hidden = !isShown;
    this.#stop.setAttribute("aria-disabled", String(isStopping));
    if (hadFocus && !isShown) this.focus();
  }

  focus() {
    this.#field.focus();
  }

  /** Put a text into the customer's hands without losing what already stands there. */
  offer(text) {
    const draft = this.#field.value.trimEnd();
    this.#field.value = draft && draft !== text ? `${draft}\n${text}` : text;
    this.#changed();
    this.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    // Lone surrogates and NUL are refused by the server; neither is anything that a person wrote.
    const text = this.#field.value.replaceAll("\u0000", "").replace(/\p{Surrogate}/gu, "\ufffd").trim();
    if (!text) return this.focus();
    if (length(text) > this.#limit) {
      this.#actions.explain(words.tooLong);
      return this.focus();
    }
    this.#field.value = "";
    this.#typedAt = 0; // the next message's first letter is news
    this.#changed();
    this.focus();
    this.#actions.say(text);
  }

  #changed() {
    this.#memory.draft = this.#field.value;
    this.#fit();
    this.#count();
    const now = Date.now();
    if (this.#field.value && now - this.#typedAt > TYPING_MS && this.#actions.typing()) this.#typedAt = now;
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  #count() {
    const { value } = this.#field;
    // Counting code points of a long text costs; far from the limit the cheap length will do.
    const left = value.length < this.#limit * COUNTER_FROM ? this.#limit : this.#limit - length(value.trim());
    const isNear = left <= this.#limit * (1 - COUNTER_FROM);
    this.#counter.textContent = isNear ? (left < 0 ? words.charactersOver(-left) : words.charactersLeft(left)) : "";
    this.#counter.classList.toggle("over", left < 0);
    this.#field.setAttribute("aria-invalid", String(left < 0));
  }
}

// As the server counts: code points, not UTF-16 units.
function length(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
