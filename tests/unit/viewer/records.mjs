// Records for the tests of the viewer's modules: grids, blocks, bundles and answers without a page.

import { reduce } from "../../../nonlocal_core/viewer/model/state.js";

const spans = (frames) => Array.from({ length: frames }, (_, t) => [t, t + 1]);
export const grid = (frames, rows, cols, box = [0, 0, 1, 1]) => ({ frames, rows, cols, box, frame_spans: spans(frames) });

export function blockOf(queries, kernel = [1, 1, 1], facts = {}) {
  const keys = grid(Math.floor(queries.frames / kernel[0]), Math.floor(queries.rows / kernel[1]), Math.floor(queries.cols / kernel[2]));
  const own = (cell) => ({
    t: Math.min(Math.floor(cell.t / kernel[0]), keys.frames - 1),
    y: Math.min(Math.floor(cell.y / kernel[1]), keys.rows - 1),
    x: Math.min(Math.floor(cell.x / kernel[2]), keys.cols - 1),
  });
  return { name: "a", title: "A", head: null, query_grid: queries, key_grid: keys, subsample: kernel, scope: "spacetime", temporal_groups: 1, pairwise: "gaussian", ownKey: own, ...facts };
}

export function bundleOf(blocks = [blockOf(grid(5, 6, 8)), blockOf(grid(5, 6, 8), [1, 2, 3], { name: "b" })], tour = []) {
  return { blocks, frames: Array(5).fill({}), view: { block: "b", query: { frame: 2, x: 0.5, y: 0.5 }, tour } };
}

export function rowAnswer(values, where, count = values.length) {
  const table = Float32Array.from(values);
  return { direction: "row", grid: where, values: table, offGrid: new Float32Array(0), mass: table.reduce((sum, v) => sum + Math.abs(v), 0), count };
}

export const act = (bundle, state, ...actions) => actions.reduce((now, action) => reduce(now, action, bundle), state);
