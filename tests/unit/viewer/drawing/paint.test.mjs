// Smoothed weights.

import assert from "node:assert/strict";
import { test } from "node:test";
import { upsample } from "../../../../nonlocal_core/viewer/drawing/paint.js";

test("smoothing keeps the weight in the middle of each cell and never leaves their range", () => {
  const values = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => (i * 7) % 11);
  const fine = upsample(values, { frames: 2, rows: 3, cols: 4 }, 5);
  assert.equal(fine.length, 2 * 15 * 20);
  for (let t = 0; t < 2; t++) for (let y = 0; y < 3; y++) for (let x = 0; x < 4; x++) {
    assert.equal(fine[(t * 15 + 5 * y + 2) * 20 + 5 * x + 2], values[(t * 3 + y) * 4 + x]);
  }
  assert.ok(Math.max(...fine) === 10 && Math.min(...fine) === 0);
});
