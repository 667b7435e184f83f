/**
 * Shows a transcript. Knows nothing of sockets or storage; buttons call `actions`.
 *
 * Hooks for browser tests (`data-testid`), kept stable. Look for texts inside `log`: for a few seconds the announcer for
 * screen readers holds the same words.
 *   home-card-<slug>   a vertical on the home page
 *   log                the list of everything said
 *   greeting           the first bubble, which is no message
 *   bubble-customer    data-delivery: accepted, sending, waiting, queued, held, failed
 *   bubble-agent       data-state: streaming, broken (the connection was lost in it), final; data-agent: name; data-role: agent, staff, system
 *   tool-line          data-tool: name; data-status: running, waiting, ok, error, rejected, expired, superseded, unknown
 *   card               data-state: pending, answering, approved, rejected, expired, superseded; data-approver
 *   card-approve, card-decline, card-countdown, card-outcome
 *   retry-prompt       what stands after an approval that came too late
 *   note               data-about: failed, stopped, handoff_requested, handoff_assigned, handoff_released
 *   typing             the sign that an answer is being worked on, or that a person writes
 *   talk-to-person     asks for one; gone while one is asked for or there
 *   waiting-time       in the banner: since when a person has been asked for
 *   rating             the form for it, once a conversation is closed; rating-<n>, rating-comment, rating-send, rating-thanks
 *   suggestion         a first question to click
 *   composer           the text field; send, stop, new-conversation, previous-conversation
 *   connection         data-state: connecting, online, reconnecting, offline
 *   banner, notice     the conversation's state; a passing remark. Both empty when there is nothing to say
 *   offline-note       answers come from the offline model
 */

import { h, icon } from "./dom.js";
import { announcement, draw, redraw, tickCard } from "./items.js";
import { RatingForm } from "./rating.js";
import { isSilent, pendingCards } from "./transcript.js";
import { words } from "./words.js";

const NEAR_BOTTOM_PX = 80;
const ANNOUNCEMENT_MS = 8_000;
const TYPING_MS = 7_000; // a person who goes on writing says so every few seconds

export class View {
  #context;
  #log = document.getElementById("log");
  #scroller = document.getElementById("scroller");
  #jump = document.getElementById("jump");
  #suggestions = document.getElementById("suggestions");
  #announcer = document.getElementById("announcer");
  #banner = document.getElementById("banner");
  #notice = document.getElementById("notice");
  #connection = document.getElementById("connection");
  #shown = new Map(); // key → {item, element}
  #announced = new Set(); // keys
  #isQuiet = true; // a replayed past is not announced
  #follows = true;
  #transcript = null;
  #isDue = false;
  #noticeText;
  #bannerText;
  #typing;
  #personTyping;
  #typingTimer;
  #isPersonTyping = false;
  #talkToPerson = document.getElementById("talk-to-person");
  #since = null;
  #rating;
  #greeting;
  #title = document.title;

  constructor({ config, actions, clock }) {
    this.#context = { config, actions, clock };
    this.#typing = h(
      "li",
      { class: "item typing", "data-testid": "typing" },
      h("span", { class: "sr-only" }, words.typing),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    );
    this.#personTyping = h(
      "li",
      { class: "item typing", "data-testid": "typing", "data-who": "person" },
      h("span", { class: "who" }),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    );
    this.#rating = new RatingForm(document.getElementById("rating"), actions);
    this.#greeting = h(
      "li",
      { class: "item agent greeting", "data-testid": "greeting" },
      h(
        "p",
        { class: "who" },
        h("span", { class: "face", "aria-hidden": "true" }, config.agents.support.trim().charAt(0).toUpperCase()),
        h("span", { class: "label" }, config.agents.support),
      ),
      h("div", { class: "bubble", dir: "auto" }, config.greeting),
    );
    this.#scroller.addEventListener("scroll", () => this.#noticeScroll(), { passive: true });
    this.#jump.addEventListener("click", () => this.follow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) document.title = this.#title;
    });
    new ResizeObserver(() => this.#follows && this.#scrollDown()).observe(this.#scroller);
    setInterval(() => this.#tick(), 1000);
  }

  /** Show a transcript soon: many frames in one moment are drawn once. */
  show(transcript) {
    this.#transcript = transcript;
    if (this.#isDue) return;
    this.#isDue = true;
    const drawNow = () => {
      this.#isDue = false;
      this.#draw();
    };
    // A hidden tab gets no animation frames, yet its title should change.
    if (document.hidden) setTimeout(drawNow, 100);
    else requestAnimationFrame(drawNow);
  }

  /** Start over with another conversation. */
  clear() {
    this.#shown.clear();
    this.#announced.clear();
    this.#log.replaceChildren();
    this.showTyping(null);
    this.#rating.clear();
    this.#follows = true;
    this.#isQuiet = true;
  }

  /** From now on what arrives is news, and is read out. */
  endQuiet() {
    this.#isQuiet = false;
  }

  follow() {
    this.#follows = true;
    this.#scrollDown();
  }

  showConnection(state) {
    if (this.#connection.dataset.state === state) return;
    this.#connection.dataset.state = state;
    this.#connection.querySelector(".words").textContent = words.connection[state];
  }

  /** Show for a while that a person writes; null takes it away. */
  showTyping(name) {
    clearTimeout(this.#typingTimer);
    this.#isPersonTyping = name !== null;
    if (this.#isPersonTyping) {
      this.#personTyping.querySelector(".who").textContent = words.personTyping(name);
      this.#typingTimer = setTimeout(() => this.showTyping(null), TYPING_MS);
    }
    if (this.#transcript) this.show(this.#transcript);
  }

  /** @param {{text: string, label?: string, act?: () => void, isCalm?: boolean, since?: string}|null} content */
  showBanner(content) {
    this.#since = content?.since ?? null;
    // Called with every frame; filling it anew would have it read out again.
    if (this.#bannerText === content?.text) return;
    this.#bannerText = content?.text;
    fillBar(this.#banner, content);
    this.#tickWaiting();
  }

  /** Say something in passing above the composer; null takes it away. */
  showNotice(content) {
    this.#noticeText = content?.text;
    fillBar(this.#notice, content && { ...content, onDismiss: () => this.showNotice(null) });
  }

  /** Take a notice away if it is still this one. */
  dropNotice(text) {
    if (this.#noticeText === text) this.showNotice(null);
  }

  /** Offer first questions, and the way back to an earlier conversation. */
  showSuggestions(questions, previous) {
    const { actions } = this.#context;
    const chip = (question) =>
      h(
        "button",
        { type: "button", class: "chip", "data-testid": "suggestion", dir: "auto", onclick: () => actions.say(question) },
        question,
      );
    this.#suggestions.replaceChildren(
      ...questions.map(chip),
      ...(previous
        ? [
            h(
              "button",
              { type: "button", class: "link", "data-testid": "previous-conversation", onclick: previous },
              words.previous,
            ),
          ]
        : []),
    );
  }

  #draw() {
    const transcript = this.#transcript;
    const items = [...transcript.items, ...transcript.unsent];
    const wanted = [this.#greeting, ...items.map((item) => this.#elementFor(item))];
    if (isSilent(transcript)) wanted.push(this.#typing);
    else if (this.#isPersonTyping) wanted.push(this.#personTyping);
    const isOver = transcript.status === "closed" || transcript.status === "expired";
    this.#talkToPerson.hidden = isOver || transcript.handoff !== null || transcript.status === "handed_off";
    this.#rating.show(transcript);
    arrange(this.#log, wanted);
    for (const [key, { element }] of this.#shown) if (!element.isConnected) this.#shown.delete(key);
    this.#groupByAuthor(items);
    this.#suggestions.hidden = items.length > 0;
    for (const item of items) this.#announce(item);
    if (this.#follows && items.length) this.#scrollDown();
    this.#noticeScroll();
  }

  #elementFor(item) {
    const shown = this.#shown.get(item.key);
    if (shown?.item === item) return shown.element;
    const canChange = shown && shown.item.kind === item.kind;
    const element =
      canChange && redraw(shown.element, item, shown.item, this.#context)
        ? shown.element
        : draw(item, this.#context);
    if (shown && element !== shown.element) element.classList.add("still");
    this.#shown.set(item.key, { item, element });
    return element;
  }

  #groupByAuthor(items) {
    let author = "support system";
    for (const item of items) {
      const { element } = this.#shown.get(item.key);
      if (item.kind === "agent") {
        const own = item.role === "system" ? "support system" : `${item.role} ${item.agent} ${item.author}`;
        element.classList.toggle("continued", own === author && items[0] !== item);
        author = own;
      } else if (item.kind !== "tool") {
        author = "";
      }
    }
  }

  #announce(item) {
    if (this.#announced.has(item.key)) return;
    const text = announcement(item, this.#context);
    if (!text) return;
    this.#announced.add(item.key);
    if (this.#isQuiet) return;
    const spoken = h("p", {}, text);
    this.#announcer.append(spoken);
    // Once read out it is only a double of what stands in the log.
    setTimeout(() => spoken.remove(), ANNOUNCEMENT_MS);
    if (document.hidden) document.title = `(${words.newMessage}) ${this.#title}`;
  }

  #tick() {
    if (!this.#transcript) return;
    this.#tickWaiting();
    for (const item of pendingCards(this.#transcript)) {
      const shown = this.#shown.get(item.key);
      if (shown) tickCard(shown.element, item, this.#context);
    }
  }

  #tickWaiting() {
    const place = this.#banner.querySelector(".since");
    if (!place || !this.#since) return;
    const minutes = Math.floor((this.#context.clock.now() - Date.parse(this.#since)) / 60_000);
    place.textContent = words.waited(Math.max(0, minutes));
  }

  #noticeScroll() {
    if (!this.#transcript?.items.length) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    this.#jump.hidden = this.#follows;
  }

  #scrollDown() {
    if (this.#suggestions.hidden === false) return; // a start is read from its top
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function fillBar(bar, content) {
  if (!content) {
    bar.replaceChildren();
    return;
  }
  const { text, label, act, onDismiss, since } = content;
  bar.replaceChildren(
    h(
      "div",
      { class: content.isCalm ? "bar calm" : "bar", "data-testid": bar.id },
      icon(content.isCalm ? "person" : "info"),
      h("span", {}, text),
      // Inside a status that is read out: the minutes that pass are not.
      since ? h("span", { class: "since", role: "timer", "aria-live": "off", "data-testid": "waiting-time" }) : "",
      label ? h("button", { type: "button", class: "button small", onclick: act }, label) : "",
      onDismiss
        ? h("button", { type: "button", class: "icon-button", "aria-label": words.dismiss, onclick: onDismiss }, icon("cross"))
        : "",
    ),
  );
}

/** Make the list's children exactly these, moving as little as possible: a moved element would lose focus. */
function arrange(list, wanted) {
  const keep = new Set(wanted);
  for (const child of [...list.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}
