// Bundles of what a network in the page made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { liveBundle } from "../../../../nonlocal_core/viewer/model/live.js";

const facts = { name: "one", pairwise: "dot_product", scope: "spacetime", temporal_groups: 1, subsample: [1, 1, 1], off_grid_keys: [], scale: 1 };

test("the tables of a bundle are those that the worker sent, not copies of them", () => {
  const table = (rows) => ({ values: Float32Array.from({ length: 2 * rows }, (_, i) => i), rows });
  const tables = new Map([["theta:one", table(6)], ["phi:one", table(6)]]);
  const { blocks: [block] } = liveBundle({ id: "", media: {}, frames: [{}], view: {}, network: { blocks: [facts] }, look: {}, tables, inputHw: [16, 24] });
  assert.equal(block.phi.buffer, tables.get("phi:one").values.buffer);
  assert.deepEqual([...block.theta.row(2)], [4, 5]);
  assert.equal(block.theta.row(2).buffer, tables.get("theta:one").values.buffer);
});
