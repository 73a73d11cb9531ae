// Heat of one answer: from times an even share to tones. What nonlocal_core/look/heat.py does, with its constants (`recipe`).

import { unitOf } from "./affinity.js";

const CURVES = { log: Math.log, root: (times) => Math.sqrt(times) - 1, linear: (times) => times - 1 };

/**
 * The heat of an answer as `state` draws it: { unit, tops, highests, beyond, largest, flat, least, curve, negatives }.
 * `unit` is times an even share per affinity unit, `tops[t]` what has the full colour in temporal cell t, `highests[t]` the
 * largest there, `beyond` the largest above its top, `least` what a cell must have to be drawn. `top` is one scale for several answers, null for its own.
 */
export function heatOf(answer, own, { scale, curve, threshold, negatives }, recipe, top = null) {
  const { grid, values } = answer;
  const unit = unitOf(answer);
  const perFrame = grid.rows * grid.cols;
  const [elsewhere, anywhere] = [new Float64Array(grid.frames), new Float64Array(grid.frames)];
  for (let t = 0, i = 0; t < grid.frames; t++) {
    const mayBeOwn = own.steps(t);
    for (const stop = i + perFrame; i < stop; i++) {
      const size = negatives ? Math.abs(values[i]) : values[i];
      if (size > anywhere[t]) anywhere[t] = size;
      if (size > elsewhere[t] && !(mayBeOwn && own.near(i))) elsewhere[t] = size;
    }
  }
  const counted = elsewhere.some((size) => size > 0) ? elsewhere : anywhere;
  const highest = Math.max(...counted) * unit;
  const tops = Array.from(counted, (size) => Math.max(top ?? (scale === "each" ? size * unit : highest), recipe.least_top[scale]));
  const largest = Math.max(...anywhere) * unit;
  const highests = Array.from(anywhere, (size) => size * unit);
  return {
    unit, tops, highests, beyond: beyondOf(highests, tops), largest, flat: largest > 0 && largest < recipe.nearly_even,
    least: Math.max(recipe.even, threshold), curve: CURVES[curve], negatives,
  };
}

/** The heat of several pins on one scale; only positive weight is drawn of them. */
export function togetherOf(heats) {
  const tops = heats[0].tops.map((_, t) => Math.max(...heats.map((heat) => heat.tops[t])));
  return heats.map((heat) => ({ ...heat, tops, beyond: beyondOf(heat.highests, tops) }));
}

function beyondOf(highests, tops) {
  return Math.max(...highests.map((size, t) => (size > tops[t] ? size : 0)));
}

/** The tone of a size in times an even share, 0 for an even share and less, 1 from `top` on. */
export function toneOf({ curve }, times, top) {
  return curve(Math.min(Math.max(times, 1), top)) / curve(top);
}

/** Whether a size in times an even share is drawn. */
export function shows({ least }, times) {
  return times >= least;
}

/** [tone, times an even share] of the round numbers on a colour bar; `parts` of it are as long as the whole. */
export function ticksOf(heat, top, recipe, parts = 1) {
  const found = [];
  for (const times of recipe.ticks) {
    const tone = toneOf(heat, times, top);
    if (times <= top && (found.length === 0 || tone - found.at(-1)[0] >= recipe.ticks_apart * parts)) found.push([tone, times]);
  }
  return found;
}

/**
 * Indices of the strongest peaks beyond the asked place, the strongest first: in other frames where they have any. A peak
 * outweighs its eight neighbours. Negative weight is no look and has none, but of a difference: there it is what B looks at more.
 */
export function peaksOf({ grid, values, surplus }, own, heat, count, recipe) {
  const perFrame = grid.rows * grid.cols;
  const least = Math.max(heat.least, recipe.arrow_least);
  const sizeOf = (i) => (surplus ? Math.abs(values[i]) : values[i]);
  const beyond = [];
  const beside = [];
  for (let i = 0; i < values.length; i++) {
    if (sizeOf(i) * heat.unit < least || !isPeak(sizeOf, grid, i)) continue;
    if (!own.steps((i / perFrame) | 0)) beyond.push(i);
    else if (!own.near(i)) beside.push(i);
  }
  const found = beyond.length ? beyond : beside;
  return found.sort((a, b) => sizeOf(b) - sizeOf(a) || a - b).slice(0, count);
}

function isPeak(sizeOf, { rows, cols }, index) {
  const within = index % (rows * cols);
  const [y, x] = [(within / cols) | 0, within % cols];
  for (let dy = y > 0 ? -1 : 0; dy <= (y < rows - 1 ? 1 : 0); dy++) {
    for (let dx = x > 0 ? -1 : 0; dx <= (x < cols - 1 ? 1 : 0); dx++) {
      if (sizeOf(index + dy * cols + dx) > sizeOf(index)) return false;
    }
  }
  return true;
}

/** Heights in 0..1 of bars on one true scale, and which of them is cut since it dwarfs the others, -1 for none. */
export function barHeights(shares, { dwarfed, second: seconds }) {
  const largest = shares.reduce((best, share, i) => (share > shares[best] ? i : best), 0);
  const top = shares[largest] ?? 0;
  const second = shares.reduce((most, share, i) => (i !== largest && share > most ? share : most), 0);
  if (second > 0 && top > dwarfed * second) {
    return { heights: Array.from(shares, (share, i) => (i === largest ? 1 : (share * seconds) / second)), cut: largest };
  }
  return { heights: Array.from(shares, (share) => (top > 0 ? share / top : 0)), cut: -1 };
}
