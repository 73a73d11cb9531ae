// What one answer says in numbers, and how much two answers agree: what nonlocal_core/measures/row_figures.py does, in the browser.

import { spreadOf, timesEven, topOf } from "./affinity.js";

/** How many of the strongest cells of two answers are compared. */
const TOP_CELLS = 20;

/** Below this, two shares of weight are alike: sums of float32 over all cells differ by less where their tables do not. */
const SHARE_ROUNDING = 1e-5;

/**
 * The figures of an answer to `cell` of the grid `asked`, all from positive weight:
 *   spread    over how many cells it is spread, exp of its entropy
 *   ownCell   share that stays on the asked cell
 *   ownFrame  share that stays in the asked temporal cell
 *   distance  mean distance in the picture, in units of the frame's diagonal
 *   seconds   mean distance in time
 *   times     how many times an even share its strongest cell is
 * Keys that are no position count for the first two and are nowhere for the distances. NaN where all weights are zero.
 */
export function figuresOf({ answer, asked, cell, own, shares }, media) {
  if (answer.positive === 0) return { spread: NaN, ownCell: NaN, ownFrame: NaN, distance: NaN, seconds: NaN, times: NaN };
  const { grid } = answer;
  const placed = shares.reduce((sum, share) => sum + share, 0);
  const moments = momentsOf(grid, media.pts_seconds);
  const now = momentsOf(asked, media.pts_seconds)[cell.t];
  const seconds = shares.reduce((sum, share, t) => sum + share * Math.abs(moments[t] - now), 0) / placed;
  const peak = answer.values.reduce((most, weight) => Math.max(most, weight), 0);
  return { spread: spreadOf(answer), ownCell: own.cellShare, ownFrame: own.stepShare, distance: distanceOf(answer, asked, cell, media.shown_hw), seconds, times: timesEven(answer, peak) };
}

/** The share of their strongest cells that two answers on one grid have in common; cells of no weight are not strong. */
export function overlapOf(first, second) {
  const cells = new Set(topOf(first.values, TOP_CELLS));
  const others = topOf(second.values, TOP_CELLS);
  const most = Math.max(cells.size, others.length);
  return most === 0 ? NaN : others.filter((index) => cells.has(index)).length / most;
}

/** Whether two grids have the same cells: only then can weights be set against each other. */
export function sameGrid(a, b) {
  return ["frames", "rows", "cols"].every((side) => a[side] === b[side])
    && a.box.every((edge, i) => edge === b.box[i])
    && a.frame_spans.every(([start, stop], t) => start === b.frame_spans[t][0] && stop === b.frame_spans[t][1]);
}

/**
 * What `first` draws less what `second` draws, both { answer, heat } on one grid: in times an even share of each, as an answer
 * whose unit that is.
 */
export function differenceOf(first, second) {
  const { direction, grid } = first.answer;
  const values = first.answer.values.map((_, i) => drawnOf(first, i) - drawnOf(second, i));
  const sum = (size) => values.reduce((total, value) => total + size(value), 0);
  return {
    direction, grid, values, offGrid: new Float32Array(0), mass: sum(Math.abs), positive: sum((value) => Math.max(value, 0)),
    even: values.length, count: values.length,
  };
}

/** What each temporal cell gets more in one answer than in another; of two that are alike, what rounding leaves is 0. */
export function shareDifferences(first, second) {
  return first.map((share, t) => (Math.abs(share - second[t]) < SHARE_ROUNDING ? 0 : share - second[t]));
}

function drawnOf({ answer: { values }, heat: { unit, negatives } }, i) {
  return (negatives ? values[i] : Math.max(values[i], 0)) * unit;
}

/** Mean over the weight of the distance from the middle of the asked cell to that of each answering one. */
function distanceOf({ grid, values }, asked, cell, [height, width]) {
  const from = centresOf(asked);
  const to = centresOf(grid);
  const diagonal = Math.hypot(height, width);
  const perFrame = grid.rows * grid.cols;
  const places = new Float64Array(perFrame);
  for (let i = 0; i < values.length; i++) places[i % perFrame] += Math.max(values[i], 0);
  let [sum, mass] = [0, 0];
  for (let place = 0; place < perFrame; place++) {
    const dx = (to.x[place % grid.cols] - from.x[cell.x]) * width;
    const dy = (to.y[(place / grid.cols) | 0] - from.y[cell.y]) * height;
    sum += places[place] * Math.sqrt(dx * dx + dy * dy);
    mass += places[place];
  }
  return sum / mass / diagonal;
}

function centresOf({ rows, cols, box: [x0, y0, x1, y1] }) {
  const middles = (count, start, stop) => Array.from({ length: count }, (_, i) => start + ((i + 0.5) * (stop - start)) / count);
  return { x: middles(cols, x0, x1), y: middles(rows, y0, y1) };
}

/** When each temporal cell is: the mean of its frames' times. */
function momentsOf({ frame_spans: spans }, seconds) {
  return spans.map(([start, stop]) => seconds.slice(start, stop).reduce((sum, second) => sum + second, 0) / (stop - start));
}
