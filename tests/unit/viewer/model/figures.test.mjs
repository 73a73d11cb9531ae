import assert from "node:assert/strict";
import { test } from "node:test";

import { shareDifferences } from "../../../../nonlocal_core/viewer/model/figures.js";

test("what rounding leaves between two shares that are alike is no difference", () => {
  assert.deepEqual([...shareDifferences([0.75, 1 - 1e-8, 0.2], [0.25, 1, 0.2004])].slice(0, 2), [0.5, 0]);
  assert.ok(shareDifferences([0.2], [0.2004])[0] < 0);
});
