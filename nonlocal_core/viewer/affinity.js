// Rows and columns of the affinity, from theta and phi: what nonlocal_core/capture/rows.py does, in the browser.
// An answer is { direction, grid, values, offGrid, mass, count }: weights on a grid, and the number of cells that an
// even answer would share `mass` over.

import { indexOf } from "./grid.js";

/** Where a query cell looks: its weight on every key, exactly zero where scope or groups forbid it. */
export function rowOf(block, query) {
  const { phi, channels, keyCount } = block;
  const grid = block.key_grid;
  const onGrid = grid.frames * grid.rows * grid.cols;
  const values = new Float32Array(onGrid);
  const offGrid = new Float32Array(block.off_grid_keys.length);
  const theta = block.theta.row(indexOf(block.query_grid, query));
  const scores = new Float64Array(keyCount);
  const { start, stop, step } = allowedKeys(block, query);
  let n = 0;
  for (let j = start; j < stop; j += step) scores[n++] = score(block, theta, 0, phi, j * channels);
  // Under scope "space" phi ends with one copy of the off-grid keys for each temporal cell.
  const offGridStart = onGrid + (block.scope === "space" ? block.ownKey(query).t * offGrid.length : 0);
  for (let j = 0; j < offGrid.length; j++) scores[n++] = score(block, theta, 0, phi, (offGridStart + j) * channels);
  block.softmax ? softmax(scores) : divide(scores, keyCount);
  let mass = 0;
  for (let i = 0; i < n; i++) mass += Math.abs(scores[i]);
  n = 0;
  for (let j = start; j < stop; j += step) values[j] = scores[n++];
  for (let j = 0; j < offGrid.length; j++) offGrid[j] = scores[n++];
  return { direction: "row", grid, values, offGrid, mass, count: keyCount };
}

/** Who looks at a key cell: the weight that every query gives it. Columns do not sum to 1. */
export function columnOf(block, key) {
  const grid = block.query_grid;
  const values = new Float32Array(grid.frames * grid.rows * grid.cols);
  const theta = block.theta.all();
  const phi = block.phi;
  const { channels, keyCount, logNormaliser } = block;
  const at = indexOf(block.key_grid, key) * channels;
  const perFrame = grid.rows * grid.cols;
  let mass = 0;
  for (let t = 0; t < grid.frames; t++) {
    if (!timesMeet(block, t, key.t)) continue;
    for (let within = 0; within < perFrame; within++) {
      if (block.scope === "time" && !placesMeet(block, within, key)) continue;
      const i = t * perFrame + within;
      const raw = score(block, theta, i * channels, phi, at);
      const weight = block.softmax ? Math.exp(raw - logNormaliser[i]) : raw / keyCount;
      values[i] = weight;
      mass += Math.abs(weight);
    }
  }
  return { direction: "column", grid, values, offGrid: new Float32Array(0), mass, count: values.length };
}

/** The keys of the grid that a query may attend to, as start, stop and step of their indices. */
export function allowedKeys(block, query) {
  const { frames, rows, cols } = block.key_grid;
  const own = block.ownKey(query);
  const perFrame = rows * cols;
  if (block.scope === "space") return { start: own.t * perFrame, stop: (own.t + 1) * perFrame, step: 1 };
  const length = frames / block.temporal_groups;
  const first = groupOf(block, query.t) * length;
  if (block.scope === "time") {
    const place = own.y * cols + own.x;
    return { start: first * perFrame + place, stop: (first + length) * perFrame, step: perFrame };
  }
  return { start: first * perFrame, stop: (first + length) * perFrame, step: 1 };
}

/** Indices of the k largest absolute weights, largest first, ties in index order; `skip(index)` leaves cells out. */
export function topOf(values, k, skip = () => false) {
  const order = [];
  for (let i = 0; i < values.length; i++) {
    const weight = Math.abs(values[i]);
    if (weight === 0 || (order.length === k && weight <= Math.abs(values[order[k - 1]])) || skip(i)) continue;
    let place = Math.min(order.length, k - 1);
    while (place > 0 && Math.abs(values[order[place - 1]]) < weight) {
      order[place] = order[place - 1];
      place--;
    }
    order[place] = i;
  }
  return order;
}

/** Share of the mass in each temporal cell of the grid; zeros when there is no mass. */
export function sharesOf({ grid, values, mass }) {
  const perFrame = grid.rows * grid.cols;
  const shares = new Float64Array(grid.frames);
  if (mass === 0) return shares;
  for (let i = 0; i < values.length; i++) shares[(i / perFrame) | 0] += Math.abs(values[i]);
  return shares.map((share) => share / mass);
}

/** exp of the entropy of the absolute weights: over how many cells the answer is spread. */
export function spreadOf({ values, offGrid, mass }) {
  if (mass === 0) return 0;
  let entropy = 0;
  for (const table of [values, offGrid]) {
    for (let i = 0; i < table.length; i++) {
      const p = Math.abs(table[i]) / mass;
      if (p > 0) entropy -= p * Math.log(p);
    }
  }
  return Math.exp(entropy);
}

/** How many times an even share a weight is. */
export function timesEven({ mass, count }, weight) {
  return mass === 0 ? 0 : (Math.abs(weight) * count) / mass;
}

function score(block, theta, i, phi, j) {
  const { channels } = block;
  if (block.pairwise === "concatenation") return Math.max(theta[i] + phi[j], 0);
  // Four sums side by side: the additions do not wait for each other.
  let a = 0, b = 0, c = 0, d = 0, n = 0;
  for (; n + 3 < channels; n += 4) {
    a += theta[i + n] * phi[j + n];
    b += theta[i + n + 1] * phi[j + n + 1];
    c += theta[i + n + 2] * phi[j + n + 2];
    d += theta[i + n + 3] * phi[j + n + 3];
  }
  for (; n < channels; n++) a += theta[i + n] * phi[j + n];
  const product = a + b + (c + d);
  return block.softmax ? product * block.scale : product;
}

function softmax(scores) {
  let peak = -Infinity;
  for (const value of scores) if (value > peak) peak = value;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i] - peak);
  divide(scores, sum);
}

function divide(scores, by) {
  for (let i = 0; i < scores.length; i++) scores[i] /= by;
}

function groupOf(block, queryT) {
  return Math.floor(queryT / (block.query_grid.frames / block.temporal_groups));
}

function timesMeet(block, queryT, keyT) {
  if (block.scope === "space") return block.ownKey({ t: queryT, y: 0, x: 0 }).t === keyT;
  return groupOf(block, queryT) === Math.floor(keyT / (block.key_grid.frames / block.temporal_groups));
}

function placesMeet(block, within, key) {
  const { cols } = block.query_grid;
  const own = block.ownKey({ t: 0, y: Math.floor(within / cols), x: within % cols });
  return own.y === key.y && own.x === key.x;
}
