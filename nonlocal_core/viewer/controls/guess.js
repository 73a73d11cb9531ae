// A question without its answer: cells are marked where it may look, by pointer or keys; then the heat is laid over them, with
// the score, and a class's marks beside it.

import { el, place, say } from "../drawing/dom.js";
import { classGuess, codeOf, countsOf, guessesIn, scoreOf } from "../model/guess.js";
import { CELL_SIDE, CellBoard } from "./cell_board.js";

const SHARES = ["guess", "colour", "blob", "even", "best"];

export class Guess {
  /** `onrevealed(marks)` hears of the marks once the heat is shown. */
  constructor(onrevealed) {
    Object.assign(this, { onrevealed, question: null, marks: new Set(), sets: true, isOpen: true, pasted: "" });
    this.ring = el("i", {});
    this.canvas = el("canvas", { tabindex: "0", role: "application" });
    this.theirs = el("canvas", { role: "img" });
    this.asked = pictured(this.ring);
    this.target = pictured(this.canvas);
    this.class = pictured(this.theirs);
    this.reveal = el("button", { type: "button", class: "nlv-button nlv-onward", onclick: () => this.#show() });
    this.clear = el("button", { type: "button", class: "nlv-button", onclick: () => this.#set([...this.marks], false) });
    this.told = el("div", { class: "nlv-score", role: "status" });
    this.code = el("input", { readonly: true, onfocus: () => this.code.select() });
    this.paste = el("textarea", { rows: "3", spellcheck: "false", oninput: () => this.#take(this.paste.value) });
    this.heard = el("p", { role: "status" });
    this.codes = el("details", {}, el("summary", {}), el("label", {}, el("span", {}), this.code), el("label", {}, el("span", {}), this.paste), this.heard);
    this.root = el("section", { class: "nlv-guess" }, el("h2", {}), el("p", {}),
      el("div", { class: "nlv-pair" }, this.asked.root, this.target.root, this.class.root), el("div", { class: "nlv-does" }, this.reveal, this.clear), this.told, this.codes);
    this.board = new CellBoard(this.canvas, { mark: (cells, starts) => this.#mark(cells, starts), draw: () => this.question && this.draw(), isOpen: () => this.isOpen });
  }

  /**
   * Show a question: { id, asked, target, cell, rows, cols, words, weights, own, colour, place }, pictures by their address, with
   * `marks` once they were revealed, and `room`: null, or the class's { readers, counts } as a server knows it.
   */
  open(question) {
    const { words } = question;
    if (question.id !== this.question?.id) {
      Object.assign(this, { marks: new Set(question.marks ?? []), isOpen: !question.marks, pasted: "" });
      this.board.take(question.rows, question.cols);
      this.paste.value = "";
    }
    this.question = question;
    const [title, said] = this.root.children;
    say(title, words.title);
    say(said, words.words);
    this.asked.say(question.asked, words.asked);
    say(this.reveal, words.reveal);
    say(this.clear, words.clear);
    const [summary, mine, others] = this.codes.children;
    say(summary, words.together);
    say(mine.firstChild, words.code);
    say(others.firstChild, words.codes);
    this.canvas.setAttribute("aria-label", words.keys);
    const [x, y] = question.cell;
    place(this.ring, { left: x, top: y, width: 1 / question.cols, height: 1 / question.rows });
    this.draw();
  }

  draw() {
    const { question, isOpen, marks } = this;
    const nothing = marks.size === 0;
    this.target.say(question.target, isOpen ? question.words.target : question.words.revealed);
    this.reveal.disabled = !isOpen || (nothing && !question.room);
    this.clear.disabled = !isOpen || nothing;
    const most = Math.max(...question.weights);
    paint(this.canvas, question, { heat: isOpen ? null : question.weights.map((weight) => weight / (most || 1)), marks, ring: isOpen ? this.board.ring : null });
    const together = isOpen ? null : this.#together();
    this.class.root.hidden = !together;
    this.codes.hidden = isOpen || Boolean(question.room);
    if (together) this.#drawClass(together);
    this.told.replaceChildren(...(isOpen ? [] : this.#scores(together)));
    if (!isOpen) this.code.value = codeOf(question, marks);
  }

  /** The marks of the class: those that the server has, or those of the codes that were pasted and the reader's own. */
  #together() {
    const { question } = this;
    if (question.room) return question.room.readers ? question.room : null;
    const { guesses } = guessesIn(this.pasted, question);
    if (guesses.length === 0) return null;
    const own = this.marks.size && !guesses.some((guess) => codeOf(question, guess) === codeOf(question, this.marks)) ? [[...this.marks]] : [];
    return { readers: guesses.length + own.length, counts: countsOf(question, [...guesses, ...own]) };
  }

  #drawClass({ readers, counts }) {
    const { question } = this;
    const most = Math.max(...counts, 1);
    const said = filled(question.words.class, { readers, most });
    this.class.say(question.target, said);
    this.theirs.setAttribute("aria-label", said);
    paint(this.theirs, question, { heat: counts.map((count) => count / most), marks: new Set(classGuess(counts, readers)?.cells ?? []), ring: null });
  }

  #scores(together) {
    const { question } = this;
    const { words } = question;
    const own = scoreOf(question, this.marks);
    const guess = together && classGuess(together.counts, together.readers);
    const theirs = guess && scoreOf(question, guess.cells);
    const whole = question.weights.some((weight) => weight > 0);
    if (!whole) return [el("p", {}, words.nothing)];
    const tables = own ? [[filled(words.score, { cells: own.cells }), own, words.you]] : [];
    if (theirs) tables.push([filled(words.together_score, { cells: theirs.cells, least: guess.least, readers: together.readers }), theirs, words.they]);
    return tables.flatMap(([said, score, name]) => [el("p", {}, said), table(SHARES.map((share) => [share === "guess" ? name : words[share], score[share]]))]);
  }

  #show() {
    this.isOpen = false;
    this.draw();
    this.onrevealed([...this.marks].sort((a, b) => a - b));
  }

  #take(text) {
    this.pasted = text;
    const { guesses, others, unread } = guessesIn(text, this.question);
    say(this.heard, text.trim() ? filled(this.question.words.heard, { readers: guesses.length, others, unread }) : "");
    this.draw();
  }

  #set(cells, on) {
    for (const index of cells) on ? this.marks.add(index) : this.marks.delete(index);
    this.draw();
  }

  #mark(cells, starts) {
    if (starts) this.sets = !this.marks.has(cells[0]);
    this.#set(cells, this.sets);
  }
}

/** A picture with words over it and something on it: { root, say(address, words) }. */
function pictured(over) {
  const [words, image] = [el("figcaption", {}), el("img", {})];
  const root = el("figure", {}, words, el("div", {}, image, over));
  return {
    root,
    say: (address, said) => {
      say(words, said);
      if (image.getAttribute("src") !== address) image.src = address;
      image.alt = said;
    },
  };
}

function table(rows) {
  return el("table", {}, el("tbody", {}, ...rows.map(([name, share]) => {
    const bar = el("i", {});
    bar.style.width = `${(100 * share).toFixed(1)}%`;
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, bar), el("td", {}, `${Math.round(100 * share)} %`));
  })));
}

/** A sentence with its gaps, as in {cells}, filled. */
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Draw heat, parts of the largest or null, marked cells, and a ring round the cell that the keys are at. */
function paint(canvas, { rows, cols }, { heat, marks, ring }) {
  [canvas.width, canvas.height] = [cols * CELL_SIDE, rows * CELL_SIDE];
  const pen = canvas.getContext("2d");
  const box = (index) => [(index % cols) * CELL_SIDE, Math.floor(index / cols) * CELL_SIDE];
  heat?.forEach((part, index) => {
    pen.fillStyle = `rgb(255 ${Math.round(90 + 150 * part)} 40 / ${(0.85 * Math.sqrt(part)).toFixed(3)})`;
    pen.fillRect(...box(index), CELL_SIDE, CELL_SIDE);
  });
  for (const index of marks) {
    const [x, y] = box(index);
    if (!heat) {
      pen.fillStyle = "rgb(110 205 255 / 0.4)";
      pen.fillRect(x, y, CELL_SIDE, CELL_SIDE);
    }
    pen.strokeStyle = "#6ecdff";
    pen.lineWidth = 4;
    pen.strokeRect(x + 2, y + 2, CELL_SIDE - 4, CELL_SIDE - 4);
  }
  if (ring !== null) {
    const [x, y] = box(ring);
    pen.strokeStyle = "#fff";
    pen.lineWidth = 5;
    pen.strokeRect(x + 3, y + 3, CELL_SIDE - 6, CELL_SIDE - 6);
  }
}
