// Rows of one question, from tables that two engines made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { liveBundle } from "../../../../nonlocal_core/viewer/model/live.js";
import { rowApart } from "../../../../nonlocal_core/viewer/model/rows_apart.js";

const facts = { name: "one", pairwise: "dot_product", scope: "spacetime", temporal_groups: 1, subsample: [1, 1, 1], off_grid_keys: [], scale: 1 };
const CELL = { t: 0, y: 0, x: 1 };

/** The only block of a clip of one frame of 1 x 3 cells, with these scores of the second cell: its theta is 1. */
function blockOf(scores) {
  const theta = { values: Float32Array.from([5, 1, 7]), rows: 3 };
  const tables = new Map([["theta:one", theta], ["phi:one", { values: Float32Array.from(scores), rows: 3 }]]);
  return liveBundle({ id: "", media: {}, frames: [{}], view: {}, network: { blocks: [facts] }, look: {}, tables, inputHw: [8, 24] }).blocks[0];
}

test("two rows are as far apart as their largest difference, in parts of the largest weight, whatever its sign", () => {
  assert.equal(rowApart(blockOf([1, -4, 2]), blockOf([1, -4, 2]), CELL), 0);
  assert.ok(Math.abs(rowApart(blockOf([1, -4, 2]), blockOf([1, -4, 3]), CELL) - 1 / 4) < 1e-6);
});

test("two rows of zeros are the same, and one that is no number is never near", () => {
  assert.equal(rowApart(blockOf([0, 0, 0]), blockOf([0, 0, 0]), CELL), 0);
  assert.ok(Number.isNaN(rowApart(blockOf([1, 2, 3]), blockOf([1, NaN, 3]), CELL)));
});
