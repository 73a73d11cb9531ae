// A guided tour: stops in an order, each a question with the sentence to say there. No page, no pixels: node tests it.
//
// a stop   { frame, x, y, caption, block, direction, hops? }; block is a name, null for the one on screen; hops stand where there are several

import { nearestCell } from "./grid.js";
import { takesHops } from "./hops.js";
import { placeWords } from "./words.js";

/** The limits of nonlocal_core/bundle/contents.py. */
export const MOST_STOPS = 32;
export const LONGEST_CAPTION = 200;

/** The question on screen as a stop that has no words yet. */
export function stopFrom(bundle, state) {
  const { at, block, direction, hops } = state;
  const { frame, x, y } = at;
  return { frame, x, y, caption: "", block: bundle.blocks[block].name, direction, ...(hops > 1 && takesHops(bundle, state) ? { hops } : {}) };
}

/** Whether two stops ask the same; one that names no block asks any. */
export function asksTheSame(a, b) {
  return ["frame", "x", "y", "direction", "hops"].every((part) => a[part] === b[part]) && (a.block ?? b.block) === (b.block ?? a.block);
}

/** The stops after an edit { edit, stop?, caption?, by?, stops? }; the same list when it changes nothing. */
export function edited(tour, { edit, stop, caption, by, stops }) {
  switch (edit) {
    case "caption": return tour.map((one, index) => (index === stop ? { ...one, caption: caption.trim().slice(0, LONGEST_CAPTION) } : one));
    case "shift": return tour[stop + by] ? tour.map((one, index) => ({ [stop]: tour[stop + by], [stop + by]: tour[stop] })[index] ?? one) : tour;
    case "remove": return tour.filter((_, index) => index !== stop);
    case "replace": return stops;
    default: throw new Error(`No edit is called ${edit}.`);
  }
}

/** Where a stop asks from, and what, in words; `fallback` is the index of the block where the stop names none. */
export function stopWords(bundle, stop, fallback) {
  const named = bundle.blocks.find(({ name }) => name === stop.block);
  const block = named ?? bundle.blocks[fallback];
  const cell = nearestCell(stop.direction === "column" ? block.key_grid : block.query_grid, stop);
  const parts = [
    bundle.frames.length > 1 && `frame ${stop.frame + 1}`, placeWords(cell),
    named && bundle.blocks.length > 1 && named.title, stop.direction === "column" && "who looks here", stop.hops && `${stop.hops} hops`,
  ];
  return parts.filter(Boolean).join(" · ");
}
