// An answer with what follows from it, asked again only when the question changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { askBlock, leavesOut, strongestOf } from "../../../../nonlocal_core/viewer/model/answer.js";
import { blockOf, grid } from "../records.mjs";

/** A dot product of one channel whose keys weigh what `phi` says, for every query. */
function weighing(phi, where = grid(3, 1, 2)) {
  const theta = { row: () => Float32Array.of(1), all: () => new Float32Array(phi.length).fill(1) };
  return blockOf(where, [1, 1, 1], { pairwise: "dot_product", channels: 1, keyCount: phi.length, off_grid_keys: [], theta, phi: Float32Array.from(phi) });
}

test("the same question to the same block is not computed again, another one is", () => {
  const block = weighing([1, 2, 3, 4, 5, 6]);
  const first = askBlock(block, "row", { frame: 1, x: 0.1, y: 0.5 });
  assert.equal(askBlock(block, "row", { frame: 1, x: 0.4, y: 0.9 }, first), first, "another point of the same cell");
  assert.equal(askBlock(block, "row", { frame: 1, x: 0.6, y: 0.5 }, first).index, 3);
  assert.notEqual(askBlock(weighing([1, 2, 3, 4, 5, 6]), "row", { frame: 1, x: 0.1, y: 0.5 }, first), first);
  assert.equal(askBlock(block, "column", { frame: 1, x: 0.1, y: 0.5 }, first).answer.direction, "column");
});

test("the strongest frame is not the own one where the scale leaves that out", () => {
  const answered = askBlock(weighing([1, 1, 9, 9, 3, 3]), "row", { frame: 1, x: 0.1, y: 0.5 });
  assert.deepEqual(["others", "all"].map((scale) => strongestOf(answered, scale)), [2, 1]);
  assert.deepEqual([0, 1, 2].map((t) => leavesOut(answered, "others", t)), [false, true, false]);
  const alone = askBlock(weighing([0, 0, 9, 9, 0, 0]), "row", { frame: 1, x: 0.1, y: 0.5 });
  assert.equal(strongestOf(alone, "others"), 1, "nothing but the own frame has weight");
});
