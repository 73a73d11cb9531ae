// Questions larger than a point: a box, a brush, and cells that are taken away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pinnedMessage, startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { MOST_POINTS } from "../../../../nonlocal_core/viewer/model/strokes.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

const bundle = bundleOf([blockOf(grid(5, 10, 10))]);
const point = (x, y, frame = 1) => ({ frame, x: x / 100, y: y / 100 });
/** A drag through points. */
const drag = (points, add = false) => [
  { type: "stroke", phase: "start", at: points[0], add }, ...points.slice(1).map((at) => ({ type: "stroke", phase: "move", at })), { type: "stroke", phase: "end" },
];
const cells = (points) => points.map(({ frame, x, y }) => `${frame}:${Math.floor(10 * y)},${Math.floor(10 * x)}`).sort();
const asked = ({ at, also }) => cells([at, ...also]);

test("a box takes in the cells under it, whichever way it is drawn, and pins them", () => {
  const start = act(bundle, startState(bundle), { type: "tool", tool: "box" });
  const state = act(bundle, start, ...drag([point(35, 28), point(12, 12), point(14, 15)]));
  assert.deepEqual(asked(state), ["1:1,1", "1:1,2", "1:1,3", "1:2,1", "1:2,2", "1:2,3"]);
  assert.ok(state.pinned && state.stroke === null);
});

test("a brush leaves no gaps between two moves, and each cell counts once", () => {
  const start = act(bundle, startState(bundle), { type: "tool", tool: "brush" });
  const state = act(bundle, start, ...drag([point(5, 55), point(48, 55), point(22, 55)]));
  assert.deepEqual(asked(state), ["1:5,0", "1:5,1", "1:5,2", "1:5,3", "1:5,4"]);
  const more = act(bundle, state, ...drag([point(45, 55, 3), point(55, 55, 3)], true));
  assert.deepEqual(asked(more), [...asked(state), "3:5,4", "3:5,5"].sort(), "with Shift, in another frame");
  assert.deepEqual(asked(act(bundle, state, ...drag([point(95, 95)]))), ["1:9,9"], "without, it asks anew");
});

test("cells that are taken away leave the asked ones, and the message has both", () => {
  const start = act(bundle, startState(bundle), { type: "pin", at: point(15, 15) }, { type: "tool", tool: "brush" }, { type: "sign", sign: "minus" });
  const state = act(bundle, start, ...drag([point(85, 85), point(95, 85)]));
  assert.deepEqual([asked(state), cells(state.minus)], [["1:1,1"], ["1:8,8", "1:8,9"]]);
  const message = pinnedMessage(bundle, state);
  assert.deepEqual([message.frame, message.also, message.minus.length, message.minus[0][0]], [1, undefined, 2, 1]);
  assert.deepEqual(act(bundle, state, { type: "ask", at: point(15, 15) }).minus, [], "pointing asks a single cell again");
});

test("undo brings back what was asked before the drag, cells and all", () => {
  const start = act(bundle, startState(bundle), { type: "pin", at: point(15, 15) }, { type: "tool", tool: "box" });
  const boxed = act(bundle, start, ...drag([point(5, 5), point(25, 5)]));
  const again = act(bundle, boxed, ...drag([point(75, 75), point(95, 75)]));
  assert.deepEqual(asked(act(bundle, again, { type: "undo" })), asked(boxed));
  assert.deepEqual(asked(act(bundle, again, { type: "undo" }, { type: "undo" })), ["1:1,1"]);
});

test("a question has a limit, and signs belong to tools", () => {
  const large = bundleOf([blockOf(grid(5, 40, 40))]);
  const start = act(large, startState(large), { type: "tool", tool: "box" });
  const state = act(large, start, ...drag([point(0, 0), point(50, 40), point(50, 51), point(99, 99)]));
  assert.deepEqual([1 + state.also.length, state.isFull], [21 * 17, true], "the last box that fits, and no part of a larger one");
  assert.equal(act(large, start, ...drag([point(0, 0), point(99, 99), point(50, 40)])).isFull, false);
  assert.equal(act(large, state, { type: "block", block: 0 }).isFull, true);
  assert.equal(act(large, state, { type: "pin", at: point(5, 5) }).isFull, false);
  const beside = { ...start, beside: [{ at: point(0, 99), also: Array(MOST_POINTS - 10).fill(point(0, 99)) }], pinned: true };
  assert.deepEqual(act(large, beside, ...drag([point(0, 0), point(20, 0), point(24, 0), point(90, 0)])).also.length, 8, "pins count as well");
  assert.equal(act(bundle, startState(bundle), { type: "sign", sign: "minus" }).sign, "plus");
  assert.equal(act(bundle, start, { type: "tool" }).tool, "brush");
  assert.deepEqual([1, 2].map((times) => act(bundle, start, ...Array(times).fill({ type: "sign" })).sign), ["minus", "plus"]);
});
