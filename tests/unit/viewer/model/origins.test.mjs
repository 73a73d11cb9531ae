// Where arrows begin: in the middle of what is asked, and of a difference at the side that they belong to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { linksOf, originsOf } from "../../../../nonlocal_core/viewer/model/origins.js";

const grid = { frames: 3, rows: 4, cols: 8, frame_spans: [[0, 1], [1, 2], [2, 3]], box: [0, 0, 1, 1] };
const cell = (t, y, x) => ({ t, y, x });
const question = (frame, minus = []) => ({ at: { frame }, minus });

test("several cells ask from their middle, those of other frames left out", () => {
  const [{ at, targets }] = originsOf(grid, [{ cells: [cell(1, 0, 1), cell(1, 2, 3), cell(2, 3, 7)], taken: [] }], [question(1)], [["peak"]]);
  assert.deepEqual([at, targets], [{ frame: 1, x: 2.5 / 8, y: 1.5 / 4 }, ["peak"]]);
});

test("of a difference, negative weight is what the taken cells look at", () => {
  const targets = [[{ t: 2, less: false }, { t: 0, less: true }, { t: 2, less: true }]];
  const found = originsOf(grid, [{ cells: [cell(0, 0, 0)], taken: [cell(1, 1, 4)] }], [question(0, [{ frame: 1 }])], targets);
  assert.deepEqual(found.map(({ at }) => [at.frame, at.x]), [[0, 0.5 / 8], [1, 4.5 / 8]]);
  assert.deepEqual(found.map((place) => place.targets.map(({ t }) => t)), [[2], [0, 2]]);
});

test("between the large pictures are arrows of the frame on screen to the frame that is shown", () => {
  const places = [{ at: { frame: 0 }, targets: [{ t: 2 }, { t: 1 }, { t: 2, second: true }] }, { at: { frame: 1 }, targets: [{ t: 2 }] }];
  assert.deepEqual(linksOf(places, { grid, frame: 0, shown: 2, most: 1 }), [{ at: { frame: 0 }, targets: [{ t: 2 }] }]);
  assert.equal(linksOf(places, { grid, frame: 0, shown: 2 })[0].targets.length, 2);
});
