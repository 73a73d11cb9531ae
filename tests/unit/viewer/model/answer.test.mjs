// An answer with what follows from it, asked again only when the question changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { askBlock, strongestElsewhere, strongestOf } from "../../../../nonlocal_core/viewer/model/answer.js";
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

test("the strongest frame is another than the asked one, and positive weight alone makes it so", () => {
  const strongest = (phi) => strongestOf(askBlock(weighing(phi), "row", { frame: 1, x: 0.1, y: 0.5 }));
  assert.equal(strongest([1, 1, 9, 9, 3, 3]), 2);
  assert.equal(strongest([1, 1, 9, 9, -8, -8]), 0);
  assert.equal(strongest([0, 0, 9, 9, 0, -1]), 1, "nothing but the own frame has any");
});

test("the strongest cell elsewhere is not the asked one", () => {
  const strongest = (phi) => strongestElsewhere(askBlock(weighing(phi), "row", { frame: 1, x: 0.1, y: 0.5 }));
  assert.deepEqual([strongest([1, 1, 9, 5, 3, 3]), strongest([0, 0, 9, 0, 0, -1])], [3, -1]);
});
