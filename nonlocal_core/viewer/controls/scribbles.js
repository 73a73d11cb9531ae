// Scribbles of two labels on a picture, drawn by pointer, finger or keys, and what mean field makes of them, step after step.

import { el, segmented, say } from "../drawing/dom.js";
import { meanField } from "../model/mean_field.js";
import { percent } from "../model/words.js";
import { CELL_SIDE, CellBoard } from "./cell_board.js";

const LABEL_COLOURS = [[0, 158, 255], [255, 214, 10]];
const SCRIBBLED = 0.75;
/** Opacity of a label that is certain, where it was passed on. */
const BECOME = 0.6;
/** Labels are passed on for so many milliseconds at a time. */
const SLICE_MS = 16;

/** What was scribbled on each picture, by its id, as long as the page lives. */
const keptLabels = new Map();

export class Scribbles {
  #timer = null;

  constructor() {
    Object.assign(this, { asked: null, labels: new Map(), label: 0, erases: false, work: null });
    this.canvas = el("canvas", { tabindex: "0", role: "application" });
    this.image = el("img", { alt: "" });
    this.chosen = el("span", {});
    this.clear = el("button", { type: "button", class: "nlv-button", onclick: () => this.#set(new Map(), true) });
    this.told = el("p", { role: "status" });
    this.become = el("div", { class: "nlv-pair" });
    this.root = el("section", { class: "nlv-guess nlv-scribbles" }, el("h2", {}), el("p", {}),
      el("div", { class: "nlv-does" }, this.chosen, this.clear), el("figure", {}, el("div", {}, this.image, this.canvas)), this.told, this.become);
    this.board = new CellBoard(this.canvas, {
      mark: (cells, starts) => this.#mark(cells, starts),
      ended: () => this.#pass(),
      draw: () => this.asked && this.draw(),
    });
  }

  /** Show a picture to scribble on: { id, picture, pixels, rows, cols, kernels, steps, words }, the pixels' bytes in base 64. */
  open(asked) {
    const { words } = asked;
    const carries = ({ id, kernels }) => JSON.stringify([id, kernels]);
    const passes = !this.asked || carries(asked) !== carries(this.asked);
    if (asked.id !== this.asked?.id) {
      this.labels = keptLabels.get(asked.id) ?? new Map();
      this.board.take(asked.rows, asked.cols);
      this.image.src = asked.picture;
    }
    if (!this.asked) {
      const buttons = segmented(words.label, [{ title: words.thing }, { title: words.rest }], (index) => {
        this.label = index;
        buttons.press(index);
      });
      buttons.press(this.label);
      this.chosen.append(buttons.root);
    }
    this.asked = { ...asked, colours: Uint8Array.from(atob(asked.pixels), (letter) => letter.charCodeAt(0)) };
    const [title, said] = this.root.children;
    say(title, words.title);
    say(said, words.words);
    say(this.clear, words.clear);
    this.canvas.setAttribute("aria-label", words.keys);
    this.#set(this.labels, passes);
  }

  /** Leave what is in work: the page shows something else. */
  close() {
    clearTimeout(this.#timer);
  }

  draw() {
    const { pen, corner } = this.board.pen();
    for (const [index, label] of this.labels) {
      pen.fillStyle = `rgb(${LABEL_COLOURS[label].join(" ")} / ${SCRIBBLED})`;
      pen.fillRect(...corner(index), CELL_SIDE, CELL_SIDE);
    }
    if (this.board.ring !== null) {
      const [x, y] = corner(this.board.ring);
      pen.strokeStyle = "#fff";
      pen.lineWidth = 6;
      pen.strokeRect(x + 3, y + 3, CELL_SIDE - 6, CELL_SIDE - 6);
    }
    this.clear.disabled = this.labels.size === 0;
  }

  #mark(cells, starts) {
    if (starts) this.erases = this.labels.get(cells[0]) === this.label;
    const labels = new Map(this.labels);
    for (const index of cells) this.erases ? labels.delete(index) : labels.set(index, this.label);
    this.#set(labels, false);
  }

  #set(labels, passes) {
    this.labels = labels;
    keptLabels.set(this.asked.id, labels);
    this.draw();
    if (passes) this.#pass();
  }

  /** Pass the labels on, if there are both. */
  #pass() {
    const { words, rows, cols, steps } = this.asked;
    clearTimeout(this.#timer);
    const both = new Set(this.labels.values()).size === 2;
    say(this.told, both ? words.how.replace("{rows}", rows).replace("{cols}", cols) : words.both);
    this.become.hidden = !both;
    if (!both) return;
    this.work = meanField(this.asked, this.labels, steps.at(-1));
    this.#work(0);
  }

  #work(step) {
    const until = performance.now() + SLICE_MS;
    for (;;) {
      const { value, done } = this.work.next();
      if (done) return;
      const place = value ? this.asked.steps.indexOf(step++) : -1;
      if (place >= 0) this.#show(place, value);
      if (performance.now() > until) break;
    }
    this.#timer = setTimeout(() => this.#work(step));
  }

  /** Lay the labels after a step over the picture, the stronger the surer they are. */
  #show(place, thing) {
    const { picture, rows, cols, words, steps } = this.asked;
    this.become.children[place] ?? this.become.append(el("figure", {}, el("div", {}, el("img", { alt: "" }), el("canvas", {})), el("figcaption", {})));
    const [framed, caption] = this.become.children[place].children;
    const [image, canvas] = framed.children;
    if (image.src !== picture) image.src = picture;
    const colours = new Uint8ClampedArray(4 * rows * cols);
    thing.forEach((part, cell) => colours.set([...LABEL_COLOURS[part > 0.5 ? 0 : 1], 255 * BECOME * Math.abs(2 * part - 1)], 4 * cell));
    Object.assign(canvas, { width: cols, height: rows });
    canvas.getContext("2d").putImageData(new ImageData(colours, cols), 0, 0);
    const share = percent(thing.filter((part) => part > 0.5).length / thing.length);
    say(caption, words[`after${steps[place] === 0 ? "_none" : steps[place] === 1 ? "_one" : ""}`].replace("{steps}", steps[place]).replace("{share}", share));
  }
}
