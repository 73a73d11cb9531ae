// Rows and columns of the affinity, from theta and phi: what nonlocal_core/capture/rows.py does, in the browser.
// An answer is { direction, grid, values, offGrid, mass, positive, even, count }: weights on a grid, the sum of their sizes and of
// the positive ones, and what an even answer would share out over `count` cells: the positive weight, or all sizes where none is.
//
// What an answer looks at is its positive weight: shares and ranks count that alone. Only a dot product has negative ones.

import { indexOf } from "./grid.js";

/**
 * Where a query cell looks: its weight on every key, exactly zero where scope or groups forbid it. Of a block whose askers
 * are its keys, who looks at the one that is asked (turning.py).
 */
export function rowOf(block, query) {
  if (block.heads) return meanOver(block.heads.map((head) => rowOf(head, query)));
  const { keyCount, key_grid: grid } = block;
  const onGrid = grid.frames * grid.rows * grid.cols;
  const scores = scratchOf(keyCount);
  const theta = block.theta.row(indexOf(block.query_grid, query));
  const { start, stop, step } = allowedKeys(block, query);
  const reached = Math.ceil((stop - start) / step);
  scoreInto(scores.subarray(0, reached), block, theta, block.phi, start, step);
  scoreInto(scores.subarray(reached), block, theta, block.phi, onGrid + offGridStart(block, query), 1);
  normalise(scores, block);
  const values = new Float32Array(onGrid);
  for (let n = 0; n < reached; n++) values[start + n * step] = scores[n];
  return { direction: block.askers_are_keys ? "column" : "row", grid, values, offGrid: Float32Array.from(scores.subarray(reached)), ...sumsOf(scores), count: keyCount };
}

let scratch = new Float64Array(0);

/** Room for the scores of one row, until the next row: at every move of the pointer it would be made anew. */
function scratchOf(count) {
  if (scratch.length < count) scratch = new Float64Array(count);
  return scratch.subarray(0, count);
}

const tempered = new WeakMap();

/** A block whose scores are divided by a temperature before the softmax: no longer what the network does. The last of each is kept. */
export function atTemperature(block, temperature) {
  if (temperature === 1 || !block.softmax || block.askers_are_keys) return block;
  const scale = block.scale / temperature;
  const heads = block.heads?.map((head) => atTemperature(head, temperature));
  if (tempered.get(block)?.scale !== scale) tempered.set(block, { ...block, scale, heads });
  return tempered.get(block);
}

/** Whether columns can be asked for: rows divided by their sum need those sums, which a bundle of very many positions leaves out. */
export function hasColumns({ softmax, matched, logNormaliser, heads }) {
  if (heads) return heads.every(hasColumns);
  return !(softmax || matched) || logNormaliser !== null;
}

/** Who looks at a key cell: the weight that every query gives it. Columns do not sum to 1. */
export function columnOf(block, key) {
  if (block.heads) return meanOver(block.heads.map((head) => columnOf(head, key)));
  const { keyCount, logNormaliser, channels, query_grid: grid } = block;
  const perFrame = grid.rows * grid.cols;
  const values = new Float32Array(grid.frames * perFrame);
  const at = indexOf(block.key_grid, key) * channels;
  const phi = block.phi.subarray(at, at + channels);
  const scores = new Float64Array(perFrame);
  for (let t = 0; t < grid.frames; t++) {
    if (!timesMeet(block, t, key.t)) continue;
    scoreInto(scores, block, phi, block.theta.all(), t * perFrame, 1);
    for (let within = 0; within < perFrame; within++) {
      if (block.scope === "time" && !placesMeet(block, within, key)) continue;
      const i = t * perFrame + within;
      if (block.softmax) values[i] = Math.exp(scores[within] - logNormaliser[i]);
      else if (block.matched) values[i] = scores[within] >= 0 ? Math.exp(-logNormaliser[i]) : 0;
      else values[i] = scores[within] / keyCount;
    }
  }
  return { direction: "column", grid, values, offGrid: new Float32Array(0), ...sumsOf(values), count: values.length };
}

/** The mean of the answers of a layer's heads. */
function meanOver(answers) {
  const mean = (name) => {
    const sum = new Float64Array(answers[0][name].length);
    for (const { [name]: table } of answers) for (let i = 0; i < sum.length; i++) sum[i] += table[i] / answers.length;
    return Float32Array.from(sum);
  };
  const [values, offGrid] = [mean("values"), mean("offGrid")];
  return { ...answers[0], values, offGrid, ...sumsOf([...values, ...offGrid]) };
}

/** The keys of the grid that a query may attend to, as start, stop and step of their indices. */
function allowedKeys(block, query) {
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

/** Under scope "space" every temporal cell has off-grid keys of its own, one set after the other. */
function offGridStart(block, query) {
  return block.scope === "space" ? block.ownKey(query).t * block.off_grid_keys.length : 0;
}

/** Indices of the k largest positive weights, largest first, ties in index order. */
export function topOf(values, k) {
  const order = [];
  for (let i = 0; i < values.length; i++) {
    const weight = values[i];
    if (weight <= 0 || (order.length === k && weight <= values[order[k - 1]])) continue;
    let place = Math.min(order.length, k - 1);
    while (place > 0 && values[order[place - 1]] < weight) {
      order[place] = order[place - 1];
      place--;
    }
    order[place] = i;
  }
  return order;
}

/** Share of the positive weight in each temporal cell of the grid; zeros when there is none. */
export function sharesOf({ grid, values, positive }) {
  const perFrame = grid.rows * grid.cols;
  const shares = new Float64Array(grid.frames);
  if (positive === 0) return shares;
  for (let i = 0; i < values.length; i++) if (values[i] > 0) shares[(i / perFrame) | 0] += values[i];
  return shares.map((share) => share / positive);
}

/** exp of the entropy of the positive weight: over how many cells the answer is spread. */
export function spreadOf({ values, offGrid, positive }) {
  if (positive === 0) return 0;
  let entropy = 0;
  for (const table of [values, offGrid]) {
    for (let i = 0; i < table.length; i++) {
      const p = table[i] / positive;
      if (p > 0) entropy -= p * Math.log(p);
    }
  }
  return Math.exp(entropy);
}

/** How many times an even share a weight is. */
export function timesEven(answer, weight) {
  return Math.abs(weight) * unitOf(answer);
}

/** Times an even share per affinity unit; 0 where all weights are zero. */
export function unitOf({ even, count }) {
  return even > 0 ? count / even : 0;
}

let products = plainProducts;

/** Multiply by a quicker way from now on: a function as plainProducts is one. */
export function multiplyBy(quicker) {
  products = quicker;
}

/** f before normalisation, between one embedding and every `step`-th row of a table from `first` on. */
function scoreInto(scores, { pairwise, softmax: scaled, channels, scale }, vector, table, first, step) {
  if (pairwise === "concatenation") {
    for (let n = 0; n < scores.length; n++) scores[n] = Math.max(vector[0] + table[first + n * step], 0);
    return;
  }
  products(scores, { vector, table, channels, first, step, scale: scaled ? scale : 1 });
}

/** Write scale * (vector . row), of the rows `first`, `first + step`, ... of a table of so many channels, into scores. */
export function plainProducts(scores, { vector, table, channels, first, step, scale }) {
  const stride = step * channels;
  let n = 0;
  // Four rows side by side: their additions do not wait for each other, and the vector is read once for all.
  for (let row = first * channels; n + 3 < scores.length; n += 4, row += 4 * stride) {
    const second = row + stride;
    const third = second + stride;
    const fourth = third + stride;
    let a = 0, b = 0, c = 0, d = 0;
    for (let k = 0; k < channels; k++) {
      const value = vector[k];
      a += value * table[row + k];
      b += value * table[second + k];
      c += value * table[third + k];
      d += value * table[fourth + k];
    }
    scores[n] = a * scale;
    scores[n + 1] = b * scale;
    scores[n + 2] = c * scale;
    scores[n + 3] = d * scale;
  }
  for (; n < scores.length; n++) {
    const row = (first + n * step) * channels;
    let sum = 0;
    for (let k = 0; k < channels; k++) sum += vector[k] * table[row + k];
    scores[n] = sum * scale;
  }
}

function sumsOf(weights) {
  let [mass, positive] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    mass += Math.abs(weights[i]);
    if (weights[i] > 0) positive += weights[i];
  }
  return { mass, positive, even: positive || mass };
}

/** Turn the scores of a row into its weights. A matching is all or nothing, and exact: its scores are whole numbers. */
function normalise(scores, { softmax: isSoftmax, matched, keyCount, askers_are_keys: isTurned }) {
  if (isTurned) return scores.forEach((score, n) => { scores[n] = Math.exp(score); });
  if (isSoftmax) return softmax(scores);
  if (!matched) return divide(scores, keyCount);
  let count = 0;
  for (let i = 0; i < scores.length; i++) count += scores[i] = scores[i] >= 0 ? 1 : 0;
  divide(scores, Math.max(count, 1));
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
