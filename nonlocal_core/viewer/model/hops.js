// Further hops of a look: the row times the rows of the layer before, with the residual. What nonlocal_core/capture/hops.py does.

import { rowOf } from "./affinity.js";
import { carried } from "./overlap.js";
import { layerOf } from "./blocks.js";
import { cellOf } from "./grid.js";

export const MOST_HOPS = 4;
/** Part of the weight that a further hop leaves where it is. */
const STAYS = 0.5;

/** The layers that hops beyond the first go through, all heads of each; null where rows do not share out a weight of 1. */
export function routeOf({ blocks }, block, hops) {
  const layers = [];
  const heads = blocks.filter((each) => !each.heads); // a mean has no rows of its own
  for (let at = block; layers.length < hops - 1; at = layers.at(-1)[0]) {
    const before = heads.filter((each) => at.before && layerOf(each) === at.before);
    layers.push(before.length ? before : heads.filter((each) => layerOf(each) === layerOf(at)));
  }
  const fits = [[block], ...layers].every((heads, n) => heads.every((each) => (each.softmax || each.matched) && (n === 0 || !each.asker)));
  return fits ? layers : null;
}

/** Whether a question can be followed: where one question looks, along rows that pass weight on. */
export function takesHops(bundle, state) {
  return state.direction === "row" && state.beside.length === 0 && routeOf(bundle, bundle.blocks[state.block], 2) !== null;
}

/**
 * Follow an answer along a route. A generator: it yields the part of all rows that are done, a few at a time, and returns the
 * answer on the grid that it was on.
 */
export function* followed(answer, route, offGridKeys) {
  const { grid } = answer;
  let values = Float64Array.from(answer.values);
  const offGrid = new Map(offGridKeys.map((name, n) => [name, answer.offGrid[n]]));
  const total = route.reduce((sum, heads) => sum + heads.length * sizeOf(heads[0].query_grid), 0);
  let done = 0;
  for (const heads of route) {
    const next = values.map((value) => STAYS * value);
    const asking = carried(values, grid, heads[0].query_grid);
    for (const head of heads) {
      const rows = new Float64Array(sizeOf(head.key_grid));
      for (let i = 0; i < asking.length; i++, done++) {
        if (asking[i] === 0) continue;
        const weight = (asking[i] * (1 - STAYS)) / heads.length;
        const row = rowOf(head, cellOf(head.query_grid, i));
        for (let j = 0; j < rows.length; j++) rows[j] += weight * row.values[j];
        head.off_grid_keys.forEach((name, n) => offGrid.set(name, (offGrid.get(name) ?? 0) + weight * row.offGrid[n]));
        yield done / total;
      }
      carried(rows, head.key_grid, grid).forEach((value, j) => { next[j] += value; });
    }
    values = next;
  }
  const beside = offGridKeys.map((name) => offGrid.get(name));
  const positive = [...values, ...beside].reduce((sum, weight) => sum + Math.max(weight, 0), 0);
  return { ...answer, values: Float32Array.from(values), offGrid: Float32Array.from(beside), mass: positive, positive, even: positive };
}

function sizeOf({ frames, rows, cols }) {
  return frames * rows * cols;
}
