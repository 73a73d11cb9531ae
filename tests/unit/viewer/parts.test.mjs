// The parts of the viewer that need no page: state, scale, colour, words, smoothing.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { timesEven, topOf } from "../../../nonlocal_core/viewer/model/affinity.js";
import { layersOf, stepBlock } from "../../../nonlocal_core/viewer/model/blocks.js";
import { PALETTE, STEPS, colourise, toneOf } from "../../../nonlocal_core/viewer/drawing/colour.js";
import { actionOf, presenterActionOf } from "../../../nonlocal_core/viewer/controls/keys.js";
import { cellAt, nearestCell } from "../../../nonlocal_core/viewer/model/grid.js";
import { upsample } from "../../../nonlocal_core/viewer/drawing/paint.js";
import { parseBundle } from "../../../nonlocal_core/viewer/model/parse.js";
import { CRAMPED, LEGIBLE, filling } from "../../../nonlocal_core/viewer/drawing/filling.js";
import { ownOf, scaleOf } from "../../../nonlocal_core/viewer/model/scale.js";
import { pinnedMessage, turnIn, viewOf, withView, reduce, startState } from "../../../nonlocal_core/viewer/model/state.js";
import { LONGEST_CAPTION, MOST_STOPS, stopWords } from "../../../nonlocal_core/viewer/model/tour.js";
import { effectWords, headingWords, noticeWords, percent, spokenWords, timesWords, weightWords } from "../../../nonlocal_core/viewer/model/words.js";

const spans = (frames) => Array.from({ length: frames }, (_, t) => [t, t + 1]);
const grid = (frames, rows, cols, box = [0, 0, 1, 1]) => ({ frames, rows, cols, box, frame_spans: spans(frames) });

function blockOf(queries, kernel = [1, 1, 1], facts = {}) {
  const keys = grid(Math.floor(queries.frames / kernel[0]), Math.floor(queries.rows / kernel[1]), Math.floor(queries.cols / kernel[2]));
  const own = (cell) => ({
    t: Math.min(Math.floor(cell.t / kernel[0]), keys.frames - 1),
    y: Math.min(Math.floor(cell.y / kernel[1]), keys.rows - 1),
    x: Math.min(Math.floor(cell.x / kernel[2]), keys.cols - 1),
  });
  return { name: "a", title: "A", head: null, query_grid: queries, key_grid: keys, subsample: kernel, scope: "spacetime", temporal_groups: 1, pairwise: "gaussian", ownKey: own, ...facts };
}

function bundleOf(blocks = [blockOf(grid(5, 6, 8)), blockOf(grid(5, 6, 8), [1, 2, 3], { name: "b" })], tour = []) {
  return { blocks, frames: Array(5).fill({}), view: { block: "b", query: { frame: 2, x: 0.5, y: 0.5 }, tour } };
}

function rowAnswer(values, where, count = values.length) {
  const table = Float32Array.from(values);
  return { direction: "row", grid: where, values: table, offGrid: new Float32Array(0), mass: table.reduce((sum, v) => sum + Math.abs(v), 0), count };
}

const act = (bundle, state, ...actions) => actions.reduce((now, action) => reduce(now, action, bundle), state);

test("the first state is the bundle's own view", () => {
  const state = startState(bundleOf());
  assert.equal(state.block, 1);
  assert.deepEqual(state.at, { frame: 2, x: 0.5, y: 0.5 });
  assert.equal(pinnedMessage(bundleOf(), state), null);
});

test("a link says how the answer is drawn", () => {
  const usual = { scale: "others", smooth: false, arrows: true, shared: false };
  const views = ["", "all", "each-smooth", "bare", "all-smooth-bare-shared"];
  for (const view of views) assert.equal(viewOf(withView(usual, view)), view);
  assert.deepEqual(withView({ ...usual, smooth: true }, "all-nonsense"), { ...usual, scale: "all" });
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
  const bundle = { ...bundleOf([cropped]), view: { block: "a", query: { frame: 0, x: 0.5, y: 0.5 }, tour: [] } };
  const state = startState(bundle);
  assert.equal(act(bundle, state, { type: "ask", at: { frame: 0, x: 0.1, y: 0.5 } }), state);
  assert.equal(act(bundle, state, { type: "pin", at: { frame: 0, x: 0.8, y: 0.5 } }), state);
  assert.notEqual(act(bundle, state, { type: "ask", at: { frame: 0, x: 0.3, y: 0.5 } }), state);
});

test("a point beyond a grid is answered by its nearest cell", () => {
  const ends = { ...grid(2, 3, 4, [0.25, 0, 0.75, 0.9]), frame_spans: [[0, 2], [2, 4]] };
  assert.deepEqual(nearestCell(ends, { frame: 4, x: 0.1, y: 0.95 }), { t: 1, y: 2, x: 0 });
  assert.deepEqual(nearestCell(ends, { frame: 1, x: 0.5, y: 0.1 }), cellAt(ends, { frame: 1, x: 0.5, y: 0.1 }));
  assert.equal(cellAt(ends, { frame: 4, x: 0.5, y: 0.5 }), null);
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

test("a stop says where it asks from; one at a block of another network says nothing of that", () => {
  const bundle = bundleOf();
  const stop = { frame: 3, x: 0.99, y: 0.01, caption: "", block: "a", direction: "column" };
  assert.equal(stopWords(bundle, stop, 1), "frame 4 · row 1, column 8 · A · who looks here");
  assert.equal(stopWords(bundle, { ...stop, block: "elsewhere", direction: "row" }, 1), "frame 4 · row 1, column 8");
  assert.equal(act(bundle, { ...startState(bundle), tour: [{ ...stop, block: "elsewhere" }] }, { type: "tour", stop: 0 }).block, 1);
});

test("a stop that asks who looks here is gone to at once and turns later", () => {
  const state = { tour: [{ direction: "row" }, { direction: "column" }] };
  const turn = { type: "direction", direction: "column" };
  assert.equal(turnIn(state, turn), turn);
  assert.deepEqual([0, 1, 2].map((stop) => turnIn(state, { type: "tour", stop })), [null, turn, null]);
  assert.equal(turnIn(state, { type: "pin" }), null);
});

test("pictures side by side fill a screen, give up strips before size, and scroll rather than shrink", () => {
  const screen = { width: 1200, height: 600, aspect: 16 / 9, frames: 8 };
  const fits = ({ count, width, height }, { columns, tall, wide }) => (
    columns * wide <= width && Math.ceil(count / columns) * tall <= height);
  for (let count = 2; count <= 8; count++) {
    const found = filling({ ...screen, count });
    assert.ok(fits({ ...screen, count }, found) && found.tall >= LEGIBLE, `${count}: ${JSON.stringify(found)}`);
  }
  assert.ok(filling({ ...screen, count: 2 }).strips && filling({ ...screen, count: 2 }).columns === 2);
  assert.ok(!filling({ ...screen, count: 6, frames: 64 }).strips, "four rows of frames are more than the picture is worth");
  assert.equal(filling({ ...screen, count: 5, step: 2 }).columns % 2, 0, "a question stands beside its answers");
  const [bare, warned] = [false, true].map((warned) => filling({ ...screen, count: 2, height: 400, warned }));
  assert.ok(warned.tall <= bare.tall - 30 && warned.tall > bare.tall - 60, `room for two lines: ${bare.tall}, ${warned.tall}`);
  const small = filling({ count: 8, width: 366, height: 300, aspect: 16 / 9, frames: 8 });
  assert.ok(small.tall >= LEGIBLE && small.columns === 2, JSON.stringify(small));
  assert.equal(filling({ count: 3, width: 90, height: 300, aspect: 2, frames: 1 }).columns, 1);
});

test("an action that nobody knows is an error, not a silence", () => {
  assert.throws(() => reduce(startState(bundleOf()), { type: "jump" }, bundleOf()), /jump/);
});

test("every key in the help does what it says", () => {
  const state = startState(bundleOf());
  const press = (key, extra = {}) => actionOf({ key, ...extra }, state, 3)?.type ?? null;
  const expected = { ArrowLeft: "move", "<": "move", ",": "step", ".": "step", Enter: "pin", Escape: "unpin", u: "undo", b: "layer", h: "head", p: "present", t: "edit", d: "direction", s: "scale", a: "set", "?": "help", q: null };
  for (const [key, type] of Object.entries(expected)) assert.equal(press(key), type, key);
  assert.equal(press("z", { ctrlKey: true }), "undo");
  assert.equal(press("d", { ctrlKey: true }), null);
});

const headed = (name, title, heads) => Array.from({ length: heads }, (_, head) => (
  blockOf(grid(5, 6, 8), [1, 1, 1], { name: `${name}.head${head}`, title: `${title} · head ${head + 1}`, head })
));

test("heads of a layer stand together; b goes to the next layer, h to the next head", () => {
  const blocks = [...headed("layer0", "Layer 0", 3), ...headed("layer1", "Layer 1", 2), blockOf(grid(5, 6, 8), [1, 1, 1], { name: "last", title: "Last" })];
  assert.deepEqual(layersOf(blocks), [{ title: "Layer 0", blocks: [0, 1, 2] }, { title: "Layer 1", blocks: [3, 4] }, { title: "Last", blocks: [5] }]);
  assert.deepEqual([[1, { layers: 1 }], [2, { layers: 1 }], [4, { layers: 1 }], [5, { layers: 1 }], [0, { heads: -1 }], [4, { heads: 1 }], [5, { heads: 1 }]]
    .map(([block, by]) => stepBlock(blocks, block, by)), [4, 4, 5, 0, 2, 3, 5]);
  const bundle = { ...bundleOf(blocks), view: { block: "layer0.head2", query: { frame: 0, x: 0.5, y: 0.5 }, tour: [] } };
  const state = startState(bundle);
  assert.deepEqual([state.block, act(bundle, state, { type: "layer", by: 1 }).block, act(bundle, state, { type: "head", by: 1 }).block], [2, 4, 0]);
});

test("a layer that ran twice is told apart by its name", () => {
  const blocks = [...headed("shared", "Shared", 2), ...headed("shared@2", "Shared", 2)];
  assert.deepEqual(layersOf(blocks).map(({ title }) => title), ["Shared (shared)", "Shared (shared@2)"]);
});

test("a presenter's clicker walks through the tour and stays at its ends", () => {
  const press = (key, stop, stops = 3) => presenterActionOf({ key }, { stop }, stops);
  assert.deepEqual([press("PageDown", -1), press("ArrowRight", 1), press("PageDown", 2)].map(({ stop }) => stop), [0, 2, 2]);
  assert.deepEqual([press("PageUp", 2), press("ArrowLeft", 0), press("PageUp", -1)].map(({ stop }) => stop), [1, 0, 0]);
  assert.deepEqual(press("Escape", 1), { type: "present" });
  assert.deepEqual([press("PageDown", -1, 0), press("a", 1), presenterActionOf({ key: "PageDown", ctrlKey: true }, { stop: 0 }, 3)], [null, null, null]);
  const bundle = bundleOf(undefined, [{ frame: 1, x: 0.2, y: 0.2, caption: "one", block: null, direction: "row" }]);
  const state = act(bundle, startState(bundle), { type: "tour", stop: 0 });
  assert.equal(act(bundle, state, { type: "tour", stop: 0 }), state);
});

test("the scale leaves out the own frame, and says how far that goes beyond", () => {
  const where = grid(3, 1, 2);
  const answer = rowAnswer([0.01, 0.02, 0.6, 0.1, 0.17, 0.1], where);
  const own = ownOf(blockOf(where), answer, { t: 1, y: 0, x: 0 });
  assert.equal(own.kind, "frame");
  const others = scaleOf(answer, own, "others");
  assert.ok(Math.abs(others.shared - 0.17) < 1e-7 && Math.abs(others.beyond - 0.6) < 1e-7);
  const all = scaleOf(answer, own, "all");
  assert.ok(Math.abs(all.shared - 0.6) < 1e-7 && all.beyond === 0);
  const each = scaleOf(answer, own, "each");
  assert.ok(Math.abs(each.peaks[1] - 0.6) < 1e-7);
});

test("a picture leaves out the own place: the cell over the query and its neighbours", () => {
  const where = grid(1, 5, 7);
  const own = ownOf(blockOf(where), rowAnswer(Array(35).fill(1), where), { t: 0, y: 2, x: 6 });
  assert.equal(own.kind, "place");
  assert.ok(Math.abs(own.share - 6 / 35) < 1e-9);
  const held = [...Array(35).keys()].filter(own.holds);
  assert.deepEqual(held, [12, 13, 19, 20, 26, 27]); // rows 1 to 3, columns 5 and 6
});

test("the own place of a column is all queries over the key and its neighbours", () => {
  const queries = grid(1, 6, 8);
  const answer = { ...rowAnswer(Array(48).fill(1), queries), direction: "column" };
  const own = ownOf(blockOf(queries, [1, 2, 2]), answer, { t: 0, y: 1, x: 1 });
  const covers = (y, x) => own.holds(y * 8 + x);
  assert.ok(covers(2, 2) && covers(3, 3) && covers(0, 0) && covers(5, 5));
  assert.ok(!covers(2, 6) && !covers(3, 7));
  const pairs = { ...rowAnswer(Array(5 * 48).fill(1), grid(5, 6, 8)), direction: "column" };
  const first = ownOf(blockOf(grid(5, 6, 8), [2, 1, 1]), pairs, { t: 0, y: 0, x: 0 });
  const last = ownOf(blockOf(grid(5, 6, 8), [2, 1, 1]), pairs, { t: 1, y: 0, x: 0 });
  assert.deepEqual([0, 1, 2, 3, 4].filter(first.ownsFrame), [0, 1]);
  assert.deepEqual([0, 1, 2, 3, 4].filter(last.ownsFrame), [2, 3, 4]);
});

test("attention within frames leaves out places, for no other frame can answer", () => {
  const where = grid(4, 3, 3);
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { scope: "space" }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "place");
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { temporal_groups: 4 }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "place");
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { temporal_groups: 2 }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "frame");
});

test("a nearly flat answer is not stretched", () => {
  const where = grid(2, 2, 3);
  const flat = rowAnswer(Array(12).fill(1 / 12).map((v, i) => v * (1 + 0.1 * (i % 2))), where);
  const own = ownOf(blockOf(where), flat, { t: 0, y: 0, x: 0 });
  const scale = scaleOf(flat, own, "others");
  assert.ok(scale.flat && scale.flatness > 1 && scale.flatness < 1.2);
  assert.ok(toneOf(flat.values[7], scale.shared, 0) < 0.6);
  assert.match(noticeWords({ block: { pairwise: "gaussian" }, answer: flat, scale }), /Nearly flat/);
  const peaked = rowAnswer([0, 0, 0, 0, 0, 0, 0.9, 0.02, 0.02, 0.02, 0.02, 0.02], where);
  assert.ok(!scaleOf(peaked, own, "others").flat);
});

test("when everything lies in what is left out, it is shown after all", () => {
  const where = grid(2, 1, 2);
  const answer = rowAnswer([0.7, 0.3, 0, 0], where);
  const scale = scaleOf(answer, ownOf(blockOf(where), answer, { t: 0, y: 0, x: 0 }), "others");
  assert.ok(Math.abs(scale.shared - 0.7) < 0.31 && scale.beyond === 0);
  const zero = rowAnswer([0, 0, 0, 0], where);
  assert.equal(scaleOf(zero, ownOf(blockOf(where), zero, { t: 0, y: 0, x: 0 }), "others").shared, 0);
});

test("zero is transparent, more is lighter, and both signs have their own colours", () => {
  const lightness = (word) => 0.2126 * (word & 255) + 0.7152 * ((word >> 8) & 255) + 0.0722 * ((word >> 16) & 255);
  const alpha = (word) => word >>> 24;
  for (const half of [0, STEPS]) {
    assert.equal(alpha(PALETTE[half]), 0);
    for (let step = 1; step < STEPS; step++) {
      assert.ok(lightness(PALETTE[half + step]) >= lightness(PALETTE[half + step - 1]) - 0.8, `step ${step}`);
      assert.ok(alpha(PALETTE[half + step]) >= alpha(PALETTE[half + step - 1]));
    }
  }
  const top = (half) => PALETTE[half + 128];
  assert.ok((top(0) & 255) > ((top(0) >> 16) & 255), "warm is red");
  assert.ok((top(STEPS) & 255) < ((top(STEPS) >> 16) & 255), "cold is blue");
});

test("colour follows value, sign and the scale of its own temporal cell", () => {
  const words = new Uint32Array(6);
  colourise(Float32Array.from([0, 1, -1, 0.5, 2, 9]), grid(2, 1, 3), [1, 2], 0, words);
  assert.equal(words[0] >>> 24, 0);
  assert.equal(words[1], PALETTE[STEPS - 1]);
  assert.equal(words[2], PALETTE[2 * STEPS - 1]);
  assert.equal(words[3], PALETTE[64]);
  assert.deepEqual([words[4], words[5]], [PALETTE[STEPS - 1], PALETTE[STEPS - 1]]);
  colourise(Float32Array.from([0, 1, 2, 0, 0, 0]), grid(2, 1, 3), [0, 0], 0.5, words);
  assert.ok(words.every((word) => word >>> 24 === 0), "a scale of zero paints nothing");
});

test("smoothing keeps the weight in the middle of each cell and never leaves their range", () => {
  const values = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => (i * 7) % 11);
  const fine = upsample(values, { frames: 2, rows: 3, cols: 4 }, 5);
  assert.equal(fine.length, 2 * 15 * 20);
  for (let t = 0; t < 2; t++) for (let y = 0; y < 3; y++) for (let x = 0; x < 4; x++) {
    assert.equal(fine[(t * 15 + 5 * y + 2) * 20 + 5 * x + 2], values[(t * 3 + y) * 4 + x]);
  }
  assert.ok(Math.max(...fine) === 10 && Math.min(...fine) === 0);
});

test("top cells come largest first, ties in order, zeros never", () => {
  assert.deepEqual(topOf(Float32Array.from([1, 3, -3, 0, 2, 3]), 4), [1, 2, 5, 4]);
  assert.deepEqual(topOf(Float32Array.from([1, 3, -3, 0, 2, 3]), 9), [1, 2, 5, 4, 0]);
  assert.deepEqual(topOf(Float32Array.from([1, 3, 2]), 2, (i) => i === 1), [2, 0]);
});

test("numbers are said plainly", () => {
  assert.deepEqual([0, 0.0004, 0.0312, 0.0996, 0.43, 1].map(percent), ["0 %", "<0.1 %", "3.1 %", "10 %", "43 %", "100 %"]);
  assert.deepEqual([0, 0.01234, 1, -0.5, 5.1e-8].map(weightWords), ["0", "0.0123", "1", "−0.5", "5.1·10⁻⁸"]);
  assert.deepEqual([0, 0.01, 1.26, 143.4].map(timesWords), ["0×", "<0.1×", "1.3×", "143×"]);
  assert.equal(timesEven({ mass: 1, count: 200 }, 0.01), 2);
  assert.match(effectWords({ effect: 0 }, null), /changes nothing/);
  assert.equal(effectWords({ effect: null }, null), "");
});

test("the sentence tells the strongest frame, and what the own frame keeps when that is more", () => {
  const where = grid(4, 8, 9);
  const answer = { direction: "row", grid: where, mass: 1 };
  const said = { answer, cell: { t: 2, y: 7, x: 8 }, asked: where, own: { kind: "frame", ownsFrame: (t) => t === 2, share: 0.37 }, strongest: 3, alone: false, top: null };
  assert.equal(spokenWords({ ...said, shares: [0.1, 0.1, 0.37, 0.43] }), "Query frame 3, row 8, column 9. Most attention, 43 percent, goes to frame 4.");
  assert.match(spokenWords({ ...said, own: { kind: "frame", ownsFrame: (t) => t === 2, share: 0.85 }, shares: [0.02, 0.02, 0.85, 0.11] }), /own frame keeps 85 percent .* 11 percent, goes to frame 4/);
  assert.match(spokenWords({ ...said, answer: { ...answer, mass: 0 }, shares: [0, 0, 0, 0] }), /Every weight is zero/);
  const heading = { answer, state: { held: null }, shown: 3, strongest: 3, share: 0.43, alone: false };
  assert.deepEqual(headingWords(heading), { lead: "looks most at frame 4", figure: "43 %" });
  assert.equal(headingWords({ ...heading, state: { held: 1 }, shown: 1 }).lead, "looks at frame 2");
  assert.equal(headingWords({ ...heading, state: { held: 7 }, shown: -1 }).lead, "finds no key in frame 8");
  assert.equal(headingWords({ ...heading, answer: { ...answer, direction: "column" } }).lead, "is looked at most from frame 4");
});

test("what is no bundle is refused with a sentence", () => {
  const bytes = (...values) => Uint8Array.from([...values, ...Array(64 - values.length).fill(0)]).buffer;
  assert.throws(() => parseBundle(new ArrayBuffer(4)), /not a bundle/);
  assert.throws(() => parseBundle(bytes(80, 75, 3, 4)), /not a bundle/);
  assert.throws(() => parseBundle(bytes(78, 76, 86, 66, 1)), /version 1/);
  assert.throws(() => parseBundle(bytes(78, 76, 86, 66, 2, 0, 0, 0, 255, 255)), /cut off or damaged/);
});

test("every module's imports exist", async () => {
  for (const file of readdirSync(new URL("../../../nonlocal_core/viewer/", import.meta.url))) {
    if (file.endsWith(".js") && file !== "page.js") await import(`../../../nonlocal_core/viewer/${file}`); // page.js starts a page
  }
});
