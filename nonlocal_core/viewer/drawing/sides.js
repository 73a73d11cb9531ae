// The two kinds of large pictures: the frame that is asked from, and a frame that answers.

import { attribute, boxOf, el, place, say, svg } from "./dom.js";
import { boundsOf, temporalCell } from "../model/grid.js";
import { PINS, letterOf } from "./letters.js";
import { fit, putHeat } from "./paint.js";
import { drawPhoto } from "./photograph.js";
import { Walls, outlineOf } from "./outlines.js";
import { seen } from "../model/zoom.js";
import { ZoomControl } from "./zoom_control.js";

class Side {
  constructor(name, marks) {
    [this.lead, this.figure] = [el("span", { class: "nlv-lead" }), el("span", { class: "nlv-figure" })];
    this.detail = el("div", { class: "nlv-detail" });
    this.caption = el("div", { class: "nlv-heading" }, el("span", { class: "nlv-sign", "aria-hidden": "true" }), this.lead, this.figure);
    this.photo = el("canvas", { class: "nlv-photo" });
    this.picture = el("div", { class: "nlv-picture" }, this.photo, ...marks);
    this.warning = el("p", { class: "nlv-warning" });
    this.root = el("div", { class: `nlv-side ${name}` }, el("figure", {}, el("figcaption", {}, this.caption, this.detail), this.picture), this.warning);
    this.drawn = null;
  }

  open(photos) {
    this.photos = photos;
    this.drawn = null;
  }

  /** Take the size of the box on screen; the photograph is drawn again on the next show. */
  layout(ratio) {
    fit(this.photo, this.picture.clientWidth, this.picture.clientHeight, ratio);
    this.drawn = null;
  }

  /** `box` is the part of the frame that the network saw. */
  draw(frame, muted, zoom, box) {
    const photo = this.photos.of(frame, muted);
    if (this.drawn?.photo === photo && this.drawn.zoom === zoom && this.drawn.box === box) return;
    drawPhoto(this.photo.getContext("2d"), photo, zoom, box);
    this.picture.classList.toggle("is-zoomed", zoom.scale > 1);
    this.drawn = { photo, zoom, box };
  }
}

/** The frame that is asked from, with the asked cell. */
export class Question extends Side {
  constructor({ onunpin, onzoom }) {
    const cell = el("div", { class: "nlv-cell" });
    const lines = [el("div", { class: "nlv-line" }), el("div", { class: "nlv-line" })];
    const hint = el("div", { class: "nlv-hint" }, matchMedia("(hover: none)").matches ? "Tap or drag in the picture" : "Point anywhere in the picture");
    const paths = ["nlv-rim", "nlv-rim", "nlv-minus", "nlv-plus"].map((name) => svg("path", { class: name, "vector-effect": "non-scaling-stroke" }));
    const many = svg("svg", { class: "nlv-many", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...paths);
    const marks = PINS.map((name) => svg("path", { class: `nlv-pin ${name}`, "vector-effect": "non-scaling-stroke" }));
    const rims = PINS.map(() => svg("path", { class: "nlv-rim", "vector-effect": "non-scaling-stroke" }));
    const pins = svg("svg", { class: "nlv-many", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...rims, ...marks);
    const letters = PINS.map(letterOf);
    super("nlv-asks", [...lines, cell, many, pins, ...letters, hint]);
    Object.assign(this, { cell, lines, many, paths, pins, marks, rims, letters });
    this.unpin = el("button", { type: "button", class: "nlv-chip", title: "Let go (Esc)", onclick: onunpin }, "Pinned ×");
    this.caption.append(this.unpin);
    this.zoom = new ZoomControl(onzoom);
    this.detail.after(this.zoom.root);
  }

  /** `cells` are none where no position asks. `pins`: the cells of each of several pins, A first, that are asked now among them; none for one. */
  show({ frame, grid, box, cells, taken = [], pinned, pins = [], zoom }) {
    this.draw(frame, false, zoom, box);
    this.zoom.show(zoom);
    for (const marks of [this.many, this.pins]) attribute(marks, "viewBox", `${zoom.x} ${zoom.y} ${1 / zoom.scale} ${1 / zoom.scale}`);
    this.#showPins(grid, frame, pins);
    this.#showLetters(grid, frame, taken.length ? [cells, taken] : pins, zoom);
    const [several, none] = [cells.length + taken.length > 1, cells.length === 0];
    const bounds = seen(zoom, boundsOf(grid, cells[0] ?? { t: 0, y: 0, x: 0 }));
    const [down, across] = this.lines;
    for (const line of [this.cell, down, across]) line.hidden = several || none;
    this.many.toggleAttribute("hidden", !several);
    if (several) {
      const t = temporalCell(grid, frame);
      [taken, cells, taken, cells].forEach((some, i) => attribute(this.paths[i], "d", outlineOf(grid, some.filter((cell) => cell.t === t))));
    }
    place(this.cell, bounds);
    place(down, { left: bounds.left, width: bounds.width, top: 0, height: 1 });
    place(across, { left: 0, width: 1, top: bounds.top, height: bounds.height });
    this.root.classList.toggle("is-pinned", pinned);
    this.unpin.hidden = !pinned;
  }

  #showPins(grid, frame, pins) {
    const t = temporalCell(grid, frame);
    this.pins.toggleAttribute("hidden", pins.length === 0);
    PINS.forEach((_, i) => {
      const here = (pins[i] ?? []).filter((cell) => cell.t === t);
      for (const path of [this.rims[i], this.marks[i]]) attribute(path, "d", outlineOf(grid, here));
    });
  }

  /** A letter at the first cell of each group of cells, A first. */
  #showLetters(grid, frame, groups, zoom) {
    const t = temporalCell(grid, frame);
    this.letters.forEach((letter, i) => {
      const first = (groups[i] ?? []).find((cell) => cell.t === t);
      letter.hidden = !first;
      if (!first) return;
      const { left, top } = seen(zoom, boundsOf(grid, first));
      Object.assign(letter.style, { left: `${100 * left}%`, top: `${100 * top}%` });
    });
  }

  say({ question, where, clipWarning }) {
    say(this.lead, question);
    say(this.detail, where);
    say(this.warning, clipWarning);
  }
}

/** A frame that answers, with heat. */
export class Answer extends Side {
  constructor({ onrelease }) {
    const [heat, badge, notice] = [el("canvas", { class: "nlv-heat" }), el("div", { class: "nlv-badge" }), el("div", { class: "nlv-notice" })];
    const walls = new Walls();
    super("nlv-answers", [heat, walls.root, badge, notice]);
    Object.assign(this, { heat, walls, badge, notice });
    this.release = el("button", { type: "button", class: "nlv-chip", title: "Go back to the frame that gets most", onclick: onrelease }, "Held ×");
    this.caption.append(this.release);
  }

  /** `image` is the heat of the frame's temporal cell, undefined where it has none; `inside` are the cells of each window. */
  show({ frame, image, grid, box, inside = [], state: { smooth, plain, zoom } }) {
    this.draw(frame, !plain, zoom, box);
    this.heat.hidden = !image;
    if (image) putHeat(this.heat, image);
    this.heat.classList.toggle("is-smooth", smooth);
    place(this.heat, seen(zoom, boxOf(grid)));
    this.walls.show(grid, inside, zoom);
  }

  say({ lead, figure, detail, badge, warning, warns, notice, held }) {
    say(this.lead, lead);
    say(this.figure, figure);
    say(this.detail, detail);
    say(this.badge, badge);
    say(this.warning, warning);
    for (const element of [this.badge, this.warning]) element.classList.toggle("is-warning", warns);
    say(this.notice, notice);
    this.release.hidden = !held;
  }
}
