/** How each kind of item in the log looks. `draw` makes its element; `redraw` changes it, or says that it cannot. */

import { formatSeconds } from "./clock.js";
import { fragmentFromHtml, h, icon } from "./dom.js";
import { humanise, humaniseValue, words } from "./words.js";

/**
 * @typedef {object} Context
 * @property {object} config what the page was given
 * @property {object} actions what buttons do
 * @property {import("./clock.js").ServerClock} clock
 */

/** Return the element of an item. */
export function draw(item, context) {
  return drawers[item.kind](item, context);
}

/** Change an item's element in place; return false if it has to be drawn anew. */
export function redraw(element, item, previous, context) {
  if (item.kind === "agent") return redrawAgent(element, item, previous);
  if (item.kind === "card") return redrawCard(element, item, context);
  if (item.kind === "tool") return redrawTool(element, item, context);
  return false;
}

/** What a screen reader says when the item is complete; nothing for what is still moving. */
export function announcement(item, context) {
  if (item.kind === "agent" && item.isFinal) return `${labelOf(item, context.config)}: ${plainText(item)}`;
  if (item.kind === "card" && !item.outcome) {
    return item.approver === "customer" ? words.card.announce(item.message) : words.card.announceStaff(item.message);
  }
  if (item.kind === "retry") return `${words.retry.title}. ${item.message}`;
  if (item.kind === "note") return noteText(item);
  return "";
}

export function labelOf(item, config) {
  const { agents } = config;
  if (item.role === "staff") return item.author || humanise(agents.human);
  if (item.role === "agent" && item.agent) return agents[item.agent] ?? humanise(item.agent);
  return agents.support;
}

function plainText(item) {
  return item.html === null ? item.content : fragmentFromHtml(item.html).textContent.trim();
}

const drawers = {
  customer(item, { actions }) {
    const meta = h("p", { class: "meta" });
    const note = item.note || words.delivery[item.delivery];
    if (note) meta.append(h("span", { class: "delivery" }, note));
    else if (item.at) meta.append(timeElement(item.at));
    if (item.delivery === "failed") {
      meta.append(
        h("button", { type: "button", class: "link", onclick: () => actions.resend(item.id) }, words.sendAgain),
        h("button", { type: "button", class: "link", onclick: () => actions.takeBack(item.id) }, words.edit),
      );
    } else if (item.delivery === "held") {
      meta.append(h("button", { type: "button", class: "link", onclick: () => actions.startNew() }, words.startNewKeeps));
    }
    return h(
      "li",
      { class: "item customer", "data-testid": "bubble-customer", "data-delivery": item.delivery },
      h("p", { class: "sr-only" }, words.you),
      h("div", { class: "bubble", dir: "auto" }, item.content),
      meta,
    );
  },

  agent(item, { config }) {
    const label = labelOf(item, config);
    const element = h(
      "li",
      { class: "item agent", "data-testid": "bubble-agent", "data-role": item.role, "data-agent": item.agent || null },
      h(
        "p",
        { class: "who" },
        h("span", { class: "face", "aria-hidden": "true" }, item.role === "staff" ? icon("person") : initial(label)),
        h("span", { class: "label" }, label),
        item.role === "staff" ? h("span", { class: "tag" }, "team") : null,
      ),
      h("div", { class: "bubble", dir: "auto" }),
    );
    fillAgent(element, item);
    return element;
  },

  routing(item, { config }) {
    const labels = item.agents.map((name) => config.agents[name] ?? humanise(name));
    return h("li", { class: "item line routing" }, icon("route"), h("span", {}, words.passedTo(labels)));
  },

  tool(item, { config }) {
    const head = [
      h("span", { class: "state", "aria-hidden": "true" }),
      h(
        "span",
        { class: "text" },
        h("span", { class: "what" }, (config.doing[item.tool] ?? words.working(item.tool)).replace(/[.…]+$/, "")),
        h("span", { class: "how" }),
      ),
    ];
    const details = table(item.args);
    const body = details
      ? h("details", {}, h("summary", {}, ...head, icon("chevron")), details)
      : h("div", { class: "summary" }, ...head);
    const element = h("li", { class: "item tool", "data-testid": "tool-line", "data-tool": item.tool }, body);
    fillTool(element, item);
    return element;
  },

  card(item, context) {
    const isMine = item.approver === "customer";
    const { actions } = context;
    const titleId = `title-${item.key}`;
    const element = h(
      "li",
      { class: "item card-item" },
      h(
        "div",
        {
          class: "card",
          role: "group",
          "aria-labelledby": titleId,
          "data-testid": "card",
          "data-approver": item.approver,
          tabindex: "-1",
        },
        h(
          "div",
          { class: "head" },
          icon(isMine ? "shield" : "person"),
          h("h2", { id: titleId }, isMine ? words.card.title : words.card.staffTitle),
          h("p", { class: "countdown", role: "timer", "aria-live": "off", "data-testid": "card-countdown" }),
        ),
        h("p", { class: "what", dir: "auto" }, item.message),
        table(item.params),
        h("p", { class: "outcome", "data-testid": "card-outcome" }),
        h("p", { class: "error", role: "alert" }),
        isMine &&
          h(
            "div",
            { class: "choices" },
            h(
              "button",
              {
                type: "button",
                class: "button primary",
                "data-testid": "card-approve",
                onclick: () => actions.answer(item.id, true),
              },
              words.card.approve,
            ),
            h(
              "button",
              {
                type: "button",
                class: "button",
                "data-testid": "card-decline",
                onclick: () => actions.answer(item.id, false),
              },
              words.card.decline,
            ),
          ),
        h("p", { class: "hint" }, isMine ? words.card.hint : `${words.card.staffBody} ${words.card.staffHint}`),
      ),
    );
    redrawCard(element, item, context);
    return element;
  },

  retry(item, { actions }) {
    return h(
      "li",
      { class: "item retry", "data-testid": "retry-prompt" },
      icon("clock"),
      h(
        "div",
        {},
        h("p", { class: "title" }, words.retry.title),
        h("p", { dir: "auto" }, item.message),
        h(
          "button",
          { type: "button", class: "button", onclick: () => actions.askAgain(item.cardKey) },
          words.retry.askAgain,
        ),
      ),
    );
  },

  note(item, { actions }) {
    const canRetry = item.about === "failed";
    return h(
      "li",
      { class: "item line note", "data-testid": "note", "data-about": item.about },
      icon(item.about.startsWith("handoff") ? "person" : "info"),
      h("span", {}, noteText(item)),
      canRetry &&
        h("button", { type: "button", class: "link", onclick: () => actions.sayAgain(item.key) }, words.run.tryAgain),
    );
  },
};

function noteText(item) {
  if (item.about === "handoff_assigned") return words.handoff.assigned(item.name);
  if (item.about.startsWith("handoff_")) return words.handoff[item.about.slice(8)] ?? words.handoff.requested;
  return words.run[item.about];
}

function fillAgent(element, item) {
  const bubble = element.querySelector(".bubble");
  const isHtml = item.isFinal && item.html !== null;
  element.dataset.state = item.isFinal ? "final" : item.isBroken ? "broken" : "streaming";
  bubble.classList.toggle("prose", isHtml);
  if (isHtml) bubble.replaceChildren(fragmentFromHtml(item.html));
  else bubble.textContent = unmarked(item);
}

/** What stands in a bubble while it fills: without the marks that the finished text turns into bold type and headings. */
function unmarked(item) {
  if (item.role !== "agent") return item.content;
  return (item.isCut ? "… " : "") + item.content.replaceAll("**", "").replaceAll(/^#{1,4} /gm, "");
}

function redrawAgent(element, item, previous) {
  if (item.role !== previous.role || item.agent !== previous.agent || item.author !== previous.author) return false;
  const text = element.querySelector(".bubble").firstChild;
  const isMore = !item.isFinal && !previous.isFinal && unmarked(item).startsWith(unmarked(previous));
  if (isMore && text instanceof Text) text.appendData(unmarked(item).slice(unmarked(previous).length));
  else fillAgent(element, item);
  return true;
}

function fillTool(element, item) {
  element.dataset.status = item.status;
  element.querySelector(".how").textContent = ` · ${words.tool[item.status] ?? words.tool.unknown}`;
  const glyph = { ok: "check", running: null, waiting: "clock", unknown: "info" };
  const name = item.status in glyph ? glyph[item.status] : "cross";
  element.querySelector(".state").replaceChildren(...(name ? [icon(name)] : []));
}

function redrawTool(element, item) {
  fillTool(element, item);
  return true;
}

function redrawCard(element, item, context) {
  const card = element.querySelector(".card");
  const part = (selector) => card.querySelector(selector);
  const isOpen = !item.outcome;
  const isSending = isOpen && item.answer !== null;
  card.dataset.state = item.outcome ?? (isSending ? "answering" : "pending");
  part(".outcome").textContent = item.outcome
    ? (words.outcome[item.outcome]?.[item.by ?? "system"] ?? humanise(item.outcome))
    : isSending
      ? item.answer
        ? words.card.sendingYes
        : words.card.sendingNo
      : "";
  if (!isOpen) part("h2").textContent = words.card.settledTitle;
  part(".error").textContent = item.error;
  part(".hint").hidden = !isOpen || isSending;
  const hadFocus = card.contains(document.activeElement) && document.activeElement !== card;
  const choices = part(".choices");
  if (choices) {
    choices.hidden = !isOpen;
    // aria-disabled, not disabled: a disabled button would drop the keyboard's focus to the top of the page.
    for (const button of choices.children) button.setAttribute("aria-disabled", String(isSending));
  }
  if (!isOpen && hadFocus) card.focus({ preventScroll: true });
  tickCard(element, item, context);
  return true;
}

/** Show how much time a card has left. */
export function tickCard(element, item, { clock }) {
  const countdown = element.querySelector(".countdown");
  const seconds = item.outcome ? null : clock.secondsUntil(item.expiresAt);
  countdown.hidden = seconds === null;
  if (seconds === null) return;
  const isOver = seconds <= 0;
  countdown.textContent = isOver ? words.card.timeUp : formatSeconds(seconds);
  if (isOver) countdown.removeAttribute("aria-label");
  else countdown.setAttribute("aria-label", words.card.timeLeft(formatSeconds(seconds)));
  countdown.classList.toggle("short", seconds < 120);
  if (item.answer === null) {
    for (const button of element.querySelectorAll(".choices button")) {
      button.setAttribute("aria-disabled", String(isOver));
    }
  }
}

/** Return arguments as a table; null if none of them says anything. */
function table(values) {
  const said = Object.entries(values).filter(([, value]) => value !== null && value !== "");
  if (!said.length) return null;
  const rows = said.map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, humanise(name)), h("td", { dir: "auto" }, humaniseValue(value))),
  );
  return h("table", { class: "params" }, h("tbody", {}, ...rows));
}

function timeElement(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const isToday = date.toDateString() === new Date().toDateString();
  const text = isToday
    ? date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" })
    : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: date.toISOString() }, text);
}

function initial(label) {
  return label.trim().charAt(0).toUpperCase();
}
