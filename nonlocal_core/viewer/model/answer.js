// The answer to a question, with what follows from it: computed only when the question changed.

import { askedBy } from "./askers.js";
import { atTemperature, columnOf, rowOf, sharesOf } from "./affinity.js";
import { indexOf, nearestCell } from "./grid.js";
import { ownOf } from "./own.js";

/** Answers to single cells that are kept of each block: more than a question may have, for a brush adds a few cells to many. */
const MOST_KEPT = 512;
/** Weight below which a cell lies outside of a window: masks inside sequences leave about exp(-100). */
const NO_WEIGHT = 1e-30;
const kept = new WeakMap();

/**
 * Ask a block a question { at, also, minus, temperature, asker } of its clip: { block, asked, cell, cells, taken, temperature, index,
 * answer, own, shares }. `asked` is the grid that the cells lie on, `cell` the first one; `taken` are those whose mean is taken
 * away; `temperature` is 1 where the block or the direction has none. `last` is what was returned before; the same object
 * comes back when it answers this question too.
 */
export function askBlock(captured, direction, { at, also = [], minus = [], temperature: wanted = 1, asker = null }, last) {
  const block = askedBy(captured, { asker });
  const tempered = direction === "row" ? atTemperature(block, wanted) : block;
  const temperature = tempered === block ? 1 : wanted;
  const asked = direction === "row" ? block.query_grid : block.key_grid;
  const [cells, taken] = [[at, ...also], minus].map((points) => points.map((point) => nearestCell(asked, point)));
  const [plus, less] = [cells, taken].map((some) => some.map((cell) => indexOf(asked, cell)));
  const name = `${direction}: ${plus} less ${less} at ${temperature}`;
  if (last && last.name === name && last.block === block) return last;
  const [cell] = cells;
  const single = (some) => some.map((one) => singleAnswer(tempered, direction, asked, one));
  const answer = plus.length + less.length === 1 ? single(cells)[0] : combined(single(cells), single(taken));
  return { block, asked, cell, cells, taken, temperature, name, index: plus[0], answer, own: ownOf(block, answer, block.asker ? [] : cells), shares: sharesOf(answer) };
}

function singleAnswer(block, direction, asked, cell) {
  if (!kept.has(block)) kept.set(block, new Map());
  const answers = kept.get(block);
  const key = `${direction} ${indexOf(asked, cell)}`;
  const found = answers.get(key) ?? (direction === "row" ? rowOf(block, cell) : columnOf(block, cell));
  answers.delete(key);
  answers.set(key, found);
  if (answers.size > MOST_KEPT) answers.delete(answers.keys().next().value);
  return found;
}

/** The mean of answers, less the mean of others, of what either looks at: its positive part. Its even share stays that of the first: what is left is a surplus. */
function combined(plus, minus) {
  const [first] = plus;
  const parts = { values: meanOf(plus, "values"), offGrid: meanOf(plus, "offGrid") };
  const even = plus.length === 1 ? first.even : positiveOf(parts) || massOf(parts);
  if (minus.length) {
    for (const [name, table] of Object.entries(parts)) {
      const less = meanOf(minus, name);
      for (let i = 0; i < table.length; i++) table[i] = Math.max(table[i], 0) - Math.max(less[i], 0);
    }
  }
  const tables = { values: Float32Array.from(parts.values), offGrid: Float32Array.from(parts.offGrid) };
  return { ...first, ...tables, mass: massOf(parts), positive: positiveOf(parts), even, surplus: minus.length > 0 };
}

function massOf({ values, offGrid }) {
  return sumOf(values, Math.abs) + sumOf(offGrid, Math.abs);
}

function positiveOf({ values, offGrid }) {
  const size = (weight) => Math.max(weight, 0);
  return sumOf(values, size) + sumOf(offGrid, size);
}

function meanOf(answers, part) {
  const sum = new Float64Array(answers[0][part].length);
  for (const { [part]: table } of answers) for (let i = 0; i < sum.length; i++) sum[i] += table[i];
  for (let i = 0; i < sum.length; i++) sum[i] /= answers.length;
  return sum;
}

function sumOf(table, size) {
  let sum = 0;
  for (let i = 0; i < table.length; i++) sum += size(table[i]);
  return sum;
}

/** The temporal cell that gets most beyond the asked one, or that one where no other has any. */
export function strongestOf({ shares, own }) {
  let best = -1;
  shares.forEach((share, t) => {
    if (!own.steps(t) && share > 0 && (best < 0 || share > shares[best])) best = t;
  });
  return best < 0 ? Math.max(shares.findIndex((_, t) => own.steps(t)), 0) : best;
}

/** The cells of a temporal cell that lie within the wall of the asked window, for each answer of a block that has windows. */
export function insideWalls(answered, t) {
  if (t < 0) return [];
  return answered.filter(({ block }) => block.walled).map(({ answer: { grid, values } }) => {
    const start = t * grid.rows * grid.cols;
    return Array.from({ length: grid.rows * grid.cols }, (_, n) => n)
      .filter((n) => Math.abs(values[start + n]) > NO_WEIGHT)
      .map((n) => ({ t, y: Math.floor(n / grid.cols), x: n % grid.cols }));
  });
}

/** The strongest cell that is not over the asked one, -1 for none. */
export function strongestElsewhere({ answer: { values }, own }) {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (values[i] > 0 && (best < 0 || values[i] > values[best]) && !own.is(i)) best = i;
  return best;
}
