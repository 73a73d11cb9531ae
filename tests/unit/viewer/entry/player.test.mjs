// How long a frame stays while a clip plays.

import assert from "node:assert/strict";
import { test } from "node:test";
import { durationOf } from "../../../../nonlocal_core/viewer/entry/player.js";

test("a frame stays as long as in the clip, the last one as the median, none too short to be seen", () => {
  const seconds = [0, 0.5, 0.6, 1.6, 1.61];
  assert.deepEqual([0, 1, 2, 3, 4].map((frame) => Math.round(durationOf(seconds, frame))), [500, 100, 1000, 40, 100]);
});
