// A lesson over the viewer: words and a formula above the pictures, a thing to try and a question below them.
//
// Terms and pictures light each other up: a term that is pointed at or focused marks its part of the picture, and the part of
// the picture under the pointer marks its terms. All numbers are those of the answer on screen.

import { el, place, say } from "../drawing/dom.js";
import { numberWords, piecesOf, powerWords, termsOf, vectorWords, workOf } from "../model/formula.js";
import { strongestElsewhere } from "../model/answer.js";
import { boundsOf, cellOf, indexOf } from "../model/grid.js";
import { countWords, frameWords, percent, placeWords, timesWords, weightWords } from "../model/words.js";
import { seen } from "../model/zoom.js";

/** Which terms a part of the picture lights up, and the other way round. */
const TOGETHER = { query: ["query", "pair"], key: ["key", "pair"], pair: ["query", "key", "pair"], keys: ["keys"] };
/** Pixels that a cell needs for a weight in it, or for a share, which is shorter; and the size of its type as a part of the cell, at most. */
const [NUMBERED, SHARED] = [30, 24];
const [TYPE_PART, MOST_TYPE] = [0.42, 12];

export class Lesson {
  /** `view` is a viewer; `onstep(id)` hears which step is wanted. */
  constructor(view, onstep) {
    Object.assign(this, { view, onstep, key: null, terms: [] });
    this.previous = el("button", { type: "button", class: "nlv-button", title: "Page up", onclick: () => this.#walk(-1) }, "‹ Previous");
    this.next = el("button", { type: "button", class: "nlv-button nlv-onward", title: "Page down", onclick: () => this.#walk(1) }, "Next ›");
    this.menu = el("select", { "aria-label": "Step", onchange: () => this.#go(this.menu.selectedIndex) });
    this.title = el("h2", { class: "nlv-step" });
    this.words = el("p", { class: "nlv-words" });
    this.formula = el("div", { class: "nlv-formula", role: "group", "aria-label": "Formula" });
    this.numbers = el("dl", { class: "nlv-work" });
    this.head = el("section", { class: "nlv-lesson", "aria-label": "Lesson" },
      el("div", { class: "nlv-walk" }, this.title, this.menu, this.previous, this.next), this.words, this.formula, this.numbers);
    this.tail = el("section", { class: "nlv-lesson nlv-after", "aria-label": "Try it" });
    this.ring = el("div", { class: "nlv-lit" });
    this.cells = el("div", { class: "nlv-cellnumbers", "aria-hidden": "true" });
    view.root.classList.add("is-lesson");
    view.root.prepend(this.head);
    view.field.after(this.tail);
    view.root.addEventListener("keydown", (event) => this.#pageKey(event));
    view.field.addEventListener("pointerover", ({ target }) => this.#light(partUnder(target)));
    view.field.addEventListener("pointerleave", () => this.#light(null));
    view.lesson = this;
  }

  /** Show a step: { id, title, words, cites, formula, names, vectors, cells, attempt, question, answer, steps }. */
  open(step) {
    this.step = step;
    this.root = this.view.root;
    const place = step.steps.findIndex(({ id }) => id === step.id);
    this.menu.replaceChildren(...step.steps.map(({ title }, i) => el("option", {}, `${i + 1} of ${step.steps.length}: ${title}`)));
    this.menu.selectedIndex = place;
    this.#busy(false);
    this.previous.disabled = place === 0;
    this.next.disabled = place === step.steps.length - 1;
    this.head.classList.toggle("is-alone", step.steps.length === 1);
    say(this.title, step.title);
    this.words.replaceChildren(...setOf(step.words), " ", el("cite", {}, `(${step.cites})`));
    this.terms = termsOf(step.formula).map(({ part, pieces }) => ({ part, root: this.#term(part, pieces) }));
    this.formula.replaceChildren(...this.terms.map(({ root }) => root));
    this.tail.replaceChildren(el("p", {}, el("b", {}, "Try: "), ...setOf(step.attempt)),
      el("details", {}, el("summary", {}, el("b", {}, "Ask the picture: "), ...setOf(step.question)), el("p", {}, ...setOf(step.answer))));
    this.#light(null);
    if (this.view.isOpen) this.view.pace.layoutSoon();
  }

  /** The viewer has drawn an answer. */
  draw() {
    const { answered } = this.view;
    if (!this.step || !answered || this.view.state.direction !== "row") return this.numbers.replaceChildren();
    const { answer } = answered;
    const pointed = this.key && indexOf(answer.grid, this.key) < answer.values.length ? this.key : null;
    const strongest = strongestElsewhere(answered);
    this.shownKey = pointed ?? (strongest < 0 ? null : cellOf(answer.grid, strongest));
    this.#write(answered, pointed !== null);
    this.#mark();
    this.#writeCells(answered);
  }

  /** The pointer reads a cell of the answer, or none. */
  read(cell) {
    this.key = cell;
    if (this.view.isOpen) this.draw();
  }

  #term(part, pieces) {
    const set = asNodes(pieces);
    if (!part) return el("span", {}, ...set);
    const light = () => this.#light(part);
    const dark = () => this.#light(null);
    return el("button", { type: "button", class: "nlv-term", "data-part": part, onpointerenter: light, onfocus: light, onpointerleave: dark, onblur: dark, onclick: light }, ...set);
  }

  #light(part) {
    const lit = TOGETHER[part] ?? [];
    for (const term of this.terms) term.root.classList.toggle("is-lit", term.part !== null && lit.includes(term.part));
    for (const row of this.numbers.children) row.classList.toggle("is-lit", lit.includes(row.dataset.part));
    this.view.root.dataset.lit = part ?? "";
    this.lit = lit;
    this.#mark();
  }

  /** Ring the key that the numbers are of, where its frame is on screen. */
  #mark() {
    const { answered, shownFrame, stage, film } = this.view;
    if (!answered || !this.shownKey || !this.lit?.includes("key")) return this.ring.remove();
    const { grid } = answered.answer;
    const [start, stop] = grid.frame_spans[this.shownKey.t];
    const large = shownFrame >= start && shownFrame < stop;
    const picture = large ? stage.answers.picture : film.root.querySelector(`.nlv-picture[data-frame="${start}"]`);
    if (!picture) return this.ring.remove();
    if (this.ring.parentNode !== picture) picture.append(this.ring);
    place(this.ring, seen(this.view.state.zoom, boundsOf(grid, this.shownKey)));
  }

  #write(answered, pointed) {
    const { step, shownKey } = this;
    if (!shownKey) return this.numbers.replaceChildren();
    const { block, cell, answer } = answered;
    const work = workOf(answered, shownKey);
    const where = (grid, one) => `${grid.frames === 1 ? "" : `${frameWords(grid, one.t)}, `}${placeWords(one)}`;
    const [query, key] = step.names;
    const rows = [
      ["query", query, step.vectors ? vectorWords(work.theta) : "", where(block.query_grid, cell)],
      ["key", key, step.vectors ? vectorWords(work.phi) : "", `${where(answer.grid, shownKey)}${pointed ? "" : ", the strongest elsewhere"}`],
    ];
    if (step.vectors) rows.push(["pair", "f(x_i, x_j)", pairWords(block, work), ""], ["keys", "C(x)", sumWords(work), `over ${countWords(work.count)} positions`]);
    rows.push(["pair", "weight", `${block.softmax ? percent(work.weight) : weightWords(work.weight)}`, `${timesWords(work.times)} an even share`]);
    while (this.numbers.children.length > rows.length) this.numbers.lastChild.remove();
    rows.forEach(([part, name, figure, detail], i) => {
      const row = this.numbers.children[i] ?? this.numbers.appendChild(el("div", {}, el("dt", {}), el("dd", {})));
      row.dataset.part = part;
      const [term, value] = row.children;
      setText(term, name);
      setText(value, [figure, detail].filter(Boolean).join(" · "));
      row.classList.toggle("is-lit", this.lit.includes(part));
    });
  }

  /** The weight in each cell of the large picture, where the step asks for it and there is room. */
  #writeCells({ answer, block }) {
    const { stage, shownFrame, state } = this.view;
    const { grid, values } = answer;
    const t = grid.frame_spans.findIndex(([start, stop]) => shownFrame >= start && shownFrame < stop);
    const wide = stage.answers.picture.clientWidth / grid.cols;
    this.cells.hidden = !(this.step.cells && wide >= (block.softmax ? SHARED : NUMBERED) && t >= 0 && state.zoom.scale === 1);
    if (this.cells.hidden) return;
    if (this.cells.parentNode !== stage.answers.picture) stage.answers.picture.append(this.cells);
    this.cells.style.fontSize = `${Math.min(TYPE_PART * wide, MOST_TYPE)}px`;
    const count = grid.rows * grid.cols;
    while (this.cells.children.length < count) this.cells.append(el("span", {}));
    [...this.cells.children].forEach((span, n) => {
      span.hidden = n >= count;
      if (span.hidden) return;
      const weight = values[t * count + n];
      say(span, block.softmax ? shareWords(weight) : numberWords(weight));
      span.classList.toggle("is-none", Number(span.textContent) === 0);
      place(span, boundsOf(grid, cellOf({ ...grid, frames: 1 }, n)));
    });
  }

  #walk(by) {
    this.#go(this.menu.selectedIndex + by);
  }

  #go(place) {
    const step = this.step.steps[place];
    if (!step || step.id === this.step.id) return;
    this.menu.selectedIndex = place;
    this.onstep(step.id);
    this.#busy(true);
  }

  /** Whether another step was asked for and is not there yet. */
  get isBusy() {
    return this.head.getAttribute("aria-busy") === "true";
  }

  /** The server opens the next network: say so at once. */
  #busy(on) {
    this.head.setAttribute("aria-busy", String(on));
    this.head.classList.toggle("is-busy", on);
  }

  #pageKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.view.panel.help.root.open) return;
    const by = { PageDown: 1, PageUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.#walk(by);
  }
}

function partUnder(target) {
  if (target.closest(".nlv-asks .nlv-picture")) return "query";
  if (target.closest(".nlv-answers .nlv-picture")) return "key";
  return target.closest(".nlv-film .nlv-picture") ? "keys" : null;
}

/** f of one pair, as it comes about. */
function pairWords(block, { score, logF, f }) {
  if (block.softmax) return `e^{${numberWords(logF)}} = ${powerWords(logF)}`;
  return block.pairwise === "concatenation" ? `max(${numberWords(score)}, 0) = ${numberWords(f)}` : numberWords(f);
}

/** What f is divided by. */
function sumWords({ logC, count }) {
  if (logC === undefined) return `N = ${count}`;
  return logC === null ? "beyond what a number holds" : powerWords(logC);
}

/** A share in a cell, as short as it can be; what is there is never called zero. */
function shareWords(share) {
  return share === 0 ? "0" : (100 * share).toFixed(share < 0.0995 ? 1 : 0);
}

function setText(element, text) {
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  element.replaceChildren(...setOf(text));
}

/** A text with its low and high parts, as nodes. */
function setOf(text) {
  return asNodes(piecesOf(text));
}

function asNodes(pieces) {
  return pieces.map(({ text, script }) => (script ? el(script, {}, text) : text));
}
