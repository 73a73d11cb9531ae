// The strongest cells; rows and columns are compared with NumPy by test_viewer_model.py.

import assert from "node:assert/strict";
import { test } from "node:test";
import { topOf } from "../../../../nonlocal_core/viewer/model/affinity.js";

test("top cells come largest first, ties in order, zeros and negative ones never", () => {
  assert.deepEqual(topOf(Float32Array.from([1, 3, -3, 0, 2, 3]), 3), [1, 5, 4]);
  assert.deepEqual(topOf(Float32Array.from([1, 3, -3, 0, 2, 3]), 9), [1, 5, 4, 0]);
});
