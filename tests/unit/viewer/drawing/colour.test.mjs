// The colour map, and weights in it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PALETTE, STEPS, colourise } from "../../../../nonlocal_core/viewer/drawing/colour.js";
import { grid } from "../records.mjs";

test("zero is transparent, more is lighter, and both signs have their own colours", () => {
  const lightness = (word) => 0.2126 * (word & 255) + 0.7152 * ((word >> 8) & 255) + 0.0722 * ((word >> 16) & 255);
  const alpha = (word) => word >>> 24;
  for (const half of [0, STEPS]) {
    assert.equal(alpha(PALETTE[half]), 0);
    for (let step = 1; step < STEPS; step++) {
      assert.ok(lightness(PALETTE[half + step]) >= lightness(PALETTE[half + step - 1]) - 0.8, `step ${step}`);
      assert.ok(alpha(PALETTE[half + step]) >= alpha(PALETTE[half + step - 1]));
    }
  }
  const top = (half) => PALETTE[half + 128];
  assert.ok((top(0) & 255) > ((top(0) >> 16) & 255), "warm is red");
  assert.ok((top(STEPS) & 255) < ((top(STEPS) >> 16) & 255), "cold is blue");
});

test("colour follows value, sign and the scale of its own temporal cell", () => {
  const words = new Uint32Array(6);
  colourise(Float32Array.from([0, 1, -1, 0.5, 2, 9]), grid(2, 1, 3), [1, 2], 0, words);
  assert.equal(words[0] >>> 24, 0);
  assert.equal(words[1], PALETTE[STEPS - 1]);
  assert.equal(words[2], PALETTE[2 * STEPS - 1]);
  assert.equal(words[3], PALETTE[64]);
  assert.deepEqual([words[4], words[5]], [PALETTE[STEPS - 1], PALETTE[STEPS - 1]]);
  colourise(Float32Array.from([0, 1, 2, 0, 0, 0]), grid(2, 1, 3), [0, 0], 0.5, words);
  assert.ok(words.every((word) => word >>> 24 === 0), "a scale of zero paints nothing");
});
