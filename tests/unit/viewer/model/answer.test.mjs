// An answer with what follows from it, asked again only when the question changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { askBlock, insideWalls, strongestElsewhere, strongestOf } from "../../../../nonlocal_core/viewer/model/answer.js";
import { blockOf, grid } from "../records.mjs";

/** A dot product of one channel whose keys weigh what `phi` says, for every query. */
function weighing(phi, where = grid(3, 1, 2)) {
  const theta = { row: () => Float32Array.of(1), all: () => new Float32Array(phi.length).fill(1) };
  return blockOf(where, [1, 1, 1], { pairwise: "dot_product", channels: 1, keyCount: phi.length, off_grid_keys: [], theta, phi: Float32Array.from(phi) });
}

test("the same question to the same block is not computed again, another one is", () => {
  const block = weighing([1, 2, 3, 4, 5, 6]);
  const first = askBlock(block, "row", { at: { frame: 1, x: 0.1, y: 0.5 } });
  assert.equal(askBlock(block, "row", { at: { frame: 1, x: 0.4, y: 0.9 } }, first), first, "another point of the same cell");
  assert.equal(askBlock(block, "row", { at: { frame: 1, x: 0.6, y: 0.5 } }, first).index, 3);
  assert.notEqual(askBlock(weighing([1, 2, 3, 4, 5, 6]), "row", { at: { frame: 1, x: 0.1, y: 0.5 } }, first), first);
  assert.equal(askBlock(block, "column", { at: { frame: 1, x: 0.1, y: 0.5 } }, first).answer.direction, "column");
});

test("what lies inside of a window has weight, and only blocks with windows have walls", () => {
  const block = weighing([0, 0, 3, 0, 4e-38, -5], grid(1, 2, 3));
  const { answer } = askBlock(block, "row", { at: { frame: 0, x: 0.1, y: 0.3 } });
  assert.deepEqual(insideWalls([{ block: { ...block, walled: 1 }, answer }], 0), [[{ t: 0, y: 0, x: 2 }, { t: 0, y: 1, x: 2 }]]);
  assert.deepEqual(insideWalls([{ block, answer }], 0), []);
  assert.deepEqual(insideWalls([{ block: { ...block, walled: 1 }, answer }], -1), []);
});

test("the strongest frame is another than the asked one, and positive weight alone makes it so", () => {
  const strongest = (phi) => strongestOf(askBlock(weighing(phi), "row", { at: { frame: 1, x: 0.1, y: 0.5 } }));
  assert.equal(strongest([1, 1, 9, 9, 3, 3]), 2);
  assert.equal(strongest([1, 1, 9, 9, -8, -8]), 0);
  assert.equal(strongest([0, 0, 9, 9, 0, -1]), 1, "nothing but the own frame has any");
});

test("the strongest cell elsewhere is not the asked one", () => {
  const strongest = (phi) => strongestElsewhere(askBlock(weighing(phi), "row", { at: { frame: 1, x: 0.1, y: 0.5 } }));
  assert.deepEqual([strongest([1, 1, 9, 5, 3, 3]), strongest([0, 0, 9, 0, 0, -1])], [3, -1]);
});

test("an even share is of positive weight, and of all sizes where none is positive", () => {
  const even = (phi) => askBlock(weighing(phi), "row", { at: { frame: 0, x: 0.1, y: 0.5 } }).answer.even;
  assert.deepEqual([even([6, -60, 12, 0, -6, 0]), even([-6, -60, 0, 0, 0, 0]), even([0, 0, 0, 0, 0, 0])], [3, 11, 0]);
});

test("several cells are answered by the mean of their rows, less the mean of those that are taken away", () => {
  const theta = Float32Array.of(1, 2, 4, 8, 16, 32);
  const block = { ...weighing([1, 2, 3, 4, 5, 6]), theta: { row: (index) => theta.subarray(index, index + 1), all: () => theta } };
  const at = (frame, x) => ({ frame, x, y: 0.5 });
  const ask = (question) => askBlock(block, "row", question);
  const single = [at(0, 0.1), at(1, 0.9), at(2, 0.9)].map((point) => ask({ at: point }).answer);
  const mean = ask({ at: at(0, 0.1), also: [at(1, 0.9), at(2, 0.9)] });
  mean.answer.values.forEach((value, i) => assert.ok(Math.abs(value - (single[0].values[i] + single[1].values[i] + single[2].values[i]) / 3) < 1e-6));
  assert.ok(Math.abs(mean.answer.mass - (single[0].mass + single[1].mass + single[2].mass) / 3) < 1e-5);
  assert.deepEqual([0, 1, 2].filter(mean.own.steps), [0, 1, 2]);
  const surplus = ask({ at: at(2, 0.9), minus: [at(0, 0.1)] });
  surplus.answer.values.forEach((value, i) => assert.ok(Math.abs(value - (single[2].values[i] - single[0].values[i])) < 1e-6));
  assert.deepEqual([surplus.answer.surplus, surplus.answer.even], [true, single[2].even], "an even share stays that of the asked cells");
  assert.equal(askBlock(block, "row", { at: at(2, 0.8), also: [], minus: [at(0, 0.2)] }, surplus), surplus, "the same cells");
  const signed = { ...block, phi: Float32Array.of(1, -2, 3, -4, 5, -6) };
  const [more, less] = [at(2, 0.9), at(0, 0.1)].map((point) => askBlock(signed, "row", { at: point }).answer.values);
  const compared = askBlock(signed, "row", { at: at(2, 0.9), minus: [at(0, 0.1)] }).answer.values;
  compared.forEach((value, i) => assert.ok(Math.abs(value - Math.max(more[i], 0) + Math.max(less[i], 0)) < 1e-6));
  assert.notEqual(askBlock(block, "row", { at: at(2, 0.8), also: [], minus: [] }, surplus), surplus);
});
