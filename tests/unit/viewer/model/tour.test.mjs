// Stops of a tour in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { stopWords } from "../../../../nonlocal_core/viewer/model/tour.js";
import { act, bundleOf } from "../records.mjs";

test("a stop says where it asks from; one at a block of another network says nothing of that", () => {
  const bundle = bundleOf();
  const stop = { frame: 3, x: 0.99, y: 0.01, caption: "", block: "a", direction: "column" };
  assert.equal(stopWords(bundle, stop, 1), "frame 4 · row 1, column 8 · A · who looks here");
  assert.equal(stopWords(bundle, { ...stop, block: "elsewhere", direction: "row" }, 1), "frame 4 · row 1, column 8");
  assert.equal(act(bundle, { ...startState(bundle), tour: [{ ...stop, block: "elsewhere" }] }, { type: "tour", stop: 0 }).block, 1);
});
