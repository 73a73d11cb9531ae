// The window of the frame that every picture shows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WHOLE, framePoint, holds, middleOf, panned, reaching, seen, zoomed } from "../../../../nonlocal_core/viewer/model/zoom.js";
import { reduce, startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, bundleOf } from "../records.mjs";

const close = (one, other) => assert.ok(Object.keys(other).every((side) => Math.abs(one[side] - other[side]) < 1e-9), `${JSON.stringify(one)} is not ${JSON.stringify(other)}`);
/** Where a point of the frame is in the picture. */
const shown = (zoom, { x, y }) => { const { left, top } = seen(zoom, { left: x, top: y, width: 0, height: 0 }); return { x: left, y: top }; };

test("what is pointed at keeps its place, however it is zoomed, as long as no edge is reached", () => {
  const at = { x: 0.4, y: 0.7 };
  let zoom = WHOLE;
  for (const by of [1.5, 2, 0.8, 1.3]) {
    const before = shown(zoom, at);
    zoom = zoomed(zoom, by, at);
    close(shown(zoom, at), before);
  }
  close(zoom, { scale: 1.5 * 2 * 0.8 * 1.3 });
});

test("a point of the picture is the point of the frame that is shown there, and parts keep their shape", () => {
  const zoom = { scale: 4, x: 0.5, y: 0.25 };
  close(framePoint(zoom, { x: 0.5, y: 0.2 }), { x: 0.625, y: 0.3 });
  close(framePoint(zoom, shown(zoom, { x: 0.61, y: 0.33 })), { x: 0.61, y: 0.33 });
  close(seen(zoom, { left: 0.5, top: 0.5, width: 0.1, height: 0.05 }), { left: 0, top: 1, width: 0.4, height: 0.2 });
  assert.deepEqual(seen(WHOLE, { left: 0.1, top: 0.2, width: 0.3, height: 0.4 }), { left: 0.1, top: 0.2, width: 0.3, height: 0.4 });
});

test("the window never leaves the frame, and the whole frame is one state", () => {
  const corner = zoomed(WHOLE, 4, { x: 1, y: 0 });
  assert.deepEqual(corner, { scale: 4, x: 0.75, y: 0 });
  assert.equal(zoomed(corner, 100, { x: 1, y: 0 }).scale, 8);
  assert.deepEqual(zoomed(corner, 0.5, { x: 0, y: 0 }), { scale: 2, x: 0.5, y: 0 });
  assert.equal(zoomed(corner, 0, { x: 1, y: 0 }), WHOLE);
  assert.equal(zoomed(corner, 0.2, { x: 1, y: 0 }), WHOLE);
  assert.equal(zoomed(WHOLE, 0.5, { x: 0.5, y: 0.5 }), WHOLE);
  assert.equal(panned(corner, { dx: -1, dy: 1 }), corner, "the edge holds");
  close(panned(corner, { dx: 0.4, dy: -0.2 }), { scale: 4, x: 0.65, y: 0.05 });
  assert.equal(panned(WHOLE, { dx: 0.3, dy: 0.3 }), WHOLE);
});

test("a window goes to a point that it does not show, no farther than it must, and stays otherwise", () => {
  const zoom = { scale: 4, x: 0.5, y: 0.25 };
  assert.equal(reaching(zoom, { x: 0.51, y: 0.49 }), zoom);
  const moved = reaching(zoom, { x: 0.8, y: 0.3 });
  assert.ok(holds(moved, { x: 0.8, y: 0.3 }) && moved.x < 0.8 - 0.2 && moved.y > 0.25 - 0.02);
  assert.deepEqual(reaching(zoom, { x: 0, y: 1 }), { scale: 4, x: 0, y: 0.75 });
  assert.ok(holds(zoom, middleOf(zoom)));
});

test("keys zoom where the question is, or where one looks when that is out of sight", () => {
  const bundle = bundleOf();
  const start = { ...startState(bundle), at: { frame: 2, x: 0.9, y: 0.9 } };
  const near = act(bundle, start, { type: "zoom", by: 4 });
  close(shown(near.zoom, start.at), { x: 0.9, y: 0.9 });
  const far = { ...near, zoom: { scale: 4, x: 0.1, y: 0.1 } };
  close(middleOf(act(bundle, far, { type: "zoom", by: 1.5 }).zoom), middleOf(far.zoom));
  assert.equal(act(bundle, start, { type: "zoom", by: 0 }), start, "nothing changes, so nothing is drawn");
  assert.equal(act(bundle, start, { type: "pan", dx: 0.1, dy: 0 }), start);
});

test("a question that moves out of the window takes it along; a drag does not, and pins and undo keep the scale", () => {
  const bundle = bundleOf();
  const state = { ...startState(bundle), block: 0, at: { frame: 2, x: 0.3, y: 0.5 }, zoom: { scale: 4, x: 0.2, y: 0.4 } };
  const right = act(bundle, state, { type: "move", dx: 1 }, { type: "move", dx: 1 });
  assert.ok(holds(right.zoom, right.at) && right.zoom.x > 0.2 && right.zoom.scale === 4);
  const drawn = act(bundle, { ...state, tool: "box" }, { type: "stroke", phase: "start", at: { frame: 2, x: 0.201, y: 0.41 } });
  assert.equal(drawn.zoom, state.zoom);
  const pinned = act(bundle, state, { type: "pin" }, { type: "pin", at: { frame: 0, x: 0.9, y: 0.9 } });
  const undone = reduce(pinned, { type: "undo" }, bundle);
  assert.ok(holds(pinned.zoom, pinned.at) && holds(undone.zoom, undone.at) && undone.zoom.scale === 4);
});
