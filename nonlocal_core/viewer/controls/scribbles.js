// Scribbles of two labels on a picture, from which mean field labels the rest: drawn by pointer, finger or keys.

import { el, segmented, say } from "../drawing/dom.js";
import { CELL_SIDE, CellBoard } from "./cell_board.js";

const LABEL_COLOURS = ["rgb(0 158 255 / 0.75)", "rgb(255 214 10 / 0.75)"];

export class Scribbles {
  /** `onended(labels)` hears of [cell, label] of all scribbled cells after each stroke. */
  constructor(onended) {
    Object.assign(this, { onended, asked: null, labels: new Map(), label: 0, erases: false });
    this.canvas = el("canvas", { tabindex: "0", role: "application" });
    this.image = el("img", { alt: "" });
    this.chosen = el("span", {});
    this.clear = el("button", { type: "button", class: "nlv-button", onclick: () => this.#set(new Map(), true) });
    this.root = el("section", { class: "nlv-guess nlv-scribbles" }, el("h2", {}), el("p", {}),
      el("div", { class: "nlv-does" }, this.chosen, this.clear), el("figure", {}, el("div", {}, this.image, this.canvas)));
    this.board = new CellBoard(this.canvas, {
      mark: (cells, starts) => this.#mark(cells, starts),
      ended: () => this.onended([...this.labels]),
      draw: () => this.asked && this.draw(),
    });
  }

  /** Show a picture to scribble on: { id, picture, rows, cols, words, labels }. */
  open(asked) {
    const { words } = asked;
    if (asked.id !== this.asked?.id) {
      this.labels = new Map(asked.labels);
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
    this.asked = asked;
    const [title, said] = this.root.children;
    say(title, words.title);
    say(said, words.words);
    say(this.clear, words.clear);
    this.canvas.setAttribute("aria-label", words.keys);
    this.draw();
  }

  draw() {
    const { pen, corner } = this.board.pen();
    for (const [index, label] of this.labels) {
      pen.fillStyle = LABEL_COLOURS[label];
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

  #set(labels, tells) {
    this.labels = labels;
    this.draw();
    if (tells) this.onended([...labels]);
  }
}
