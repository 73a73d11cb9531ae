// What is said about one drawn answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sharesOf } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { readingOf, readingsOf, reportOf } from "../../../../nonlocal_core/viewer/model/report.js";
import { heatOf } from "../../../../nonlocal_core/viewer/model/heat.js";
import { ownOf } from "../../../../nonlocal_core/viewer/model/own.js";
import { blockOf, grid, recipe, rowAnswer, usual } from "../records.mjs";

const where = grid(3, 1, 2);

/** What was drawn of an answer that asks from the first cell, with the given choices. */
function drawnOf(values, choices = {}, offGrid = []) {
  const block = blockOf(where, [1, 1, 1], {
    status: "trained", warning: "", effect: 0.25, effectMap: Float32Array.from([0.5, 0, 0, 0, 0, 0]), pairwise_title: "Gaussian",
    proof: "Proved.", row_error: 0.001, theta: { dtype: "float16" }, off_grid_keys: ["class token"],
  });
  const state = { ...usual, direction: "row", held: null, pinned: false, at: { frame: 0, x: 0.1, y: 0.5 }, ...choices };
  const on = rowAnswer(values, where);
  const beside = offGrid.reduce((sum, weight) => sum + weight, 0);
  const answer = { ...on, offGrid: Float32Array.from(offGrid), mass: on.mass + beside, positive: on.positive + beside, even: on.even + beside };
  const own = ownOf(block, answer, [{ t: 0, y: 0, x: 0 }]);
  const bundle = { classes: [{ name: "rabbit", score: 0.9 }], media: { pts_seconds: [0, 0.5, 1], warnings: [] }, model: { title: "Known" } };
  return {
    bundle, state, block, cell: { t: 0, y: 0, x: 0 }, cells: [{ t: 0, y: 0, x: 0 }], taken: [], index: 0, answer, own, shares: sharesOf(answer), asked: where,
    heat: heatOf(answer, own, state, recipe), shown: 2, alone: false,
  };
}

test("the sentence is the same whatever is drawn", () => {
  const values = [0.5, 0.1, 0.05, 0, 0.2, 0.15];
  const said = "50 % stays on the spot itself, 60 % in its frame; the most elsewhere, 35 %, goes to frame 3.";
  for (const choices of [{}, { scale: "each" }, { curve: "linear" }, { threshold: 20 }, { held: 1 }]) {
    const report = reportOf(drawnOf(values, choices));
    assert.equal(report.spoken(), `Query frame 1, row 1, column 1. ${said}`);
  }
});

test("of several pins each is named: what is asked now, and what each weighs under the pointer", () => {
  const [first, last] = [[0.5, 0.1, 0.05, 0, 0.2, 0.15], [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]].map((values) => drawnOf(values));
  assert.equal(reportOf(last).heading.question, "This spot of frame 1");
  assert.equal(reportOf({ ...last, letter: "B" }).heading.question, "B: this spot of frame 1");
  const [answers, cell] = [[first.answer, last.answer], { t: 1, y: 0, x: 0 }];
  assert.equal(readingsOf(answers, cell, 2, false), "A: 0.05 · 0.3× even share · frame 2, row 1, column 1\nB: 0.2 · 1.2× even share · frame 2, row 1, column 1");
  assert.equal(readingsOf([first.answer], cell, 2, false), "0.05 · 0.3× even share · frame 2, row 1, column 1");
});

test("the scale says how it goes, and when frames do not compare", () => {
  const values = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1];
  assert.equal(reportOf(drawnOf(values)).scaleNote, "Logarithmic scale · one for every frame.");
  assert.equal(reportOf(drawnOf(values, { scale: "each", curve: "root" })).scaleNote, "Square-root scale · of frame 3 alone: heat does not compare.");
});

test("the facts tell what the block adds here, the classes, and what lies beside the picture", () => {
  const report = reportOf(drawnOf([0.1, 0.1, 0.1, 0.1, 0.2, 0.2], {}, [0.2]));
  assert.equal(report.facts, "Beside the picture it looks at class token 20 % · The network says: rabbit 90 % · This block adds 50 % to its input here, 25 % on average");
  assert.match(report.more, /^Proved\. no positions: class token 0\.2 \(1\.2× even share\) · Known, Gaussian/);
  assert.match(reportOf(drawnOf([0.1, 0.1, 0.1, 0.1, 0.2, 0.2], { direction: "column" })).facts, /This block adds 25 % to its input$/);
});

test("the table has the strongest cells", () => {
  const rows = reportOf(drawnOf([0.5, 0.1, 0.05, 0, 0.2, 0.15])).table();
  assert.deepEqual(rows, [["1", "1", "1", "0.5", "3×"], ["3", "1", "1", "0.2", "1.2×"], ["3", "1", "2", "0.15", "0.9×"], ["1", "1", "2", "0.1", "0.6×"], ["2", "1", "1", "0.05", "0.3×"]]);
});

test("the label beside the pointer leaves out the frame where there is one", () => {
  const answer = rowAnswer([0.25, 0.75], grid(1, 1, 2));
  assert.equal(readingOf(answer, { t: 0, y: 0, x: 1 }, 0.75, true), "0.75 · 1.5× even share · row 1, column 2");
  assert.equal(readingOf(answer, { t: 0, y: 0, x: 1 }, 0.75, false), "0.75 · 1.5× even share · frame 1, row 1, column 2");
});
