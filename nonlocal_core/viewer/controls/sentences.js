// The sentence of each pin, behind its letter where there are several, and what is done with pins.

import { el, say } from "../drawing/dom.js";
import { PINS } from "../drawing/letters.js";
import { LETTERS } from "../model/words.js";
import { MOST_PINS, keeps, subtracts } from "../model/pins.js";

export class Sentences {
  constructor(act) {
    this.lines = PINS.map((name, pin) => {
      const letter = el("span", { class: `nlv-letter ${name}` }, LETTERS[pin]);
      const words = el("span", {});
      const drop = el("button", { type: "button", class: "nlv-chip", title: `Take pin ${LETTERS[pin]} away`, "aria-label": `Take pin ${LETTERS[pin]} away`, onclick: () => act({ type: "drop", pin }) }, "×");
      return { root: el("p", { class: "nlv-sentence" }), letter, words, drop };
    });
    this.root = el("div", { class: "nlv-sentences" });
    this.held = false;
  }

  /** Keep the height while cells are drawn: a longer sentence would move the picture under the pointer. */
  hold(held) {
    if (held === this.held) return;
    this.held = held;
    this.root.style.height = held ? `${this.root.offsetHeight}px` : "";
    this.root.classList.toggle("is-held", held);
  }

  /** One sentence for each pin, A first; that of the one that is asked now is the last. */
  show(sentences) {
    if (this.root.children.length !== sentences.length) this.#arrange(sentences.length);
    sentences.forEach((sentence, pin) => say(this.lines[pin].words, sentence));
  }

  #arrange(count) {
    const several = count > 1;
    this.root.classList.toggle("is-several", several);
    this.lines.forEach(({ root, letter, words, drop }, pin) => (
      root.replaceChildren(...(several ? [letter] : []), words, ...(pin < count - 1 ? [drop] : []))
    ));
    this.root.replaceChildren(...this.lines.slice(0, count).map(({ root }) => root));
  }
}

/** Keep the pin and ask another beside it; with two pins, take the one from the other. */
export function pinsChoice(act) {
  const keep = el("button", { type: "button", class: "nlv-button", onclick: () => act({ type: "keep" }) });
  const less = el("button", { type: "button", class: "nlv-button", onclick: () => act({ type: "subtract" }) }, "A − B");
  const show = (state) => {
    const next = LETTERS[state.beside.length + 1];
    say(keep, next ? `Pin ${next}` : "Pins A, B, C");
    keep.hidden = !state.pinned && state.beside.length === 0;
    keep.disabled = !keeps(state);
    keep.title = state.minus.length ? "Cells are taken away: let these go first" : state.beside.length === MOST_PINS - 1 ? "Three pins are the most: take one away first"
      : state.pinned ? `Keep this pin as ${LETTERS[state.beside.length]}, and ask another beside it (m)` : "Pin a position first: click it";
    less.hidden = state.beside.length === 0;
    less.disabled = !subtracts(state);
    less.title = !less.disabled ? "One question: what A has more than B, and less in cold colours; u brings both back"
      : state.pinned ? "Of two pins: take one away first" : "Pin B first: click it";
  };
  return { root: el("div", { class: "nlv-tools" }, keep, less), show };
}
