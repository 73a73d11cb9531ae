// How answers side by side fill a screen: how many columns, how large each picture, with or without the strips of frames.

import { reelOf } from "./film.js";

/** Pixels of height that a picture needs to be read from the back of a room; below, the page scrolls instead. */
export const LEGIBLE = 90;
/** Pictures that come out lower than this give up their strips of frames, if that makes them higher. */
const CRAMPED = 150;
/** Pixels as comparison.css has them while presenting: between pictures, of what is written over one, of a row of the strip. */
const GAP = 18;
const WRITTEN = 56;
const STRIP_ROW = 42;
const STRIP_EDGE = 8;
/** Pixels of width that a share needs under its frame. */
const SHARE_WIDTH = 44;

/**
 * Pictures of one aspect in width x height: { columns, tall, wide, strips, tight }, tall and wide the size of each.
 * `step`: how many belong together, so that a row never parts them. `frames`: of each strip; tight ones have no room for
 * a number under every frame. `caution`: pixels that the sentences under a picture take.
 */
export function filling({ step = 1, ...space }) {
  const { columns, tall, strips } = chosen({ step, ...space });
  const wide = Math.floor(tall * space.aspect);
  return { columns, tall, wide, strips, tight: wide / reelOf(space.frames).columns < SHARE_WIDTH };
}

function chosen(space) {
  const whole = space.frames > 1 ? largest({ ...space, strip: reelOf(space.frames) }) : null;
  if (whole?.tall >= CRAMPED) return { ...whole, strips: true };
  const bare = largest({ ...space, strip: null });
  if (whole?.tall >= bare.tall) return { ...whole, strips: true };
  return { ...(bare.tall >= LEGIBLE ? bare : scrolled(space)), strips: false };
}

function largest({ count, width, height, aspect, step, caution = 0, strip }) {
  const written = WRITTEN + caution;
  let best = { columns: step, tall: 0 };
  for (let columns = step; columns < count + step; columns += step) {
    const rows = Math.ceil(count / columns);
    const wide = (width - GAP * (columns - 1)) / columns;
    const high = (height - GAP * (rows - 1)) / rows - written - (strip ? STRIP_EDGE + STRIP_ROW * strip.rows : 0);
    const tall = Math.floor(Math.min(wide / aspect, high / (1 + (strip ? strip.rows / strip.columns : 0))));
    if (tall > best.tall) best = { columns, tall };
  }
  return best;
}

/** Where not all fit: legible ones in as many columns as there is room for. */
function scrolled({ count, width, aspect, step }) {
  const room = Math.floor((width + GAP) / (LEGIBLE * aspect + GAP));
  const columns = Math.max(Math.min(room - (room % step), count), step);
  return { columns, tall: Math.floor(Math.min((width - GAP * (columns - 1)) / columns / aspect, CRAMPED)) };
}

/** Pixels of height that an element takes with its margins; 0 for one that is not shown. */
export function outerHeight(element) {
  const { marginTop, marginBottom } = getComputedStyle(element);
  return element.offsetHeight && element.offsetHeight + parseFloat(marginTop) + parseFloat(marginBottom);
}

/** Pixels of height that an element has left under its contents, less than zero where they are higher than it is. */
export function spareHeight(root) {
  const { paddingTop, paddingBottom } = getComputedStyle(root);
  const parts = [...root.children].filter((part) => part.offsetHeight > 0 && getComputedStyle(part).position === "static");
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const used = Math.max(...boxes.map(({ bottom }) => bottom)) - Math.min(...boxes.map(({ top }) => top));
  return Math.floor(root.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom) - used);
}
