// Stops of a tour in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { stopWords } from "../../../../nonlocal_core/viewer/model/tour.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

test("a stop says where it asks from; one at a block of another network says nothing of that", () => {
  const bundle = bundleOf();
  const stop = { frame: 3, x: 0.99, y: 0.01, caption: "", block: "a", direction: "column" };
  assert.equal(stopWords(bundle, stop, 1), "frame 4 · row 1, column 8 · A · who looks here");
  assert.equal(stopWords(bundle, { ...stop, block: "elsewhere", direction: "row" }, 1), "frame 4 · row 1, column 8");
  assert.equal(act(bundle, { ...startState(bundle), tour: [{ ...stop, block: "elsewhere" }] }, { type: "tour", stop: 0 }).block, 1);
});

test("a stop keeps the hops of its question where its block is followed, and one visit brings them back", () => {
  const followed = bundleOf([blockOf(grid(5, 6, 8), [1, 1, 1], { softmax: true }), blockOf(grid(5, 6, 8), [1, 1, 1], { name: "b" })]);
  const asking = { ...startState(followed), block: 0, hops: 3 };
  const added = act(followed, asking, { type: "edit", edit: "add" });
  assert.equal(added.tour[0].hops, 3);
  assert.equal(act(followed, added, { type: "edit", edit: "add" }).tour.length, 1, "it is a stop already");
  assert.equal(act(followed, { ...added, hops: 2 }, { type: "edit", edit: "add" }).tour.length, 2);
  assert.ok(stopWords(followed, added.tour[0], 0).endsWith(" · 3 hops"));
  assert.equal(act(followed, { ...added, stop: -1, hops: 1 }, { type: "tour", stop: 0 }).hops, 3);
  assert.ok(!("hops" in act(followed, { ...asking, block: 1 }, { type: "edit", edit: "add" }).tour[0]));
  assert.equal(act(followed, { ...added, tour: [{ ...added.tour[0], hops: undefined }], stop: -1 }, { type: "tour", stop: 0 }).hops, 1);
});
