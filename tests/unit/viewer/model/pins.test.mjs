// Pins that stay beside each other, and the temperature of a question.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pinsIn } from "../../../../nonlocal_core/viewer/model/pins.js";
import { pinnedMessage, startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

const pin = (x) => ({ type: "pin", at: { frame: 1, x, y: 0.5 } });
const keep = { type: "keep" };
const softmax = () => bundleOf([blockOf(grid(5, 6, 8), [1, 1, 1], { softmax: true }), blockOf(grid(5, 6, 8), [1, 1, 1], { name: "b", softmax: false, pairwise: "dot_product" })]);
const lettered = ({ beside, at }) => [...beside.map((one) => one.at.x), at.x];

test("a pin stays while the next is asked, up to three", () => {
  const bundle = bundleOf();
  const start = startState(bundle);
  assert.equal(act(bundle, start, keep), start, "nothing is pinned that could stay");
  const two = act(bundle, start, pin(0.2), keep);
  assert.deepEqual([two.beside, two.pinned], [[{ at: { frame: 1, x: 0.2, y: 0.5 }, also: [] }], false], "the next follows the pointer");
  const hovered = act(bundle, two, { type: "ask", at: { frame: 0, x: 0.9, y: 0.5 } });
  assert.deepEqual(lettered(hovered), [0.2, 0.9]);
  const three = act(bundle, hovered, pin(0.6), keep, pin(0.8));
  assert.deepEqual(lettered(three), [0.2, 0.6, 0.8]);
  assert.equal(act(bundle, three, keep), three, "a fourth has no letter");
});

test("a pin is taken away, and undo brings it back", () => {
  const bundle = bundleOf();
  const two = act(bundle, startState(bundle), pin(0.2), keep, pin(0.6));
  const one = act(bundle, two, { type: "drop", pin: 0 });
  assert.deepEqual([lettered(one), one.pinned], [[0.6], true]);
  assert.deepEqual(lettered(act(bundle, one, { type: "undo" })), [0.2, 0.6]);
  const none = act(bundle, two, ...Array(4).fill({ type: "undo" }));
  assert.deepEqual([none.beside, none.pinned], [[], false]);
});

test("of two pins one can be taken from the other, and both come back", () => {
  const bundle = bundleOf();
  const two = act(bundle, startState(bundle), pin(0.2), keep, pin(0.6));
  const less = act(bundle, two, { type: "subtract" });
  assert.deepEqual([less.at.x, less.minus.map(({ x }) => x), less.beside, less.pinned], [0.2, [0.6], [], true]);
  assert.equal(act(bundle, less, keep), less, "what has cells taken away has no letter");
  assert.deepEqual(lettered(act(bundle, less, { type: "undo" })), [0.2, 0.6]);
  const three = act(bundle, two, keep, pin(0.8));
  assert.equal(act(bundle, three, { type: "subtract" }), three, "of three it is not said which");
});

test("Python hears of all pins, and a bundle may come with them", () => {
  const bundle = softmax();
  const state = act(bundle, { ...startState(bundle), block: 0 }, pin(0.2), keep, pin(0.6));
  const message = pinnedMessage(bundle, state);
  assert.deepEqual(message.beside, [[[1, 0.2, 0.5]]]);
  assert.deepEqual(pinsIn(message.beside), state.beside);
  const loose = pinnedMessage(bundle, act(bundle, state, keep, { type: "unpin" }));
  assert.deepEqual([loose.x, loose.beside], [0.6, [[[1, 0.2, 0.5]]]], "the pins that stay are told while another question follows the pointer");
  const view = { ...bundle.view, beside: [{ points: [{ frame: 3, x: 0.1, y: 0.1 }, { frame: 3, x: 0.3, y: 0.1 }] }], temperature: 0.5 };
  const opened = startState({ ...bundle, view });
  assert.deepEqual([opened.beside, opened.temperature, opened.pinned], [[{ at: { frame: 3, x: 0.1, y: 0.1 }, also: [{ frame: 3, x: 0.3, y: 0.1 }] }], 0.5, true]);
});

test("a tour shows its stops alone, and as the network answers", () => {
  const bundle = bundleOf(undefined, [{ frame: 1, x: 0.2, y: 0.2, caption: "one", block: null, direction: "row" }]);
  const state = act(bundle, { ...startState(bundle), temperature: 2 }, pin(0.2), keep, { type: "tour", stop: 0 });
  assert.deepEqual([state.beside, state.temperature], [[], 1]);
});

test("Python hears of a temperature only where it changes the answer", () => {
  const bundle = softmax();
  const heard = (state) => pinnedMessage(bundle, act(bundle, { ...startState(bundle), ...state }, pin(0.2))).temperature;
  assert.deepEqual([heard({ block: 0, temperature: 0.5 }), heard({ block: 0 }), heard({ block: 1, temperature: 0.5 })], [0.5, undefined, undefined]);
  assert.equal(heard({ block: 0, temperature: 0.5, direction: "column" }), undefined);
});
