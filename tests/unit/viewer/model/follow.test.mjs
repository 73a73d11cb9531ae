// The question follows what it looks at.

import assert from "node:assert/strict";
import { test } from "node:test";
import { followWords, strongestIn } from "../../../../nonlocal_core/viewer/model/follow.js";
import { cellAt, indexOf, pointOf } from "../../../../nonlocal_core/viewer/model/grid.js";
import { reduce, startState } from "../../../../nonlocal_core/viewer/model/state.js";
import { act, blockOf, bundleOf, grid, rowAnswer } from "../records.mjs";

const where = grid(5, 6, 8);
const bundle = bundleOf([blockOf(where), blockOf(where, [1, 2, 3], { name: "b" })]);
const point = (t, y, x) => pointOf(where, { t, y, x });
const start = { ...startState(bundle), block: 0, at: point(1, 2, 3) };
const cell = ({ at }) => Object.values(cellAt(where, at)).join();

/** An answer with weights at cells, [t, y, x, weight]; there is a little everywhere else, or nothing. */
function answered(cells, rest = 1e-4) {
  const values = Array(5 * 6 * 8).fill(rest);
  for (const [t, y, x, weight] of cells) values[indexOf(where, { t, y, x })] = weight;
  return { answer: rowAnswer(values, where) };
}
/** What a moving object would answer: from every frame t, the cell at (t, t + 1). */
const object = answered([0, 1, 2, 3, 4].map((t) => [t, t, t + 1, 0.5]));
const step = (state, said = object) => reduce(state, { type: "follow", answered: said }, bundle);

test("it begins with what is asked, moves to the strongest cell of the frame that is shown, and begins again at the end", () => {
  const seen = [];
  let state = start;
  for (let i = 0; i < 6; i++) {
    state = step(state);
    seen.push(`${cell(state)} → ${state.held}`);
  }
  assert.deepEqual(seen, ["1,2,3 → 2", "2,2,3 → 3", "3,3,4 → 4", "4,4,5 → 4", "1,2,3 → 2", "2,2,3 → 3"]);
  assert.ok(state.pinned && state.zoom === start.zoom);
});

test("from the last frame it goes backwards", () => {
  const seen = [];
  let state = { ...start, at: point(4, 0, 0) };
  for (let i = 0; i < 6; i++) seen.push(cell(state = step(state)));
  assert.deepEqual(seen, ["4,0,0", "3,3,4", "2,2,3", "1,1,2", "0,0,1", "4,0,0"]);
});

test("resting keeps the question where it is, and undo goes back to where it began", () => {
  const pinned = act(bundle, start, { type: "pin" });
  const moved = step(step(step(pinned)));
  assert.deepEqual(moved.followed.at, start.at);
  const rested = reduce(moved, { type: "follow" }, bundle);
  assert.deepEqual([cell(rested), rested.followed, rested.pinned], ["3,3,4", null, true]);
  assert.equal(reduce(rested, { type: "follow" }, bundle), rested);
  assert.equal(cell(reduce(rested, { type: "undo" }, bundle)), "1,2,3");
  assert.equal(step(reduce(moved, { type: "pin", at: point(0, 5, 5) }, bundle)).followed.at.y, point(0, 5, 5).y, "a new pin is a new beginning");
});

test("many cells become one, and come back with the start", () => {
  const many = { ...start, also: [point(1, 2, 4)], minus: [point(0, 0, 0)] };
  const first = step(many);
  assert.deepEqual([first.also, first.minus], [many.also, many.minus]);
  let state = step(first);
  assert.deepEqual([state.also, state.minus, cell(state)], [[], [], "2,2,3"]);
  for (let i = 0; i < 3; i++) state = step(state);
  assert.deepEqual([state.also, state.minus], [many.also, many.minus]);
});

test("where no weight is positive there is nowhere to go: it does not begin, or begins again", () => {
  const inside = answered([[1, 2, 3, 1]], 0);
  assert.equal(step(start, inside), start);
  assert.equal(step(start, answered([], -1)), start, "negative weight leads nowhere");
  const lost = step(step(step(start)), inside);
  assert.deepEqual([cell(lost), lost.held], ["1,2,3", 2]);
  assert.match(followWords(bundle, start, inside), /^Nothing of this answer lies in the next frame/);
  assert.match(followWords(bundle, { ...start, at: point(4, 0, 0) }, object), /in the frame before/);
  assert.match(followWords(bundle, { ...start, direction: "column" }, object), /of the next frame that weighs it most/);
});

test("the first of equal cells is taken, and frames of one temporal cell are one place", () => {
  const tied = answered([[2, 1, 1, 0.5], [2, 4, 4, 0.5]]);
  assert.equal(cell(strongestIn(tied, start, 2)), "2,1,1");
  const pairs = { ...grid(2, 6, 8), frame_spans: [[0, 2], [2, 5]] };
  const { at, also } = strongestIn({ answer: rowAnswer(Array(96).fill(1), pairs) }, { ...start, at: { frame: 2, x: 0.3, y: 0.4 }, also: [1] }, 3);
  assert.deepEqual([at, also], [{ frame: 3, x: 0.3, y: 0.4 }, [1]]);
});
