// The viewer: one state, one answer, one draw per screen frame.

import { hasColumns, topOf } from "../model/affinity.js";
import { askBlock, strongestOf } from "../model/answer.js";
import { el, say } from "../drawing/dom.js";
import { Film } from "../drawing/film.js";
import { boundsOf, cellAt, cellOf, indexOf, pointOf, temporalCell } from "../model/grid.js";
import { actionOf, presenterActionOf } from "../controls/keys.js";
import { Pace, Speaker, Teller } from "./pace.js";
import { HeatPainter } from "../drawing/paint.js";
import { Panel } from "../controls/panel.js";
import { Pointer, pointIn } from "../controls/pointer.js";
import { Presenter } from "../controls/present.js";
import { readingOf, reportOf } from "../model/report.js";
import { scaleOf } from "../model/scale.js";
import { askedGrid, pinnedMessage, reduce, startState, turnIn, withView } from "../model/state.js";
import { MOST_LINKS, Stage } from "../drawing/stage.js";
import { Tip } from "../drawing/tip.js";

export class Viewer {
  /**
   * `parent` receives the viewer; `onpin(message)` hears of each new pin, and of null when it is let go; `ontour(stops)`
   * of a tour that was changed. `lasts` tells the person how long such changes last.
   */
  constructor(parent, { onpin = () => {}, ontour = () => {}, lasts = "Changes last until this page is closed." } = {}) {
    const act = (action) => this.act(action, true);
    this.stage = new Stage({ onunpin: () => act({ type: "unpin" }), onfollow: () => act({ type: "hold", frame: null }) });
    this.film = new Film();
    this.panel = new Panel(act, { lasts, onwritten: () => this.field.focus({ preventScroll: true }) });
    this.painter = new HeatPainter();
    this.pace = new Pace({ layout: () => this.#layout(), draw: () => this.#draw() });
    this.teller = new Teller(onpin);
    this.ontour = ontour;
    this.speaker = new Speaker();
    this.field = el("div", {
      class: "nlv-field", role: "application", tabindex: "0",
      "aria-label": "Where does this position look? Arrow keys move the question, Enter pins it, question mark lists all keys.",
      onkeydown: (event) => this.#key(event),
    }, this.stage.root, this.film.root);
    this.root = el("div", { class: "nlv" }, this.panel.top, this.panel.guide.root, this.panel.editor.root, this.field, this.panel.controls,
      this.panel.facts, this.panel.numbers, this.panel.help.root, this.panel.leave, this.speaker.root);
    this.tip = new Tip(this.root);
    parent.append(this.root);
    this.presenter = new Presenter(this.root, { onkey: (event) => this.#presenterKey(event), onchange: (on) => this.#presenting(on) });
    this.pointer = new Pointer(this.field, {
      locate: (event) => this.#locate(event),
      isPinned: () => this.state?.pinned ?? false,
      ask: (at) => this.act({ type: "ask", at }),
      pin: (found, event) => this.#click(found, event),
      read: (at, event) => this.#read(at, event),
      leave: () => this.#read(null),
      hold: (frame) => this.act({ type: "hold", frame }),
    });
    this.resized = new ResizeObserver(() => this.bundle && this.pace.layoutSoon());
    this.resized.observe(this.root);
  }

  /** Show a bundle with its decoded photographs. `asked` is a question to begin with, `tour` has the stops, instead of the bundle's own. */
  open(bundle, photos, { asked = null, tour = null } = {}) {
    this.bundle = bundle;
    this.#forgetPhotos();
    this.photos = photos;
    this.state = { ...startState(bundle), ...(tour && { tour }) };
    this.answered = null;
    this.teller.knows(null);
    const [height, width] = bundle.media.shown_hw;
    this.root.style.setProperty("--aspect", width / height);
    this.root.classList.toggle("is-tall", width < 0.8 * height);
    this.stage.open(photos);
    this.film.open(photos, bundle.media);
    this.panel.open(bundle);
    this.reveals = true;
    if (asked) this.adopt(asked);
    this.#layout();
    this.root.dataset.ready = bundle.id;
  }

  /** The bundle knows more than before: turn, if that was asked for too early, and draw again. */
  refresh() {
    if (!this.bundle) return;
    if (this.early) this.act(this.early);
    this.pace.drawSoon();
  }

  /** Take over a pinned question that somebody else set: { frame, x, y, block?, direction?, view? }, or null for none. */
  adopt(asked) {
    if (!asked) return this.#become({ ...this.state, pinned: false }, false);
    const block = this.bundle.blocks.findIndex(({ name }) => name === asked.block);
    const state = { ...this.state, block: block < 0 ? this.state.block : block, direction: asked.direction ?? this.state.direction };
    const at = { frame: asked.frame, x: asked.x, y: asked.y };
    this.#become(reduce(withView(state, asked.view), { type: "pin", at }, this.bundle), false);
  }

  showBlock(name) {
    const block = this.bundle.blocks.findIndex((candidate) => candidate.name === name);
    if (block >= 0) this.#become({ ...this.state, block }, false);
  }

  /** Change the state; `reveals` scrolls the strip to the frame that was chosen. */
  act(action, reveals = false) {
    if (!this.bundle) return;
    this.early = this.bundle.awaitsColumns ? turnIn(this.state, action) : null;
    if (this.early === action) return;
    if (action.type === "edit" && this.presenter.on) return;
    if (action.type === "help") return this.panel.help.toggle();
    if (action.type === "present") return this.presenter.toggle();
    this.#become(reduce(this.state, action, this.bundle), true);
    if (action.edit === "add") this.panel.editor.write(this.state.stop);
    if (reveals) this.reveals = true;
  }

  destroy() {
    this.resized.disconnect();
    this.speaker.stop();
    this.presenter.leave();
    this.teller.stop();
    this.pace.stop();
    this.#forgetPhotos();
    this.root.remove();
  }

  #forgetPhotos() {
    this.photos?.forEach((photo) => photo.close());
  }

  #become(state, tells) {
    if (state === this.state) return;
    if (tells) this.root.classList.add("is-used");
    const before = this.state.tour;
    this.state = state;
    if (state.tour !== before) this.ontour(state.tour); // at once: the person may leave, and no key makes many edits
    this.#read(null);
    const message = pinnedMessage(this.bundle, state);
    tells ? this.teller.tellSoon(message) : this.teller.knows(message);
    this.pace.drawSoon();
  }

  #key(event) {
    if (!this.bundle || event.target !== this.field) return;
    const action = actionOf(event, this.state, this.shown);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(action, true);
  }

  /** Keys of the presenter come before all others; an open dialog keeps its own. */
  #presenterKey(event) {
    if (this.panel.help.root.open) return;
    const action = presenterActionOf(event, this.state, this.state.tour.length);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(action, true);
  }

  #presenting(on) {
    if (!this.bundle) return;
    if (on) this.act({ type: "set", values: { editing: false } });
    if (on && !this.state.pinned && this.state.tour.length) this.act({ type: "tour", stop: 0 }, true);
    this.field.focus({ preventScroll: true });
    this.pace.layoutSoon();
  }

  #click({ at, picture }, event) {
    if (event.pointerType !== "touch") this.field.focus({ preventScroll: true });
    const grid = askedGrid(this.bundle, this.state);
    const cell = cellAt(grid, at);
    const again = this.state.pinned && cell && indexOf(grid, cell) === this.answered.index;
    this.act(again ? { type: "unpin" } : { type: "pin", at }, !this.film.root.contains(picture));
  }

  /** The point of a frame under the pointer, and whether pointing there asks. */
  #locate(event) {
    const picture = event.target.closest?.(".nlv-picture");
    if (!picture || !this.bundle) return null;
    const asks = picture !== this.stage.answers.picture;
    const frame = picture === this.stage.asks.picture ? this.state.at.frame
      : picture === this.stage.answers.picture ? this.shown : Number(picture.dataset.frame);
    return { picture, asks, at: { frame, ...pointIn(picture, event) } };
  }

  #layout() {
    const ratio = window.devicePixelRatio || 1;
    this.stage.layout(ratio);
    this.film.layout(ratio);
    this.#draw();
  }

  #draw() {
    if (this.bundle.blocks.length === 0) return this.#empty();
    const { state, bundle } = this;
    this.answered = askBlock(bundle.blocks[state.block], state.direction, state.at, this.answered);
    const { answered } = this;
    const { block, asked, cell, answer, own, shares } = answered;
    const scale = scaleOf(answer, own, state.scale);
    const images = this.painter.paint(answer, scale.peaks, state);
    const alone = bundle.frames.length === 1;
    const strongest = strongestOf(answered, state.scale);
    const shown = state.held === null ? strongest : temporalCell(answer.grid, state.held);
    this.shown = state.held ?? answer.grid.frame_spans[strongest][0];
    const look = { peak: scale.shared, lift: state.lift, reverse: state.direction === "column" };
    const targets = state.arrows ? this.#targets(answered) : [];
    const middle = { ...pointOf(asked, cell), frame: state.at.frame };

    this.stage.asks.show({ frame: state.at.frame, grid: asked, cell, pinned: state.pinned });
    this.stage.answers.show({ frame: this.shown, image: images[shown], grid: answer.grid, smooth: state.smooth });
    const links = targets.filter(({ t }) => t === shown).slice(0, alone ? undefined : MOST_LINKS);
    this.stage.showLinks(boundsOf(asked, cell), links, boundsOf(answer.grid, { t: 0, y: 0, x: 0 }).width, look);
    this.film.showHeat(images, answer.grid, state.smooth);
    this.film.showShares(shares, answer.grid, own, state.scale === "others");
    this.film.mark(state.at.frame, this.shown);
    this.film.showArrows(middle, targets, look);
    this.#write({ ...answered, bundle, state, scale, strongest, shown, alone });
    if (this.reveals) this.film.reveal(this.shown);
    this.reveals = false;
    Object.assign(this.root.dataset, {
      q: String(answered.index), cell: `${cell.t},${cell.y},${cell.x}`, shown: String(this.shown),
      pinned: String(state.pinned), block: block.name, direction: state.direction,
    });
  }

  #targets({ answer, own }) {
    const { count, scale } = this.state;
    return topOf(answer.values, count, scale === "others" ? own.holds : undefined).map((index) => {
      const cell = cellOf(answer.grid, index);
      return { ...pointOf(answer.grid, cell), t: cell.t, weight: answer.values[index] };
    });
  }

  #write(drawn) {
    const { state, block, answer, own, scale, shown } = drawn;
    const report = reportOf(drawn);
    this.stage.asks.say(report.heading);
    this.stage.answers.say({ ...report.heading, held: state.held !== null });
    this.panel.show(this.bundle, state, own.kind, hasColumns(block));
    const peak = state.scale === "each" ? scale.peaks[shown] ?? scale.shared : scale.shared;
    this.panel.legend.show({ answer, peak, signed: block.signed, lift: state.lift, note: report.scaleNote });
    say(this.panel.facts, report.facts);
    say(this.panel.more, report.more);
    if (this.panel.numbers.open) this.panel.showTable(report.table());
    this.speaker.speakSoon(report.spoken);
  }

  /** Show the weight under the pointer in a small label, and ring its cell. */
  #read(at, event) {
    const found = at && this.answered && cellAt(this.answered.answer.grid, at);
    if (!found) return this.tip.hide();
    const { answer } = this.answered;
    const words = readingOf(answer, found, answer.values[indexOf(answer.grid, found)], this.bundle.frames.length === 1);
    this.tip.show(words, event, event.target.closest(".nlv-picture"), boundsOf(answer.grid, found));
  }

  #empty() {
    this.root.classList.add("is-empty");
    say(this.stage.answers.notice, "This network ran no block that could be read, so there is nothing to ask.");
  }
}
