// The two large pictures: the frame that is asked from, and the frame it looks at.

import { Arrows } from "./arrows.js";
import { boxOf, el, place, say } from "./dom.js";
import { boundsOf } from "./grid.js";
import { drawPhoto, fit, putHeat } from "./paint.js";

/** Lines between the two pictures of a clip; the others are on the strip. */
export const MOST_LINKS = 3;

/** Pixels between the tip of a line and the middle of its cell, so that small cells are not hidden by it. */
const SMALLEST_GAP = 9;

export class Stage {
  constructor({ onunpin, onfollow }) {
    this.asks = side("nlv-asks", [
      (this.unseen = el("div", { class: "nlv-unseen" })),
      (this.column = el("div", { class: "nlv-line nlv-line-down" })),
      (this.row = el("div", { class: "nlv-line nlv-line-across" })),
      (this.cell = el("div", { class: "nlv-cell" })),
      (this.hint = el("div", { class: "nlv-hint" }, matchMedia("(hover: none)").matches ? "Tap or drag in the picture" : "Point anywhere in the picture")),
    ]);
    this.answers = side("nlv-answers", [
      (this.heat = el("canvas", { class: "nlv-heat" })),
      (this.badge = el("div", { class: "nlv-badge" })),
      (this.notice = el("div", { class: "nlv-notice" })),
    ]);
    this.unpin = el("button", { type: "button", class: "nlv-chip", title: "Let go (Esc)", onclick: onunpin }, "Pinned ×");
    this.follow = el("button", { type: "button", class: "nlv-chip", title: "Go back to the frame that gets most", onclick: onfollow }, "Follow ×");
    this.asks.caption.append(this.unpin);
    this.answers.caption.append(this.follow);
    this.links = new Arrows();
    this.root = el("div", { class: "nlv-stage" }, this.asks.root, this.answers.root, this.links.root);
  }

  open(photos) {
    this.photos = photos;
    this.asks.drawn = this.answers.drawn = -1;
  }

  /** Take the sizes of the boxes on screen; every photograph is drawn again on the next show. */
  layout(ratio) {
    for (const half of [this.asks, this.answers]) {
      fit(half.photo, half.picture.clientWidth, half.picture.clientHeight, ratio);
      half.drawn = -1;
    }
    const origin = this.root.getBoundingClientRect();
    for (const half of [this.asks, this.answers]) {
      const box = half.picture.getBoundingClientRect();
      half.box = { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height };
    }
  }

  showQuestion({ frame, grid, cell, pinned }) {
    this.#photo(this.asks, frame, false);
    const bounds = boundsOf(grid, cell);
    place(this.cell, bounds);
    place(this.column, { left: bounds.left, width: bounds.width, top: 0, height: 1 });
    place(this.row, { left: 0, width: 1, top: bounds.top, height: bounds.height });
    const seen = boxOf(grid);
    this.unseen.hidden = seen.left <= 0 && seen.top <= 0 && seen.left + seen.width >= 1 && seen.top + seen.height >= 1;
    place(this.unseen, seen);
    this.root.classList.toggle("is-pinned", pinned);
  }

  showAnswer({ frame, image, grid, smooth }) {
    this.#photo(this.answers, frame, true);
    this.heat.hidden = !image;
    if (image) putHeat(this.heat, image);
    this.heat.classList.toggle("is-smooth", smooth);
    place(this.heat, boxOf(grid));
  }

  /** Draw lines from the asked cell to targets { x, y, weight } in units of the shown frame, strongest first; they end at the edge of a cell. */
  showLinks(bounds, targets, cellWidth, look) {
    const point = ({ box }, { x, y }) => ({ x: box.left + x * box.width, y: box.top + y * box.height });
    const from = point(this.asks, { x: bounds.left + bounds.width / 2, y: bounds.top + bounds.height / 2 });
    const start = (this.asks.box.width * bounds.width) / 2 + 4;
    const gap = Math.max((this.answers.box.width * cellWidth) / 2, SMALLEST_GAP);
    const lines = targets.map((target) => ({ from, to: point(this.answers, target), weight: target.weight, start, gap }));
    this.links.show(lines, look);
  }

  say({ question, where, lead, figure, detail, badge, warns, notice, held, pinned }) {
    say(this.asks.lead, question);
    say(this.asks.detail, where);
    say(this.answers.lead, lead);
    say(this.answers.figure, figure);
    say(this.answers.detail, detail);
    say(this.badge, badge);
    this.badge.classList.toggle("is-warning", warns);
    say(this.notice, notice);
    this.unpin.hidden = !pinned;
    this.follow.hidden = !held;
  }

  #photo(half, frame, dimmed) {
    if (half.drawn === frame) return;
    drawPhoto(half.photo.getContext("2d"), this.photos[frame], dimmed);
    half.drawn = frame;
  }
}

function side(name, marks) {
  const [lead, figure] = [el("span", { class: "nlv-lead" }), el("span", { class: "nlv-figure" })];
  const detail = el("div", { class: "nlv-detail" });
  const caption = el("div", { class: "nlv-heading" }, el("span", { class: "nlv-sign", "aria-hidden": "true" }), lead, figure);
  const photo = el("canvas", { class: "nlv-photo" });
  const picture = el("div", { class: "nlv-picture" }, photo, ...marks);
  const root = el("figure", { class: `nlv-side ${name}` }, el("figcaption", {}, caption, detail), picture);
  return { root, caption, lead, figure, detail, photo, picture, drawn: -1, box: null };
}
