// The choice of frames and the size of the input, as Python makes them (test_selection.py, test_network_input.py).

import assert from "node:assert/strict";
import { test } from "node:test";

import { inputOf, scaled } from "../../../../nonlocal_core/viewer/model/scaling.js";
import { chosenOf, evenMoments } from "../../../../nonlocal_core/viewer/model/selection.js";

test("frames are those on screen at moments spread evenly, none twice", () => {
  assert.deepEqual(chosenOf(3, [0, 0.5, 1, 1.5]), [0, 1, 3]);
  assert.deepEqual(chosenOf(8, [0, 0.1]), [0, 1]);
  assert.deepEqual(chosenOf(4, [0, 3, 3.1, 3.2]), [0, 3]);
  assert.deepEqual(evenMoments(1, 9), [0]);
});

test("an input has whole cells on both sides", () => {
  const input = { short_side: 256, multiple_of: 16, max_long_side: 1024 };
  assert.deepEqual(inputOf([720, 1280], input), [256, 448]);
  assert.deepEqual(inputOf([100, 9000], input), [16, 1024]);
});

test("a plain frame keeps its colour at any size, and transparency counts for nothing", () => {
  const frame = Uint8Array.from({ length: 5 * 7 * 4 }, (_, i) => [200, 30, 90, i % 256][i % 4]);
  for (const size of [[3, 4], [11, 13], [5, 7]]) {
    const out = scaled(frame, [5, 7], size);
    assert.equal(out.length, size[0] * size[1] * 3);
    assert.ok(out.every((value, i) => value === [200, 30, 90][i % 3]));
  }
});
