// One key, one action.

import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf, presenterActionOf } from "../../../../nonlocal_core/viewer/controls/keys.js";
import { startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, bundleOf } from "../records.mjs";

test("every key in the help does what it says", () => {
  const state = startState(bundleOf());
  const press = (key, extra = {}) => actionOf({ key, ...extra }, state, 3)?.type ?? null;
  const expected = { ArrowLeft: "move", "<": "move", ",": "step", ".": "step", Enter: "pin", Escape: "unpin", u: "undo", b: "layer", h: "head", p: "present", t: "edit", d: "direction", s: "scale", a: "set", "?": "help", "+": "zoom", "=": "zoom", "-": "zoom", "0": "zoom", n: "sign", " ": "play", f: "play", q: null };
  for (const [key, type] of Object.entries(expected)) assert.equal(press(key), type, key);
  assert.equal(press("z", { ctrlKey: true }), "undo");
  assert.equal(press("+", { ctrlKey: true }), null, "the browser's own zoom");
  assert.equal(press("d", { ctrlKey: true }), null);
});

test("a presenter's clicker walks through the tour and stays at its ends", () => {
  const press = (key, stop, stops = 3) => presenterActionOf({ key }, { stop }, stops);
  assert.deepEqual([press("PageDown", -1), press("ArrowRight", 1), press("PageDown", 2)].map(({ stop }) => stop), [0, 2, 2]);
  assert.deepEqual([press("PageUp", 2), press("ArrowLeft", 0), press("PageUp", -1)].map(({ stop }) => stop), [1, 0, 0]);
  const elsewhere = (key, place) => presenterActionOf({ key }, { stop: -1, place }, 5).stop;
  assert.deepEqual([elsewhere("PageDown", 2), elsewhere("PageUp", 2), elsewhere("PageDown", 4)], [3, 2, 4], "a click elsewhere keeps the place");
  assert.deepEqual(press("Escape", 1), { type: "present" });
  assert.deepEqual([press("PageDown", -1, 0), press("a", 1), presenterActionOf({ key: "PageDown", ctrlKey: true }, { stop: 0 }, 3)], [null, null, null]);
  const bundle = bundleOf(undefined, [{ frame: 1, x: 0.2, y: 0.2, caption: "one", block: null, direction: "row" }]);
  const state = act(bundle, startState(bundle), { type: "tour", stop: 0 });
  assert.equal(act(bundle, state, { type: "tour", stop: 0 }), state);
});
