// The answer to a question, with what follows from it: computed only when the question changed.

import { columnOf, rowOf, sharesOf } from "./affinity.js";
import { indexOf, nearestCell } from "./grid.js";
import { ownOf } from "./scale.js";

/**
 * Ask a block from a point of its clip: { block, asked, cell, index, answer, own, shares }, where `asked` is the grid that
 * the cell lies on. `last` is what was returned before; the same object comes back when it answers this question too.
 */
export function askBlock(block, direction, at, last) {
  const asked = direction === "row" ? block.query_grid : block.key_grid;
  const cell = nearestCell(asked, at);
  const index = indexOf(asked, cell);
  if (last && last.index === index && last.block === block && last.answer.direction === direction) return last;
  const answer = direction === "row" ? rowOf(block, cell) : columnOf(block, cell);
  return { block, asked, cell, index, answer, own: ownOf(block, answer, cell), shares: sharesOf(answer) };
}

/** Whether a temporal cell is left out: the own one, where the scale does not show it. */
export function leavesOut({ own }, scale, t) {
  return scale === "others" && own.kind === "frame" && own.ownsFrame(t);
}

/** The temporal cell that gets most of what is shown. */
export function strongestOf(answered, scale) {
  const { shares, own } = answered;
  let best = -1;
  shares.forEach((share, t) => {
    if (!leavesOut(answered, scale, t) && (best < 0 || share > shares[best])) best = t;
  });
  return shares[best] > 0 ? best : own.t;
}
