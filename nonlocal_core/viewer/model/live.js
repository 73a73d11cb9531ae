// A bundle of what a network in the page made: the same object as one that was read from a file.

import { readBlock } from "./parse.js";

/**
 * `network` has the facts of its blocks, `tables` a Float32Array for theta, phi and effect of each ("theta:NAME") with its number of rows;
 * where phi is missing, it is theta; `hw` has the rows and columns of its grid where cells are not square. `media`, `frames` and `view` are those of the clip, `inputHw` the size that the network was fed.
 */
export function liveBundle({ id, media, frames, view, network, look, tables, inputHw }) {
  const steps = frames.length;
  const blocks = network.blocks.map((facts) => {
    const theta = tables.get(`theta:${facts.name}`);
    const phi = tables.get(`phi:${facts.name}`) ?? theta;
    const effect = tables.get(`effect:${facts.name}`);
    const grid = gridOf(theta, steps, inputHw);
    const made = {
      ...facts, query_grid: grid, key_grid: grid, theta: sectionOf(theta), phi: sectionOf(phi), log_normaliser: null,
      effect: effect ? averageOf(effect.values) : null, effect_map: effect ? sectionOf(effect) : null, row_error: 0, rebuild_error: null,
    };
    return readBlock(made, ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  });
  const block = blocks.some(({ name }) => name === view.block) ? view.block : network.shown;
  return { id, media, frames, model: network.model, classes: [], blocks, look, view: { ...view, block } };
}

/** A grid of cells over the whole frame, one step for each frame. */
function gridOf({ rows: positions, hw = null }, steps, [height, width]) {
  const cell = Math.sqrt((height * width * steps) / positions);
  const [rows, cols] = hw ?? [Math.round(height / cell), Math.round(width / cell)];
  const spans = Array.from({ length: steps }, (_, frame) => [frame, frame + 1]);
  return { frames: steps, rows, cols, frame_spans: spans, box: [0, 0, 1, 1] };
}

function sectionOf({ values, rows }) {
  return { dtype: "float32", shape: [rows, values.length / rows], gain: 1, values };
}

function averageOf(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
