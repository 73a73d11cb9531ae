// Numbers in a file's words: as nonlocal_core/render/text.py writes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { threeDigits } from "../../../../nonlocal_core/viewer/model/figure_words.js";

test("numbers have three significant digits", () => {
  const said = [0, 0.0125, 12.5, 733.4, 1009.6, 1500, 98765, 9.3e-5, 3.204e-7, 2e6, -0.5].map(threeDigits);
  assert.deepEqual(said, ["0", "0.0125", "12.5", "733", "1010", "1500", "98800", "9.3e-05", "3.2e-07", "2e+06", "-0.5"]);
});
