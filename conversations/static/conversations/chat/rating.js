/** How satisfied the customer was: asked once a conversation is closed. Plain radio buttons, so that keys and readers know them. */

import { h } from "./dom.js";
import { words } from "./words.js";

const SCALE = [1, 2, 3, 4, 5];

export class RatingForm {
  #place;
  #actions;
  #form = null;
  #thanked = null;

  constructor(place, actions) {
    this.#place = place;
    this.#actions = actions;
  }

  /** Show the form of a closed conversation, or thanks for what was given. */
  show(transcript) {
    if (transcript.status !== "closed") return this.clear();
    if (transcript.rating) return this.#thank(transcript.rating.rating);
    if (this.#form) return;
    this.#form = this.#draw();
    this.#place.replaceChildren(this.#form);
  }

  clear() {
    if (!this.#form && !this.#thanked) return;
    this.#form = this.#thanked = null;
    this.#place.replaceChildren();
  }

  #thank(rating) {
    if (this.#thanked === rating) return;
    const hadFocus = this.#place.contains(document.activeElement);
    this.#thanked = rating;
    this.#form = null;
    const thanks = h("p", { class: "thanks", "data-testid": "rating-thanks", tabindex: "-1" }, words.rating.thanks(rating));
    this.#place.replaceChildren(thanks);
    if (hadFocus) thanks.focus({ preventScroll: true });
  }

  #draw() {
    const comment = h("textarea", { id: "rating-comment", rows: "2", maxlength: "2000", dir: "auto", "data-testid": "rating-comment" });
    const error = h("p", { class: "error", role: "alert" });
    const form = h(
      "form",
      { class: "rating", "data-testid": "rating" },
      h("fieldset", {}, h("legend", {}, words.rating.question), h("div", { class: "scale" }, ...SCALE.map(choice))),
      h("label", { for: "rating-comment" }, words.rating.comment),
      comment,
      error,
      h("button", { type: "submit", class: "button primary", "data-testid": "rating-send" }, words.rating.send),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = form.querySelector("input:checked");
      error.textContent = given ? "" : words.rating.missing;
      if (given) this.#actions.rate(Number(given.value), comment.value.trim());
      else form.querySelector("input").focus();
    });
    return form;
  }
}

function choice(n) {
  return h(
    "label",
    { class: "choice" },
    h("input", { type: "radio", name: "rating", value: String(n), "data-testid": `rating-${n}` }),
    h("span", { class: "number" }, String(n)),
    h("span", { class: words.rating.names[n] ? "name" : "sr-only" }, words.rating.names[n] ?? words.rating.of5),
  );
}
