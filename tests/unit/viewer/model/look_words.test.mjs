// The words of a link that say how an answer is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { arrowsOf, lookIn, wordsOf } from "../../../../nonlocal_core/viewer/model/look_words.js";
import { recipe, usual } from "../records.mjs";

test("words say what differs from the usual, and are read back", () => {
  assert.deepEqual(lookIn("", recipe), usual);
  for (const words of ["", "each", "root-smooth", "plain-negatives-bare-apart", "over3-strength50-arrows8", "each-linear-over999"]) {
    assert.equal(wordsOf(lookIn(words, recipe), recipe), words);
  }
  assert.equal(wordsOf(lookIn("smooth-each", recipe), recipe), "each-smooth", "always in one order");
  assert.deepEqual(lookIn("each-nonsense-constructor-over", recipe), { ...usual, scale: "each" });
});

test("arrows are as many as suit the clip, unless somebody says", () => {
  assert.deepEqual([[null, 8], [null, 1], [0, 8], [5, 1]].map(([count, frames]) => arrowsOf({ count }, frames, recipe)), [12, 6, 0, 5]);
});
