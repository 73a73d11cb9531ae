// Several answers to one question, side by side: blocks, networks or clips under one pointer.

import { hasColumns } from "../model/affinity.js";
import { askBlock, strongestOf } from "../model/answer.js";
import { ComparisonPanel } from "../controls/comparison_panel.js";
import { comparisonSpoken, figureRow, figureTitles, notesOf, numberedTitle, paneWords, questionWords } from "../model/comparison_report.js";
import { figuresOf, sameGrid } from "../model/figures.js";
import { rampsOf } from "../drawing/colour.js";
import { Difference } from "../drawing/difference.js";
import { filling, outerHeight } from "../drawing/filling.js";
import { boundsOf, cellAt, indexOf, temporalCell } from "../model/grid.js";
import { heatOf } from "../model/heat.js";
import { lookIn } from "../model/look_words.js";
import { Pane } from "../drawing/pane.js";
import { pointIn } from "../controls/pointer.js";
import { readingOf } from "../model/report.js";
import { Question } from "../drawing/sides.js";
import { pointsIn } from "../model/pins.js";
import { pinnedMessage, reduce, startState } from "../model/state.js";
import { View } from "./view.js";
import { framePoint, seen } from "../model/zoom.js";

/** Actions of the one-block viewer that mean nothing here. */
const ELSEWHERE = new Set(["layer", "head", "edit", "tool", "sign", "stroke", "play", "follow", "keep", "drop", "subtract"]);

/** Times that pictures are made smaller for what is written, at most. */
const MOST_PASSES = 12;

export class Comparison extends View {
  /** `parent` receives the view; `onpin(message)` hears of each new pin, as a question to the first clip, and of null. */
  constructor(parent, { onpin = () => {} } = {}) {
    const panel = new ComparisonPanel((action) => this.act(action));
    super(panel, {
      onpin, field: [{ class: "nlv-field nlv-bench", "aria-label": "Where does this position look? Arrow keys move the question in all panes, question mark lists all keys." }],
    });
    Object.assign(this, { panes: [], clips: [] });
    this.mount(parent, "nlv nlv-compare", panel.top, panel.guide.root, this.field, panel.controls, panel.table, panel.notes,
      panel.remarks.root);
  }

  get isOpen() {
    return this.panes.length > 0;
  }

  get awaitsColumns() {
    return this.panes.some(({ bundle }) => bundle.awaitsColumns);
  }

  get shownFrame() {
    return this.shown[this.state.lead];
  }

  closePhotos() {
    for (const { photos } of this.clips) photos.close();
  }

  /**
   * Show panes { title, clip, bundle, photos, block }: the block's name, and any text that tells the clips apart.
   * Panes of one clip share its photographs. A question that was asked before stays, where the first clip is the same.
   * `tour` has stops for the first clip, instead of its bundle's own.
   */
  open(panes, { asked = null, tour = null } = {}) {
    const before = this.clips[0]?.key === panes[0].clip ? this.state : null;
    this.closePhotos();
    this.look = { recipe: panes[0].bundle.look, ramps: rampsOf(panes[0].bundle.look) };
    const keys = [...new Set(panes.map(({ clip }) => clip))];
    this.clips = keys.map((key) => this.#clip(key, panes.find(({ clip }) => clip === key)));
    this.panes = panes.map((pane, index) => this.#pane({ ...pane, number: index + 1 }, keys.indexOf(pane.clip)));
    this.difference = new Difference(this.look);
    const { bundle, block } = this.panes[0];
    const start = { ...startState(bundle), block: bundle.blocks.indexOf(block), lead: 0, pair: this.#comparable() };
    if (tour) start.tour = tour;
    this.state = before ? { ...before, ...(before.lead === 0 ? {} : start), block: start.block, pair: start.pair, history: [] } : start;
    this.alone = this.clips.every(({ bundle: { frames } }) => frames.length === 1);
    const answers = (clip) => this.panes.filter((pane) => pane.clip === clip).map(({ pane }) => pane.root);
    this.field.replaceChildren(...this.clips.flatMap(({ question }, clip) => [question.root, ...answers(clip)]), this.difference.root);
    this.field.classList.toggle("is-pair", this.clips.length > 1);
    this.panel.open(this.panes.map(numberedTitle), figureTitles(this), notesOf(this.panes));
    this.panel.remarks.show([...new Set(this.clips.flatMap(({ bundle: { media } }) => media.remarks ?? []))]);
    this.teller.knows(null);
    if (asked) this.adopt(asked);
    this.layout();
    this.root.dataset.ready = this.panes.map(({ bundle: { id } }) => id.slice(0, 12)).join(" ");
  }

  asking({ frame, x, y, also, minus, direction = this.state.direction, view }) {
    const state = { ...this.#led(0), direction, ...lookIn(view, this.look.recipe) };
    return reduce(state, { type: "pin", at: { frame, x, y, also: pointsIn(also), minus: pointsIn(minus) } }, this.#leader(0));
  }

  take(action, { clip = this.state.lead }) {
    if (action.type === "tour") return this.#visit(action);
    if (action.type === "scale" && !action.scale) return this.act({ type: "set", values: { apart: !this.state.apart } });
    this.become(reduce(this.#led(clip), action, this.#leader(clip)), true);
  }

  changed({ stop }) {
    if (this.state.stop !== stop) this.pace.layoutSoon();
  }

  message() {
    const pinned = pinnedMessage(this.#leader(this.state.lead), this.state);
    const { frame, x, y } = this.#at(0);
    return pinned && { ...pinned, frame, x, y, block: this.panes[0].block.name };
  }

  ignores({ type }) {
    return ELSEWHERE.has(type);
  }

  /** Arrows still move the question while presenting, for here one compares. */
  keeps(key) {
    return key.startsWith("Arrow");
  }

  asked({ clip }) {
    const { answered } = this.panes.find((pane) => pane.clip === clip);
    return { grid: answered.asked, index: answered.index };
  }

  clipOf(element) {
    return this.#paneOf(element)?.clip;
  }

  #clip(key, { bundle, photos }) {
    const question = new Question({ onunpin: () => this.act({ type: "unpin" }), onzoom: (by) => this.act({ type: "zoom", by }) });
    const [height, width] = bundle.media.shown_hw;
    question.root.style.setProperty("--aspect", width / height);
    question.open(photos);
    return { key, bundle, photos, question };
  }

  #pane({ number, title, bundle, block: name }, clip) {
    const block = bundle.blocks.find((candidate) => candidate.name === name) ?? bundle.blocks.at(-1);
    const pane = new Pane(() => this.act({ type: "hold", frame: null }), this.look);
    pane.open(this.clips[clip].photos, bundle.media);
    return { number, title, bundle, block, clip, pane, answered: null };
  }

  /** The first two panes that can be subtracted, null where there are none. */
  #comparable() {
    for (const [i, one] of this.panes.entries()) {
      const j = this.panes.findIndex(({ block }, index) => index > i && sameGrid(block.key_grid, one.block.key_grid));
      if (j > 0) return [i, j];
    }
    return null;
  }

  /** What actions on a clip count from: its first pane's bundle, whose block the keys walk on. */
  #leader(clip) {
    return this.panes.find((pane) => pane.clip === clip).bundle;
  }

  /** The state as a question to another clip. What was pinned before was a question to this one, so it is forgotten. */
  #led(clip) {
    const { state } = this;
    if (clip === state.lead) return state;
    const { bundle, block } = this.panes.find((pane) => pane.clip === clip);
    return {
      ...state, lead: clip, block: bundle.blocks.indexOf(block), history: [],
      at: { ...state.at, frame: this.#carry(state.at.frame, clip) }, held: state.held === null ? null : this.#carry(state.held, clip),
    };
  }

  /** The frame of another clip at the same part of its length. */
  #carry(frame, clip) {
    const last = ({ bundle }) => bundle.frames.length - 1;
    const [from, to] = [last(this.clips[this.state.lead]), last(this.clips[clip])];
    return from === to ? frame : Math.round((frame * to) / Math.max(from, 1));
  }

  #at(clip) {
    return { ...this.state.at, frame: this.#carry(this.state.at.frame, clip) };
  }

  /** What is asked of a clip: the same points, in its own frames. */
  #question(clip) {
    const carried = (points) => points.map((point) => ({ ...point, frame: this.#carry(point.frame, clip) }));
    return { at: this.#at(clip), also: carried(this.state.also), minus: carried(this.state.minus) };
  }

  /** Ask what a stop asks, of the first clip. Its block does not matter: all panes stay. */
  #visit(action) {
    const state = this.#led(0);
    this.become({ ...reduce(state, action, this.#leader(0)), block: state.block }, true);
  }

  /** The pane, or the difference, that an element stands in. */
  #paneOf(element) {
    const all = [...this.panes, { ...this.panes[this.state.pair?.[0] ?? 0], pane: this.difference }];
    return all.find(({ pane }) => pane.root.contains(element));
  }

  /** The point of a frame under the pointer, whose clip it is, and whether pointing there asks. */
  locate(event) {
    const picture = event.target.closest?.(".nlv-picture");
    if (!picture || !this.isOpen) return null;
    const place = framePoint(this.state.zoom, pointIn(picture, event));
    const clip = this.clips.findIndex(({ question }) => question.picture === picture);
    if (clip >= 0) return { picture, clip, asks: true, at: { frame: this.#at(clip).frame, ...place } };
    const { pane, clip: own } = this.#paneOf(picture);
    const frame = pane.frameOf(picture, this.shown[own]);
    return { picture, clip: own, asks: picture !== pane.answer.picture, at: { frame, ...place } };
  }

  layout() {
    const ratio = window.devicePixelRatio || 1;
    this.panel.guide.show(this.#leader(0), this.state); // first, for it takes room
    if (this.presenter.on) this.#fit();
    for (const { question } of this.clips) question.layout(ratio);
    for (const { pane } of this.panes) pane.layout(ratio);
    this.difference.root.hidden = this.state.pair === null;
    if (this.state.pair) this.difference.layout(ratio);
    this.draw();
  }

  /** While presenting: as many columns as make the pictures largest. */
  #fit() {
    this.draw();
    const tallest = (words) => Math.max(0, ...[...this.field.querySelectorAll(words)].map(outerHeight));
    for (let pass = 0, written = undefined; pass < MOST_PASSES; pass++) { // words take more lines over and under smaller pictures
      this.#fill(written);
      const taken = tallest("figcaption") + tallest(".nlv-warning");
      if (taken <= written) break;
      written = taken;
    }
  }

  #fill(written) {
    const { columns, tall, wide, strips } = filling({
      count: this.clips.length + this.panes.length + (this.state.pair === null ? 0 : 1), step: this.clips.length,
      width: this.field.clientWidth, height: this.field.clientHeight,
      aspect: Math.max(...this.clips.map(({ bundle: { media: { shown_hw: [height, width] } } }) => width / height)),
      frames: Math.max(...this.clips.map(({ photos }) => photos.length)),
      written, type: parseFloat(getComputedStyle(this.field.querySelector(".nlv-detail")).fontSize),
    });
    this.field.classList.toggle("is-bare", !strips);
    for (const [name, value] of [["--bench", columns], ["--fitted", `${tall}px`], ["--wide", `${wide}px`]]) this.root.style.setProperty(name, value);
  }

  draw() {
    const { state } = this;
    for (const pane of this.panes) {
      const at = this.#at(pane.clip);
      pane.answered = askBlock(pane.block, state.direction, this.#question(pane.clip), pane.answered);
      pane.missed = cellAt(pane.answered.asked, at) === null;
      pane.figures = figuresOf(pane.answered, pane.bundle.media);
      pane.heat = this.#heat(pane, null);
    }
    this.top = state.apart ? null : Math.max(...this.panes.map(({ heat }) => heat.tops[0]));
    if (this.top !== null) for (const pane of this.panes) pane.heat = this.#heat(pane, this.top);
    this.shown = this.clips.map((_, clip) => (state.held === null ? this.#strongestFrame(clip) : this.#carry(state.held, clip)));
    for (const [clip, { question, bundle }] of this.clips.entries()) this.#showQuestion(clip, question, bundle);
    for (const [index, pane] of this.panes.entries()) this.#showPane(pane, index === 0 && state.held !== null);
    this.#showDifference();
    const [first] = this.panes;
    const signed = this.panes.some(({ block }) => block.signed);
    const turns = this.panes.every(({ block }) => hasColumns(block));
    this.panel.show({ state, turns, awaited: this.awaitsColumns, heat: first.heat, top: this.top, signed, look: this.look });
    this.panel.write(this.panes.map((pane) => figureRow(pane, first, this)));
    this.speaker.speakSoon(() => comparisonSpoken(this.panes));
    Object.assign(this.root.dataset, { shown: this.shown.join(), pinned: String(state.pinned), direction: state.direction });
  }

  #heat({ block, answered: { answer, own } }, top) {
    const state = { ...this.state, scale: "all", negatives: answer.surplus || (block.signed && this.state.negatives) };
    return heatOf(answer, own, state, this.look.recipe, top);
  }

  /** The frame of a clip that gets most in its first pane. */
  #strongestFrame(clip) {
    const { answered } = this.panes.find((pane) => pane.clip === clip);
    return answered.answer.grid.frame_spans[strongestOf(answered)][0];
  }

  #showQuestion(clip, question, bundle) {
    const { answered } = this.panes.find((pane) => pane.clip === clip);
    const { frame } = this.#at(clip);
    question.show({ frame, grid: answered.asked, box: answered.block.query_grid.box, cells: answered.block.asker ? [] : answered.cells, taken: answered.taken, pinned: this.state.pinned, zoom: this.state.zoom });
    const alone = bundle.frames.length === 1;
    question.say(questionWords({ media: bundle.media, frame, cell: answered.cell, state: this.state, alone, name: this.clips.length > 1 ? bundle.media.name : "" }));
  }

  #showPane(pane, held) {
    const { state } = this;
    const { answer } = pane.answered;
    const frame = this.shown[pane.clip];
    pane.pane.show({ ...pane.answered, heat: pane.heat, state, frame, asked: this.#at(pane.clip).frame });
    pane.pane.say(paneWords(pane, { shown: temporalCell(answer.grid, frame), held }));
    const { t, y, x } = pane.answered.cell;
    Object.assign(pane.pane.root.dataset, { block: pane.block.name, cell: `${t},${y},${x}`, q: String(pane.answered.index) });
  }

  #showDifference() {
    const { pair } = this.state;
    if (this.difference.root.hidden !== (pair === null)) return this.pace.layoutSoon();
    if (pair === null) return;
    const [first, second] = pair.map((index) => this.panes[index]);
    const { clip } = first;
    this.difference.showBetween(first, second, { photos: this.clips[clip].photos, state: this.state, frame: this.shown[clip], asked: this.#at(clip).frame });
  }

  /** Show what every pane has under the pointer, and ring the cell that is pointed at. */
  read(at, event) {
    const found = at && event && this.locate(event);
    if (!found) return this.tip.hide();
    const under = this.#paneOf(found.picture) ?? this.panes.find(({ clip }) => clip === found.clip);
    const cell = cellAt(under.answered.answer.grid, found.at);
    if (!cell) return this.tip.hide();
    const words = this.panes.filter(({ clip }) => clip === found.clip).map(({ title, answered: { answer } }) => {
      const there = cellAt(answer.grid, found.at);
      return there ? `${title}: ${readingOf(answer, there, answer.values[indexOf(answer.grid, there)], this.alone)}` : `${title}: –`;
    });
    this.tip.show(words.join("\n"), event, found.picture, seen(this.state.zoom, boundsOf(under.answered.answer.grid, cell)));
  }
}
