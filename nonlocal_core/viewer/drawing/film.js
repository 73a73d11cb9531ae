// The film strip: every frame with its heat, and under each frame the share it gets, which is also the scrubber.

import { Arrows } from "./arrows.js";
import { boxOf, el, place, say } from "./dom.js";
import { PINS, letterOf } from "./letters.js";
import { temporalCell } from "../model/grid.js";
import { barHeights } from "../model/heat.js";
import { fit, putHeat } from "./paint.js";
import { drawPhoto } from "./photograph.js";
import { percent } from "../model/words.js";
import { holds, seen } from "../model/zoom.js";
import { Walls } from "./outlines.js";

/** Up to this many frames stand in one row; more are set in rows of 8 or 16. */
const ONE_ROW = 8;
/** More frames than this are set closer. */
const DENSE_FROM = 24;
/** Pixels from the upper left corner of a frame within which a letter would cover its number. */
const [COUNT_WIDE, COUNT_HIGH] = [34, 27];
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
    this.letters = PINS.map(letterOf);
  }

  open(photos, media) {
    this.photos = photos;
    this.drawn = null;
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

  /** Take as many other photographs for the same frames; they are drawn on the next draw. */
  renew(photos) {
    Object.assign(this, { photos, drawn: null });
  }

  /** Take the sizes of the boxes on screen; the photographs are drawn again on the next draw. */
  layout(ratio) {
    if (this.root.hidden || this.frames.length === 0) return;
    this.drawn = null;
    for (const { photo, picture } of this.frames) fit(photo, picture.clientWidth, picture.clientHeight, ratio);
    const origin = this.reel.getBoundingClientRect();
    this.boxes = this.frames.map(({ picture }) => {
      const box = picture.getBoundingClientRect();
      return { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height };
    });
    const [{ root }] = this.frames;
    this.numbersWide = this.boxes[0].width / (NUMBER_WIDE * parseFloat(getComputedStyle(root).fontSize));
    this.root.classList.toggle("is-tight", this.numbersWide < 1);
  }

  /** `box` is the part of the frames that the network saw. */
  draw({ plain, zoom }, box) {
    if (this.root.hidden || (this.drawn?.plain === plain && this.drawn.zoom === zoom && this.drawn.box === box)) return;
    this.frames.forEach(({ photo }, index) => drawPhoto(photo.getContext("2d"), this.photos.of(index, !plain, zoom.scale * photo.width), zoom, box));
    this.drawn = { plain, zoom, box };
  }

  showHeat(images, grid, { smooth, zoom }) {
    if (this.root.hidden) return;
    this.frames.forEach(({ heat }, index) => {
      const t = temporalCell(grid, index);
      heat.hidden = t < 0;
      if (t >= 0) putHeat(heat, images[t]);
      heat.classList.toggle("is-smooth", smooth);
      place(heat, seen(zoom, boxOf(grid)));
    });
  }

  /** The walls of the windows that answers stay within; `inside(t)` are the cells of a temporal cell in each of them. */
  showWalls(inside, grid, { zoom }) {
    if (this.root.hidden) return;
    this.frames.forEach(({ walls }, index) => walls.show(grid, inside(temporalCell(grid, index)), zoom));
  }

  hideHeat() {
    for (const { heat, walls, root, bars } of this.frames) {
      heat.hidden = true;
      walls.hide();
      root.classList.remove("is-own", "is-shown", "is-asked");
      for (const bar of bars) showBar(bar, 0, false, "");
    }
  }

  /**
   * Shares per temporal cell as bars on one scale; one that dwarfs the others is cut, with a visible break. `answered` are
   * the answers of several pins, A first, or one; own is that of the last. Less than 0 is cold: of a difference.
   */
  showShares(answered, grid, recipe) {
    if (this.root.hidden) return;
    const several = answered.length > 1;
    const { own } = answered.at(-1);
    const { heights, cut } = barHeights(Float64Array.from(answered.flatMap(({ shares }) => [...shares]), Math.abs), recipe);
    this.reel.classList.toggle("is-several", several);
    this.reel.classList.toggle("is-crowded", several && this.numbersWide < answered.length);
    this.reel.style.setProperty("--pins", answered.length);
    this.frames.forEach((frame, index) => {
      const t = temporalCell(grid, index);
      const [start, stop] = t < 0 ? [index, index + 1] : grid.frame_spans[t];
      frame.bars.forEach((bar, pin) => {
        if (bar.share.hidden && pin >= answered.length) return;
        const at = pin * grid.frames + t;
        const there = pin < answered.length && t >= 0;
        const share = there ? answered[pin].shares[t] : 0;
        showBar(bar, there ? heights[at] : 0, there && at === cut, pin < answered.length && index === start ? percent(Math.abs(share)) : "");
        bar.fill.classList.toggle("is-less", share < 0);
        bar.share.hidden = pin >= answered.length;
      });
      frame.root.classList.toggle("is-own", !several && own.steps(t));
      frame.root.classList.toggle("is-joined", index > start);
      frame.root.classList.toggle("is-open", index + 1 < stop);
      frame.root.style.setProperty("--span", index === start ? stop - start : 1);
    });
  }

  /** `asked` are the frames that are asked from. */
  mark(asked, shown) {
    this.frames.forEach(({ root }, index) => {
      root.classList.toggle("is-asked", asked.includes(index));
      root.classList.toggle("is-shown", index === shown);
    });
  }

  /** Letters of several pins where they ask, { frame, x, y } each; none for one. */
  showLetters(places, zoom) {
    if (this.root.hidden) return;
    for (const { picture } of this.frames) picture.classList.remove("is-cornered");
    this.letters.forEach((letter, pin) => {
      const at = places[pin];
      letter.hidden = !at || !holds(zoom, at);
      if (letter.hidden) return;
      const { left, top } = seen(zoom, { left: at.x, top: at.y });
      const { width, height } = this.boxes[at.frame];
      if (left * width < COUNT_WIDE && top * height < COUNT_HIGH) this.frames[at.frame].picture.classList.add("is-cornered");
      this.frames[at.frame].picture.append(letter);
      Object.assign(letter.style, { left: `${100 * left}%`, top: `${100 * top}%` });
    });
  }

  /** Arrows from { frame, x, y } each to its targets { frame, x, y, tone, ink }, strongest first, between places in the window; the last has a dot. */
  showArrows(groups, { reverse, zoom }) {
    if (this.root.hidden) return;
    const point = ({ frame, x, y }) => {
      const [box, { left, top }] = [this.boxes[frame], seen(zoom, { left: x, top: y })];
      return { x: box.left + left * box.width, y: box.top + top * box.height };
    };
    const lines = groups.filter(({ at }) => holds(zoom, at)).flatMap(({ at, targets }) => {
      const [from, found] = [point(at), targets.filter((target) => holds(zoom, target))];
      return found.map((target) => ({ ...target, from, to: point(target), start: reverse ? 7 : 0, gap: 3 }));
    });
    const { at } = groups.at(-1);
    this.arrows.show(lines, { reverse, origin: holds(zoom, at) ? point(at) : null });
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
  const walls = new Walls();
  const picture = el("div", { class: "nlv-picture", "data-frame": index }, photo, heat, walls.root, el("span", { class: "nlv-count" }, String(index + 1)));
  const bars = PINS.map((pin) => ({ fill: el("i", { class: `nlv-fill ${pin}` }), share: el("span", { class: `nlv-part ${pin}` }) }));
  const bar = el("button", { type: "button", class: "nlv-bar", tabindex: "-1", "data-bar": index, "aria-label": `Show frame ${index + 1} large` }, ...bars.map(({ fill }) => fill));
  const shares = el("span", { class: "nlv-share" }, ...bars.map(({ share }) => share));
  return { root: el("div", { class: "nlv-frame" }, picture, bar, shares), picture, photo, heat, walls, bars };
}

function showBar({ fill, share }, height, cut, text) {
  fill.style.transform = `scaleY(${height.toFixed(4)})`;
  fill.classList.toggle("is-cut", cut);
  say(share, text);
}
