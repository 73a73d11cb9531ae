// The answer to a question, with what follows from it: computed only when the question changed.

import { columnOf, rowOf, sharesOf } from "./affinity.js";
import { indexOf, nearestCell } from "./grid.js";
import { ownOf } from "./own.js";

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

/** The temporal cell that gets most beyond the asked one, or that one where no other has any. */
export function strongestOf({ shares, own }) {
  let best = -1;
  shares.forEach((share, t) => {
    if (!own.steps(t) && share > 0 && (best < 0 || share > shares[best])) best = t;
  });
  return best < 0 ? Math.max(shares.findIndex((_, t) => own.steps(t)), 0) : best;
}

/** The strongest cell that is not over the asked one, -1 for none. */
export function strongestElsewhere({ answer: { values }, own }) {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (values[i] > 0 && (best < 0 || values[i] > values[best]) && !own.is(i)) best = i;
  return best;
}
