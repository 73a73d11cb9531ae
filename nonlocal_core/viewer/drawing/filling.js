// How answers side by side fill a screen: how many columns, how large each picture, with or without the strips of frames.

import { NUMBER_WIDE, reelOf } from "./film.js";

/** Pixels of height that a picture needs to be read from the back of a room; below, the page scrolls instead. */
export const LEGIBLE = 90;
/** Pictures that come out lower than this give up their strips of frames, if that makes them higher. */
const CRAMPED = 150;
/** Pixels between columns and under each row, as comparison.css has them while presenting. */
const GAP = 18;
/** Pixels of height of a strip of frames without its pictures: at its edge, and of each row but for its numbers. */
const STRIP_EDGE = 8;
const STRIP_ROW = 26;
/** Height of a number under its frame, in times the size of type. */
const NUMBER_HIGH = 1.4;

/**
 * Pictures of one aspect in width x height: { columns, tall, wide, strips }, tall and wide the size of each.
 * `step`: how many belong together, so that a row never parts them. `frames`: of each strip, which stands where its
 * numbers have room. `written`: pixels that the words over and under a picture take. `type`: pixels of their letters.
 */
export function filling({ step = 1, written = 56, type = 12, ...space }) {
  const { columns, tall, strips } = chosen({ step, written, type, ...space });
  return { columns, tall, wide: Math.floor(tall * space.aspect), strips };
}

function chosen(space) {
  const strip = space.frames > 1 ? reelOf(space.frames) : null;
  const bare = largest({ ...space, strip: null });
  const whole = strip && largest({ ...space, strip });
  if (whole && (whole.tall * space.aspect) / strip.columns >= NUMBER_WIDE * space.type && whole.tall >= Math.min(CRAMPED, Math.max(bare.tall, LEGIBLE))) {
    return { ...whole, strips: true };
  }
  return { ...(bare.tall >= LEGIBLE ? bare : scrolled(space)), strips: false };
}

function largest({ count, width, height, aspect, step, written, type, strip }) {
  const row = STRIP_ROW + NUMBER_HIGH * type;
  let best = { columns: step, tall: 0 };
  for (let columns = step; columns < count + step; columns += step) {
    const rows = Math.ceil(count / columns);
    const wide = (width - GAP * (columns - 1)) / columns;
    const high = height / rows - GAP - written - (strip ? STRIP_EDGE + row * strip.rows : 0);
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
