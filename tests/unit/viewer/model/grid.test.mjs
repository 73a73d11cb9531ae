// Points beyond a grid.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cellAt, nearestCell } from "../../../../nonlocal_core/viewer/model/grid.js";
import { grid } from "../records.mjs";

test("a point beyond a grid is answered by its nearest cell", () => {
  const ends = { ...grid(2, 3, 4, [0.25, 0, 0.75, 0.9]), frame_spans: [[0, 2], [2, 4]] };
  assert.deepEqual(nearestCell(ends, { frame: 4, x: 0.1, y: 0.95 }), { t: 1, y: 2, x: 0 });
  assert.deepEqual(nearestCell(ends, { frame: 1, x: 0.5, y: 0.1 }), cellAt(ends, { frame: 1, x: 0.5, y: 0.1 }));
  assert.equal(cellAt(ends, { frame: 4, x: 0.5, y: 0.5 }), null);
});
