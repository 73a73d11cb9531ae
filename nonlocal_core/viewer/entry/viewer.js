// The viewer: one state, one answer, one draw per screen frame.

import { turns } from "../model/askers.js";
import { askBlock, insideWalls, strongestOf } from "../model/answer.js";
import { turn } from "../model/blocks.js";
import { say } from "../drawing/dom.js";
import { spareHeight } from "../drawing/filling.js";
import { Film } from "../drawing/film.js";
import { followWords } from "../model/follow.js";
import { boundsOf, cellAt, cellOf, indexOf, pointOf, temporalCell, widthOf } from "../model/grid.js";
import { inkOf, rampsOf } from "../drawing/colour.js";
import { colourPins, colourShown } from "../drawing/letters.js";
import { heatOf, peaksOf, togetherOf, toneOf } from "../model/heat.js";
import { arrowsOf, lookIn } from "../model/look_words.js";
import { HeatPainter } from "../drawing/paint.js";
import { Panel } from "../controls/panel.js";
import { pointIn } from "../controls/pointer.js";
import { readingsOf, reportOf } from "../model/report.js";
import { LETTERS, answerWords } from "../model/words.js";
import { pinsIn, pointsIn } from "../model/pins.js";
import { linksOf, originsOf } from "../model/origins.js";
import { askedGrid, later, pinnedMessage, reduce, startState } from "../model/state.js";
import { MOST_LINKS, Stage } from "../drawing/stage.js";
import { Hopper } from "./hopper.js";
import { Player } from "./player.js";
import { View } from "./view.js";
import { Wall } from "../drawing/wall.js";
import { framePoint, seen } from "../model/zoom.js";

/** Actions that a clip plays on after. */
const PLAYS_ON = new Set(["hold", "set", "zoom", "pan", "follow"]);

export class Viewer extends View {
  /**
   * `parent` receives the viewer; `onpin(message)` hears of each new pin, and of null when it is let go; `ontour(stops)`
   * of a tour that was changed. `lasts` tells the person how long such changes last.
   */
  constructor(parent, { onpin = () => {}, ontour = () => {}, lasts = "Changes last until this page is closed." } = {}) {
    const act = (action) => this.act(action, { reveals: true });
    const panel = new Panel(act, { lasts, onwritten: () => this.field.focus({ preventScroll: true }) });
    const stage = new Stage({ onunpin: () => act({ type: "unpin" }), onrelease: () => act({ type: "hold", frame: null }), onzoom: (by) => act({ type: "zoom", by }) });
    const film = new Film();
    super(panel, {
      onpin, field: [{ class: "nlv-field", "aria-label": "Where does this position look? Arrow keys move the question, Enter pins it, question mark lists all keys." }, stage.root, film.root],
    });
    Object.assign(this, { stage, film, ontour, photos: null, lesson: null });
    this.player = new Player({
      advance: (follows) => this.#advance(follows), rest: () => this.act({ type: "follow" }), changed: () => this.isOpen && this.pace.drawSoon(),
    });
    this.hopper = new Hopper(() => this.isOpen && this.pace.drawSoon());
    this.wall = new Wall({ open: (block) => this.act({ type: "block", block }), ask: (index) => this.#askOther(index) });
    film.root.after(this.player.root);
    stage.answers.detail.after(panel.legend.key);
    this.mount(parent, "nlv", panel.top, panel.guide.root, panel.editor.root, panel.sentences.root, this.field, panel.controls, this.wall.root, panel.facts, panel.numbers,
      panel.remarks.root);
    panel.numbers.addEventListener("toggle", () => this.isOpen && this.pace.drawSoon()); // the table is written while it is open
  }

  get isOpen() {
    return this.bundle !== undefined;
  }

  get awaitsColumns() {
    return this.bundle.awaitsColumns;
  }

  /** Show a bundle with its decoded photographs. `asked` is a question to begin with, `tour` has the stops, instead of the bundle's own. */
  open(bundle, photos, { asked = null, tour = null } = {}) {
    this.read(null);
    this.bundle = bundle;
    this.closePhotos();
    this.photos = photos;
    this.look = { recipe: bundle.look, ramps: rampsOf(bundle.look) };
    this.painter = new HeatPainter(this.look);
    this.state = { ...startState(bundle), ...(tour && { tour }) };
    this.answered = null;
    this.first = null;
    this.hopper.stop();
    this.kept = [];
    colourPins(this.root, this.look);
    this.teller.knows(null);
    const [height, width] = bundle.media.shown_hw;
    this.root.style.setProperty("--aspect", width / height);
    this.root.classList.toggle("is-tall", width < 0.8 * height);
    this.stage.open(photos);
    this.film.open(photos, bundle.media);
    this.panel.open(bundle);
    this.player.open(bundle.media.pts_seconds);
    this.wall.open(bundle, photos, this.look);
    this.reveals = true;
    if (asked) this.adopt(asked);
    this.layout();
  }

  /**
   * Show the clip on screen some moments later, with the same blocks: what is asked, now in the last frame, and how it is drawn stay.
   * As many frames keep their places on the page.
   */
  goOn(bundle, photos) {
    const isLonger = photos.length !== this.photos.length;
    Object.assign(this, { bundle, photos, state: later(this.state, bundle), answered: null, first: null, kept: [] });
    this.hopper.stop();
    this.stage.open(photos);
    this.wall.renew(bundle, photos);
    if (isLonger) {
      this.read(null);
      this.film.open(photos, bundle.media);
      this.player.open(bundle.media.pts_seconds);
      return this.layout();
    }
    this.player.seconds = bundle.media.pts_seconds;
    this.film.renew(photos);
    this.pace.drawSoon(); // a pointer that moves before it finds the page laid out
  }

  asking({ frame, x, y, also, minus, beside, temperature = 1, hops = 1, asker = null, block: name, direction = this.state.direction, view }) {
    const block = this.bundle.blocks.findIndex((candidate) => candidate.name === name);
    const state = { ...this.state, block: block < 0 ? this.state.block : block, direction, beside: pinsIn(beside), temperature, hops, asker };
    return reduce({ ...state, ...lookIn(view, this.bundle.look) }, { type: "pin", at: { frame, x, y, also: pointsIn(also), minus: pointsIn(minus) } }, this.bundle);
  }

  showBlock(name) {
    const block = this.bundle.blocks.findIndex((candidate) => candidate.name === name);
    if (block >= 0) this.become({ ...this.state, block }, false);
  }

  take(action, { reveals = false }) {
    if (action.type === "play") return this.bundle.frames.length > 1 && (action.follows ? this.player.turnFollow() : this.player.toggle());
    if (this.player.isPlaying && !PLAYS_ON.has(action.type)) this.player.stop();
    if (action.type === "edit" && this.presenter.on) return;
    this.become(reduce(this.state, action, this.bundle), true);
    if (action.edit === "add") this.panel.editor.write(this.state.stop);
    if (reveals) this.reveals = true;
  }

  /** Show the next frame, to which the question may follow; returns the frame, null where nothing leads on. */
  #advance(follows) {
    const { state } = this;
    if (!follows) this.act({ type: "hold", frame: turn((state.held ?? this.shownFrame) + 1, this.bundle.frames.length) });
    else this.act({ type: "follow", answered: this.#ask() });
    return this.state === state ? null : this.state.held;
  }

  changed({ tour, stop, block, beside }) {
    if (this.state.beside.length !== beside.length) this.pace.layoutSoon(); // other sentences
    if (this.presenter.on && (this.state.stop !== stop || this.state.block !== block)) this.pace.layoutSoon(); // other words
    if (this.state.tour !== tour) this.ontour(this.state.tour); // at once: the person may leave, and no key makes many edits
  }

  /** A lesson is walked with the Page keys; arrows ask. */
  keeps(key) {
    return this.lesson !== null && key !== "Escape";
  }

  /** A question that follows is to Python the one that it began with, until it rests. */
  message() {
    return pinnedMessage(this.bundle, { ...this.state, ...this.state.followed });
  }

  destroy() {
    this.player.stop();
    this.wall.stop();
    this.hopper.stop();
    super.destroy();
  }

  presents(on) {
    if (on) this.act({ type: "set", values: { editing: false } });
    if (on && !this.state.pinned && this.state.tour.length) this.act({ type: "tour", stop: 0 }, { reveals: true });
  }

  asked() {
    return { grid: askedGrid(this.bundle, this.state), index: this.answered.index };
  }

  /** The point of a frame under the pointer, and whether pointing there asks. */
  locate(event) {
    const picture = event.target.closest?.(".nlv-picture");
    if (!picture || !this.isOpen) return null;
    const asks = picture !== this.stage.answers.picture;
    const frame = picture === this.stage.asks.picture ? this.state.at.frame
      : picture === this.stage.answers.picture ? this.shownFrame : Number(picture.dataset.frame);
    return { picture, asks, reveals: !this.film.root.contains(picture), at: { frame, ...framePoint(this.state.zoom, pointIn(picture, event)) } };
  }

  layout() {
    const ratio = window.devicePixelRatio || 1;
    if (this.presenter.on) this.#fit();
    this.stage.layout(ratio);
    this.film.layout(ratio);
    this.draw();
  }

  /** While presenting: pictures as high as all that is written leaves room for. */
  #fit() {
    this.draw();
    const { picture } = this.stage.asks;
    for (let pass = 0; pass < 2; pass++) { // a caution may take more lines under smaller pictures
      this.root.style.setProperty("--fitted", `${spareHeight(this.root) + picture.offsetHeight}px`);
    }
  }

  draw() {
    if (this.bundle.blocks.length === 0) return this.#empty();
    const { state, bundle } = this;
    const { zoom } = state;
    const answered = this.#ask();
    const { block, asked, cell, answer, own, shares } = answered;
    this.kept = state.beside.map((pin, i) => askBlock(block, state.direction, { ...pin, temperature: state.temperature, asker: state.asker }, this.kept[i]));
    const pins = [...this.kept, answered];
    const several = pins.length > 1;
    const drawing = { ...state, negatives: !several && (answer.surplus || (block.signed && state.negatives)) };
    const heats = pins.map((pin) => heatOf(pin.answer, pin.own, drawing, bundle.look));
    if (several) heats.splice(0, heats.length, ...togetherOf(heats));
    const heat = heats.at(-1);
    const images = several ? this.painter.paintTogether(pins.map((pin) => pin.answer), heats, state) : this.painter.paint(answer, heat, state);
    const alone = bundle.frames.length === 1;
    const strongest = strongestOf(answered);
    const shown = state.held === null ? strongest : temporalCell(answer.grid, state.held);
    this.shownFrame = state.held ?? answer.grid.frame_spans[strongest][0];
    const targets = pins.map((pin, i) => this.#targets(pin, heats[i], several ? i : null, pins.length));
    this.drawn = { bundle, photos: this.photos, look: this.look, state, pins, heats, images, targets };
    const reverse = state.direction === "column";
    const origins = originsOf(asked, pins, [...state.beside, state], targets);

    this.stage.asks.show({
      frame: state.at.frame, grid: asked, box: block.query_grid.box, cells: block.asker ? [] : answered.cells, taken: answered.taken, pinned: state.pinned, pins: several ? pins.map(({ cells }) => cells) : [], zoom,
    });
    this.stage.answers.show({ frame: this.shownFrame, image: images[shown], grid: answer.grid, box: block.query_grid.box, inside: insideWalls([{ block, answer }], shown), state });
    this.stage.showLinks(linksOf(several ? origins.slice(-1) : origins, { grid: asked, frame: state.at.frame, shown, most: alone ? undefined : MOST_LINKS }), {
      askedWidth: widthOf(asked), answerWidth: widthOf(answer.grid), reverse, zoom,
    });
    this.film.draw(state, block.query_grid.box);
    this.film.showHeat(images, answer.grid, state);
    this.film.showWalls((t) => insideWalls([{ block, answer }], t), answer.grid, state);
    this.film.showShares(pins, answer.grid, bundle.look);
    this.film.mark([...state.beside, state].flatMap(({ at, also }) => [at, ...also]).map(({ frame }) => frame), this.shownFrame);
    this.film.showLetters(origins.length > 1 ? origins.map(({ at }) => at) : [], zoom);
    this.film.showArrows(origins, { reverse, zoom });
    colourShown(this.root, several ? pins.length - 1 : null);
    this.player.tell(this.player.follows && !alone ? followWords(bundle, state, answered) : "");
    this.#write({ ...answered, bundle, state: drawing, heat, shown, alone, letter: several ? LETTERS[pins.length - 1] : "" }, pins, heats);
    this.wall.showSoon();
    if (this.reveals) this.film.reveal(this.shownFrame);
    this.reveals = false;
    this.lesson?.draw();
    if (this.pointed) this.#label();
    Object.assign(this.root.dataset, {
      ready: bundle.id, q: String(answered.index), cell: `${cell.t},${cell.y},${cell.x}`, shown: String(this.shownFrame),
      pinned: String(state.pinned), block: block.name, direction: state.direction,
    });
  }

  /** The answer to the question on screen. */
  #ask() {
    const { state, bundle } = this;
    this.first = askBlock(bundle.blocks[state.block], state.direction, state, this.first);
    return this.answered = this.lesson ? this.first : this.hopper.after(this.first, bundle, state); // a lesson's numbers are those of one row
  }

  /** What another block answers to the question on screen, for its picture on the wall. */
  #askOther(index) {
    const block = this.bundle.blocks[index];
    const direction = turns(block, this.state) ? this.state.direction : "row";
    const answered = index === this.state.block ? this.answered : askBlock(block, direction, this.state, null);
    const state = { ...this.state, negatives: answered.answer.surplus || (block.signed && this.state.negatives) };
    const heat = heatOf(answered.answer, answered.own, state, this.bundle.look);
    return { ...answered, heat, state, strongest: strongestOf(answered) };
  }

  /** The cells that arrows lead to; of several pins each has its part of them, in its colour. */
  #targets({ block, answer, own }, heat, pin, pins) {
    if (block.asker) return []; // no place that an arrow could begin at
    const count = Math.floor(arrowsOf(this.state, this.bundle.frames.length, this.bundle.look) / pins);
    const { ramps, recipe: { arrow_tone: least } } = this.look;
    return peaksOf(answer, own, heat, count, this.bundle.look).map((index) => {
      const cell = cellOf(answer.grid, index);
      const tone = toneOf(heat, Math.abs(answer.values[index]) * heat.unit, heat.tops[cell.t]);
      return { ...pointOf(answer.grid, cell), t: cell.t, tone, less: answer.values[index] < 0, ink: inkOf(pin === null ? ramps : { warm: ramps.pins[pin] }, least + (1 - least) * tone, answer.values[index] < 0) };
    });
  }

  #write(drawn, pins, heats) {
    const { state, heat, shown } = drawn;
    const report = reportOf(drawn);
    this.panel.sentences.hold(Boolean(this.state.stroke));
    this.panel.sentences.show(pins.map(answerWords));
    this.stage.asks.say(report.heading);
    this.stage.answers.say({ ...report.heading, held: state.held !== null });
    this.panel.show(this.bundle, this.state, turns(this.bundle.blocks[state.block], this.state));
    const top = heat.tops[state.scale === "each" ? Math.max(shown, 0) : 0];
    const unit = heats.every((other) => Math.abs(other.unit - heat.unit) <= 1e-5 * heat.unit) ? heat.unit : null;
    this.panel.legend.show({ heat, top, unit, state, note: report.scaleNote, look: this.look, pins: pins.length > 1 ? pins.length : 0 });
    say(this.panel.facts, report.facts);
    say(this.panel.more, report.more);
    if (this.panel.numbers.open) this.panel.showTable(report.table(), drawn.letter);
    this.speaker.speakSoon(report.spoken);
  }

  /** Show the weight under the pointer in a small label, and ring its cell, until it leaves. */
  read(at, event) {
    // An event forgets the picture once it has been told, where that stands in a shadow root.
    this.pointed = at && { at, event, picture: event.target.closest(".nlv-picture") };
    this.#label();
  }

  #label() {
    const found = this.pointed && this.answered && cellAt(this.answered.answer.grid, this.pointed.at);
    this.lesson?.read(found);
    if (!found) return this.tip.hide();
    const { grid } = this.answered.answer;
    const answers = this.drawn.pins.map(({ answer }) => answer);
    const words = readingsOf(answers, found, indexOf(grid, found), this.bundle.frames.length === 1);
    this.tip.show(words, this.pointed.event, this.pointed.picture, seen(this.state.zoom, boundsOf(grid, found)));
  }

  #empty() {
    this.root.dataset.ready = this.bundle.id;
    say(this.stage.answers.notice, "This network ran no block that could be read, so there is nothing to ask.");
  }
}
