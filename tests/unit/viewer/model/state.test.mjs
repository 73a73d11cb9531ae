// What the person has chosen, and how each action changes it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { choosesAlike, later, pinnedMessage, reduce, startState, turnIn } from "../../../../nonlocal_core/viewer/model/state.js";
import { LONGEST_CAPTION, MOST_STOPS } from "../../../../nonlocal_core/viewer/model/tour.js";
import { act, blockOf, bundleOf, grid } from "../records.mjs";

test("the first state is the bundle's own view", () => {
  const state = startState(bundleOf());
  assert.equal(state.block, 1);
  assert.deepEqual(state.at, { frame: 2, x: 0.5, y: 0.5 });
  assert.equal(pinnedMessage(bundleOf(), state), null);
});

test("a pin tells how its answer is drawn, and a bundle may come with that", () => {
  const drawn = { ...bundleOf(), view: { ...bundleOf().view, direction: "column", look: "each-over3" } };
  const state = startState({ ...drawn, blocks: drawn.blocks.map((block) => ({ ...block, softmax: false })) });
  assert.deepEqual([state.direction, state.scale, state.threshold], ["column", "each", 3]);
  const pinned = act(drawn, state, { type: "pin" }, { type: "scale" }, { type: "set", values: { smooth: true } });
  assert.equal(pinnedMessage(drawn, pinned).view, "smooth-over3");
});

test("pins are remembered, and undo walks back through them to nothing", () => {
  const bundle = bundleOf();
  const [a, b] = [{ frame: 0, x: 0.1, y: 0.1 }, { frame: 4, x: 0.9, y: 0.9 }];
  let state = act(bundle, startState(bundle), { type: "pin", at: a }, { type: "pin", at: b });
  assert.deepEqual(pinnedMessage(bundle, state), { ...b, block: "b", direction: "row", view: "" });
  state = act(bundle, state, { type: "undo" });
  assert.deepEqual(pinnedMessage(bundle, state), { ...a, block: "b", direction: "row", view: "" });
  state = act(bundle, state, { type: "undo" });
  assert.equal(pinnedMessage(bundle, state), null);
  assert.equal(act(bundle, state, { type: "undo" }), state);
});

test("columns cannot be asked of a softmax that came without its normaliser", () => {
  const bare = blockOf(grid(5, 6, 8), [1, 1, 1], { name: "bare", softmax: true, logNormaliser: null });
  const bundle = bundleOf([blockOf(grid(5, 6, 8)), bare]);
  const state = { ...startState(bundle), block: 0 };
  const turned = act(bundle, state, { type: "direction" });
  assert.equal(turned.direction, "column");
  assert.equal(act(bundle, turned, { type: "block", block: 1 }).direction, "row");
  assert.equal(act(bundle, { ...state, block: 1 }, { type: "direction" }).direction, "row");
});

test("undo brings back what was let go, with its block and direction", () => {
  const bundle = bundleOf();
  const at = { frame: 1, x: 0.3, y: 0.7 };
  const state = act(bundle, startState(bundle), { type: "pin", at }, { type: "unpin" }, { type: "block", block: 0 }, { type: "direction" }, { type: "undo" });
  assert.deepEqual(pinnedMessage(bundle, state), { ...at, block: "b", direction: "row", view: "" });
});

test("arrow keys move by one cell of the grid that is asked on, and stop at its edges", () => {
  const bundle = bundleOf();
  const start = { ...startState(bundle), block: 0, at: { frame: 2, x: 0.01, y: 0.5 } };
  const right = act(bundle, start, { type: "move", dx: 1 });
  assert.equal(right.at.x, 1.5 / 8);
  assert.ok(right.at.frame === 2 && Math.abs(right.at.y - 3.5 / 6) < 1e-12);
  assert.equal(act(bundle, start, { type: "move", dx: -1 }).at.x, 0.5 / 8);
  assert.equal(act(bundle, start, { type: "move", dt: 9 }).at.frame, 4);
  const column = act(bundle, { ...start, block: 1, direction: "column" }, { type: "move", dx: 1 });
  assert.equal(column.at.x, 0.75); // 8 columns pooled by 3 are 2 keys
});

test("a point that the network did not see is not asked from", () => {
  const cropped = blockOf(grid(5, 6, 8, [0.25, 0, 0.75, 1]));
  const bundle = { ...bundleOf([cropped]), view: { ...bundleOf().view, block: "a", query: { frame: 0, x: 0.5, y: 0.5 } } };
  const state = startState(bundle);
  assert.equal(act(bundle, state, { type: "ask", at: { frame: 0, x: 0.1, y: 0.5 } }), state);
  assert.equal(act(bundle, state, { type: "pin", at: { frame: 0, x: 0.8, y: 0.5 } }), state);
  assert.notEqual(act(bundle, state, { type: "ask", at: { frame: 0, x: 0.3, y: 0.5 } }), state);
});

test("frames step round, a held frame is let go by a new pin", () => {
  const bundle = bundleOf();
  const state = act(bundle, startState(bundle), { type: "step", from: 4, by: 1 });
  assert.equal(state.held, 0);
  assert.equal(act(bundle, state, { type: "pin" }).held, null);
});

test("a tour pins its stops, changes the block when it says so, and ends", () => {
  const tour = [{ frame: 1, x: 0.2, y: 0.2, caption: "one", block: null, direction: "row" }, { frame: 3, x: 0.4, y: 0.4, caption: "two", block: "a", direction: "column" }];
  const bundle = bundleOf(undefined, tour);
  let state = act(bundle, startState(bundle), { type: "tour", stop: 0 });
  assert.deepEqual([state.stop, state.block, state.pinned, state.at.frame], [0, 1, true, 1]);
  state = act(bundle, state, { type: "tour", stop: 1 });
  assert.deepEqual([state.stop, state.block, state.at.frame, state.direction], [1, 0, 3, "column"]);
  assert.equal(act(bundle, state, { type: "tour", stop: 2 }).stop, -1);
});

const pinnedAt = (x, frame = 1) => ({ type: "pin", at: { frame, x, y: 0.5 } });
const add = { type: "edit", edit: "add" };
const captions = ({ tour }) => tour.map(({ caption }) => caption).join();
/** Three stops of one's own, called a, b and c; c is shown. */
const threeStops = (bundle) => ["a", "b", "c"].reduce((state, caption, stop) => (
  act(bundle, state, pinnedAt(0.2 + 0.2 * stop), add, { type: "edit", edit: "caption", stop, caption })), startState(bundle));

test("a pin becomes a stop with its block and direction, after those that came with the clip", () => {
  const bundle = bundleOf(undefined, [{ frame: 1, x: 0.2, y: 0.2, caption: "one", block: null, direction: "row" }]);
  const state = act(bundle, startState(bundle), pinnedAt(0.6, 3), { type: "block", block: 0 }, { type: "direction" }, add);
  assert.deepEqual([state.stop, state.editing, state.pinned], [1, true, true]);
  assert.deepEqual(state.tour[1], { frame: 3, x: 0.6, y: 0.5, caption: "", block: "a", direction: "column" });
  assert.equal(bundle.view.tour.length, 1, "the clip's own tour is left alone");
  assert.equal(act(bundle, state, add).tour, state.tour, "what is a stop already is not added twice");
  const hovered = act(bundle, startState(bundle), { type: "ask", at: { frame: 0, x: 0.7, y: 0.7 } }, add);
  assert.deepEqual([hovered.pinned, hovered.tour[1].x], [true, 0.7]);
  const visited = act(bundle, startState(bundle), { type: "tour", stop: 0 }, add);
  assert.deepEqual([visited.tour.length, visited.editing], [1, true]);
});

test("stops are written, ordered, removed and replaced, and the shown one stays shown", () => {
  const bundle = bundleOf();
  const state = threeStops(bundle);
  const edit = (change) => reduce(state, { type: "edit", ...change }, bundle);
  assert.deepEqual([captions(state), state.stop], ["a,b,c", 2]);
  const shifted = edit({ edit: "shift", stop: 2, by: -1 });
  assert.deepEqual([captions(shifted), shifted.stop], ["a,c,b", 1]);
  assert.equal(edit({ edit: "shift", stop: 2, by: 1 }), state);
  assert.equal(edit({ edit: "shift", stop: 0, by: -1 }), state);
  const shorter = edit({ edit: "remove", stop: 0 });
  assert.deepEqual([captions(shorter), shorter.stop], ["b,c", 1]);
  const gone = edit({ edit: "remove", stop: 2 });
  assert.deepEqual([captions(gone), gone.stop, gone.pinned], ["a,b", -1, true]);
  assert.deepEqual(edit({ edit: "replace", stops: [] }).tour, []);
  assert.equal(edit({ edit: "caption", stop: 0, caption: `  ${"x".repeat(LONGEST_CAPTION + 1)} ` }).tour[0].caption.length, LONGEST_CAPTION);
  assert.throws(() => edit({ edit: "rhyme" }), /rhyme/);
});

test("a full tour takes no more, and opens so that it can be said", () => {
  const bundle = bundleOf(undefined, Array(MOST_STOPS).fill({ frame: 1, x: 0.2, y: 0.2, caption: "", block: null, direction: "row" }));
  const state = act(bundle, startState(bundle), pinnedAt(0.6), add);
  assert.deepEqual([state.tour.length, state.editing, state.stop], [MOST_STOPS, true, -1]);
});

test("undo takes back edits of the tour and pins, each in its turn", () => {
  const bundle = bundleOf();
  const undo = { type: "undo" };
  const state = act(bundle, threeStops(bundle), { type: "edit", edit: "remove", stop: 0 }, pinnedAt(0.9));
  const unpinned = act(bundle, state, undo);
  assert.deepEqual([captions(unpinned), unpinned.at.x], ["b,c", 0.2 + 0.2 * 2]);
  assert.equal(captions(act(bundle, unpinned, undo)), "a,b,c");
  assert.equal(captions(act(bundle, unpinned, undo, undo)), "a,b,");
  const back = act(bundle, unpinned, undo, undo, undo);
  assert.deepEqual([captions(back), back.stop, back.pinned], ["a,b", -1, true]);
  assert.equal(act(bundle, back, undo).at.x, 0.4);
});

test("a stop that asks who looks here is gone to at once and turns later", () => {
  const state = { tour: [{ direction: "row" }, { direction: "column" }] };
  const turn = { type: "direction", direction: "column" };
  assert.equal(turnIn(state, turn), turn);
  assert.deepEqual([0, 1, 2].map((stop) => turnIn(state, { type: "tour", stop })), [null, turn, null]);
  assert.equal(turnIn(state, { type: "pin" }), null);
});

test("a question that moves changes no choice, and any other action does", () => {
  const bundle = bundleOf();
  const state = startState(bundle);
  assert.ok(choosesAlike(state, act(bundle, state, { type: "ask", at: { frame: 1, x: 0.2, y: 0.7 } })));
  const others = [{ type: "pin" }, { type: "block", block: 0 }, { type: "tool" }, { type: "scale" }, { type: "hold", frame: 1 }, { type: "set", values: { smooth: true } }];
  for (const other of others) assert.ok(!choosesAlike(state, act(bundle, state, other)), JSON.stringify(other));
});

test("a clip that goes on is asked the same, in its last frame", () => {
  const bundle = bundleOf();
  const also = [{ frame: 1, x: 0.3, y: 0.3 }, { frame: 4, x: 0.4, y: 0.4 }];
  const state = act(bundle, startState(bundle), { type: "pin", at: { frame: 0, x: 0.1, y: 0.2, also } }, { type: "set", values: { curve: "linear" } });
  const next = later(state, { frames: Array(3) });
  assert.deepEqual([next.at, next.also.map(({ frame }) => frame), next.pinned, next.curve], [{ ...state.at, frame: 2 }, [1, 2], true, "linear"]);
});

test("an action that nobody knows is an error, not a silence", () => {
  assert.throws(() => reduce(startState(bundleOf()), { type: "jump" }, bundleOf()), /jump/);
});
