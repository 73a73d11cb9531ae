// Records for the tests of the viewer's modules: grids, blocks, bundles and answers without a page.

import { reduce } from "../../../nonlocal_core/viewer/model/state.js";

/** A look with the constants of the real one and ramps that tell each level: warm (level, 0, 0), cold (0, 0, level). */
const hex = (level) => level.toString(16).padStart(2, "0");
export const recipe = {
  warm: Array.from({ length: 256 }, (_, level) => `${hex(level)}0000`).join(""), cold: Array.from({ length: 256 }, (_, level) => `0000${hex(level)}`).join(""),
  pins: ["ff8000", "0080ff", "00ff80"].map((colour) => colour.repeat(256)), pin_tone: 170,
  even: 1.000001, least_top: { all: 30, each: 4 }, faint: 0.25, nearly_even: 2, kept_colour: 0.25, luminance: [0.25, 0.5, 0.25],
  arrows: [12, 6], arrow_least: 3, arrow_tone: 0.4, ticks: [1, 2, 5, 10, 20, 50], ticks_apart: 0.13, dwarfed: 4, second: 0.5, strength: 80,
};
export const usual = { scale: "all", curve: "log", smooth: false, strength: 80, threshold: 1, plain: false, negatives: false, count: null, apart: false };

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
  return { blocks, frames: Array(5).fill({}), look: recipe, view: { block: "b", query: { frame: 2, x: 0.5, y: 0.5 }, also: [], minus: [], beside: [], temperature: 1, direction: "row", look: "", tour } };
}

export function rowAnswer(values, where, count = values.length) {
  const table = Float32Array.from(values);
  const sum = (size) => table.reduce((total, value) => total + size(value), 0);
  const [mass, positive] = [sum(Math.abs), sum((value) => Math.max(value, 0))];
  return { direction: "row", grid: where, values: table, offGrid: new Float32Array(0), mass, positive, even: positive || mass, count };
}

export const act = (bundle, state, ...actions) => actions.reduce((now, action) => reduce(now, action, bundle), state);
