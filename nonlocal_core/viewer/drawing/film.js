// The film strip: every frame with its heat, and under each frame the share it gets, which is also the scrubber.

import { Arrows } from "./arrows.js";
import { boxOf, el, place, say } from "./dom.js";
import { temporalCell } from "../model/grid.js";
import { barHeights } from "../model/heat.js";
import { fit, putHeat } from "./paint.js";
import { drawPhoto } from "./photograph.js";
import { percent } from "../model/words.js";

/** Up to this many frames stand in one row; more are set in rows of 8 or 16. */
const ONE_ROW = 8;
/** More frames than this are set closer. */
const DENSE_FROM = 24;
/** Width that a number needs under its frame, in times the size of type. */
export const NUMBER_WIDE = 2.9;

/** How many frames stand in a row, and in how many rows. */
export function reelOf(count) {
  const columns = count <= ONE_ROW ? count : Math.ceil(count / Math.ceil(count / (count <= 16 ? 8 : 16)));
  return { columns, rows: Math.ceil(count / columns) };
}

export class Film {
  constructor() {
    this.arrows = new Arrows();
    this.reel = el("div", { class: "nlv-reel" });
    this.root = el("div", { class: "nlv-film", tabindex: "0", role: "group", "aria-label": "Frames" }, this.reel);
    this.frames = [];
  }

  open(photos, media) {
    this.photos = photos;
    this.frames = Array.from({ length: photos.length }, (_, index) => filmFrame(index));
    this.reel.replaceChildren(...this.frames.map(({ root }) => root), this.arrows.root);
    const count = photos.length;
    this.root.style.setProperty("--columns", reelOf(count).columns);
    this.root.style.setProperty("--frames", count);
    this.root.hidden = count === 1;
    this.root.classList.toggle("is-dense", count > DENSE_FROM);
    const [height, width] = media.shown_hw;
    this.root.style.setProperty("--aspect", width / height);
  }

  layout(ratio, { plain }) {
    if (this.root.hidden || this.frames.length === 0) return;
    this.plain = plain;
    for (const [index, { photo, picture }] of this.frames.entries()) {
      drawPhoto(fit(photo, picture.clientWidth, picture.clientHeight, ratio), this.photos.of(index, !plain));
    }
    const origin = this.reel.getBoundingClientRect();
    this.boxes = this.frames.map(({ picture }) => {
      const box = picture.getBoundingClientRect();
      return { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height };
    });
    const [{ root }] = this.frames;
    this.root.classList.toggle("is-tight", this.boxes[0].width < NUMBER_WIDE * parseFloat(getComputedStyle(root).fontSize));
  }

  showHeat(images, grid, smooth) {
    if (this.root.hidden) return;
    this.frames.forEach(({ heat }, index) => {
      const t = temporalCell(grid, index);
      heat.hidden = t < 0;
      if (t >= 0) putHeat(heat, images[t]);
      heat.classList.toggle("is-smooth", smooth);
      place(heat, boxOf(grid));
    });
  }

  hideHeat() {
    for (const { heat, root, fill, share } of this.frames) {
      heat.hidden = true;
      root.classList.remove("is-own", "is-cut", "is-shown", "is-asked");
      fill.style.transform = "scaleY(0)";
      say(share, "");
    }
  }

  /** Shares per temporal cell as bars on one scale; one that dwarfs the others is cut, with a visible break. */
  showShares(shares, grid, own, recipe) {
    if (this.root.hidden) return;
    const { heights, cut } = barHeights(shares, recipe);
    this.frames.forEach((frame, index) => {
      const t = temporalCell(grid, index);
      const [start, stop] = t < 0 ? [index, index + 1] : grid.frame_spans[t];
      frame.fill.style.transform = `scaleY(${(t < 0 ? 0 : heights[t]).toFixed(4)})`;
      frame.root.classList.toggle("is-own", own.steps(t));
      frame.root.classList.toggle("is-cut", t >= 0 && t === cut);
      frame.root.classList.toggle("is-joined", index > start);
      frame.root.classList.toggle("is-open", index + 1 < stop);
      frame.root.style.setProperty("--span", index === start ? stop - start : 1);
      say(frame.share, index === start ? percent(t < 0 ? 0 : shares[t]) : "");
    });
  }

  /** `asked` are the frames that are asked from. */
  mark(asked, shown) {
    this.frames.forEach(({ root }, index) => {
      root.classList.toggle("is-asked", asked.includes(index));
      root.classList.toggle("is-shown", index === shown);
    });
  }

  /** Arrows from { frame, x, y } to targets { frame, x, y, tone, ink }, strongest first. */
  showArrows(at, targets, look) {
    if (this.root.hidden) return;
    const point = ({ frame, x, y }) => {
      const box = this.boxes[frame];
      return { x: box.left + x * box.width, y: box.top + y * box.height };
    };
    const from = point(at);
    const lines = targets.map((target) => ({ ...target, from, to: point(target), start: look.reverse ? 7 : 0, gap: 3 }));
    this.arrows.show(lines, { ...look, origin: from });
  }

  /** Bring a frame into sight where the strip scrolls sideways; only after a key or a choice, never on hover. */
  reveal(index) {
    const { root } = this.frames[index];
    const [left, right] = [root.offsetLeft, root.offsetLeft + root.offsetWidth];
    const { scrollLeft, clientWidth } = this.root;
    if (left < scrollLeft || right > scrollLeft + clientWidth) this.root.scrollLeft = (left + right - clientWidth) / 2;
  }
}

function filmFrame(index) {
  const photo = el("canvas", { class: "nlv-photo" });
  const heat = el("canvas", { class: "nlv-heat" });
  const picture = el("div", { class: "nlv-picture", "data-frame": index }, photo, heat, el("span", { class: "nlv-count" }, String(index + 1)));
  const fill = el("i", { class: "nlv-fill" });
  const share = el("span", { class: "nlv-share" });
  const bar = el("button", { type: "button", class: "nlv-bar", tabindex: "-1", "data-bar": index, "aria-label": `Show frame ${index + 1} large` }, fill);
  return { root: el("div", { class: "nlv-frame" }, picture, bar, share), picture, photo, heat, fill, share };
}
