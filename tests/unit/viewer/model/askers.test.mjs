// What asks and is no position: which of them asks a block, and what that leaves to be chosen.

import assert from "node:assert/strict";
import { test } from "node:test";
import { askedBy, askerOf, askerWords } from "../../../../nonlocal_core/viewer/model/askers.js";
import { pinnedMessage, startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

const rows = (...values) => ({ row: (index) => values[index] });
const attends = (facts) => blockOf(grid(2, 3, 4), [1, 1, 1], { softmax: true, logNormaliser: [0], theta: rows("position"), ...facts });
const frames = attends({ name: "frames", scope: "space", askers: ["class token", "register 1"], askerTheta: rows("c1", "r1", "c2", "r2") });
const clip = attends({ name: "clip", askers: ["class token"], askerTheta: rows("c") });
const decoder = attends({ name: "decoder", asker: "query 1", askers: ["query 1", "query 2"], askerTheta: rows("q1", "q2") });
const bundle = { ...bundleOf([frames, clip, decoder]), view: { ...bundleOf().view, block: "frames" } };
const choose = { type: "asker", asker: "register 1" };

test("an asker answers at every position: of its frame where each has its own, of the clip elsewhere", () => {
  const register = askedBy(frames, { asker: "register 1" });
  assert.deepEqual([0, 11, 12, 23].map((cell) => register.theta.row(cell)), ["r1", "r1", "r2", "r2"]);
  assert.equal(askedBy(clip, { asker: "class token" }).theta.row(23), "c");
  assert.equal(askedBy(frames, { asker: "register 1" }), register);
  assert.equal(askedBy(frames, { asker: null }), frames);
});

test("a block keeps who asks where it has it, and its own where no position asks", () => {
  assert.equal(askerOf(clip, { asker: "register 1" }), null);
  assert.equal(askerOf(decoder, { asker: "register 1" }), "query 1");
  assert.equal(askerOf(decoder, { asker: "query 2" }), "query 2");
  assert.equal(askerOf(blockOf(grid(2, 3, 4)), { asker: "query 2" }), null);
});

test("words name who asks, and its frame where each has its own", () => {
  const [first, second] = [{ t: 0 }, { t: 1 }];
  assert.equal(askerWords(askedBy(frames, { asker: "class token" }), [second]), "the class token of frame 2");
  assert.equal(askerWords(askedBy(frames, { asker: "register 1" }), [first, second]), "register 1 of 2 frames");
  assert.equal(askerWords(askedBy(clip, { asker: "class token" }), [second]), "the class token");
});

test("who asks is told with the pin, undone with it, and cannot be asked who looks there", () => {
  const pinned = act(bundle, startState(bundle), { type: "pin", at: { frame: 1, x: 0.5, y: 0.5 } }, { type: "direction" });
  assert.equal(pinned.direction, "column");
  const chosen = act(bundle, pinned, choose);
  assert.equal(chosen.direction, "row");
  assert.equal(pinnedMessage(bundle, chosen).asker, "register 1");
  assert.equal(act(bundle, chosen, { type: "direction" }).direction, "row");
  assert.equal(act(bundle, chosen, { type: "asker", asker: null }, { type: "direction" }).direction, "column");
  assert.equal("asker" in pinnedMessage(bundle, act(bundle, chosen, { type: "block", block: 1 })), false);
});
