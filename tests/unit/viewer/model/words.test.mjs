// Sentences and numbers that a person reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { timesEven } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { answerWords, effectWords, percent, quantitiesOf, shownWords, spreadWords, timesWords, weightWords } from "../../../../nonlocal_core/viewer/model/words.js";
import { askBlock } from "../../../../nonlocal_core/viewer/model/answer.js";
import { blockOf, grid } from "../records.mjs";

test("numbers are said plainly", () => {
  assert.deepEqual([0, 0.0004, 0.0312, 0.0996, 0.43, 1].map(percent), ["0 %", "<0.1 %", "3.1 %", "10 %", "43 %", "100 %"]);
  assert.deepEqual([0, 0.01234, 1, -0.5, 5.1e-8].map(weightWords), ["0", "0.0123", "1", "−0.5", "5.1·10⁻⁸"]);
  assert.deepEqual([0, 0.01, 1.26, 143.4].map(timesWords), ["0×", "<0.1×", "1.3×", "143×"]);
  assert.equal(timesEven({ even: 1, count: 200 }, 0.01), 2);
  assert.equal(effectWords({ effect: 0 }, null), "This block changes nothing: what it adds is zero everywhere");
  assert.equal(effectWords({ effect: 0.25, head_count: 1 }, null), "This block adds 25 % to its input");
  for (const block of [{ effect: 0.25, head_count: 4 }, { effect: 0.25, heads: [{}, {}] }])
    assert.equal(effectWords(block, 0.5), "The layer, all heads together, adds 50 % to its input here, 25 % on average");
  assert.equal(effectWords({ effect: null }, null), "");
});

test("a number and its unit are one part of a text", () => {
  assert.deepEqual(quantitiesOf("Of it (<0.1 % of all), 17 % in 2.50 s; 3 spots."), ["Of it (", "<0.1 %", " of all), ", "17 %", " in ", "2.50 s", "; 3 spots."]);
  assert.deepEqual(["17 %", "row 3, column 2", ""].map(quantitiesOf), [["17 %"], ["row 3, column 2"], [""]]);
});

/** The sentence about a dot product of one channel whose keys weigh what `phi` says, asked at its first cell. */
function said(phi, where, facts = {}, direction = "row") {
  const theta = { row: () => Float32Array.of(1), all: () => new Float32Array(phi.length).fill(1) };
  const block = blockOf(where, [1, 1, 1], { pairwise: "dot_product", channels: 1, keyCount: phi.length, off_grid_keys: [], theta, phi: Float32Array.from(phi), ...facts });
  return answerWords(askBlock(block, direction, { at: { frame: 0, x: 0.01, y: 0.01 } }));
}

test("the sentence says what stays and where the most of the others goes", () => {
  assert.equal(said([1, 1, 2, 0, 4, 2], grid(3, 1, 2)), "10 % stays on the spot itself, 20 % in its frame; the most elsewhere, 60 %, goes to frame 3.");
  assert.equal(said([1, 1, 2], grid(1, 1, 3)), "25 % stays on the spot itself; the most elsewhere, 50 %, goes to row 1, column 3.");
  assert.equal(said([1, 3, 0, 0], grid(2, 1, 2)), "25 % stays on the spot itself; the most elsewhere, 75 %, goes to row 1, column 2 in its frame.");
  assert.equal(said([1, 0, 0, 0], grid(2, 1, 2)), "100 % stays on the spot itself; nothing goes to other places in its frame.");
  assert.equal(said([0, 0, 0, 0], grid(2, 1, 2)), "Looks nowhere: every weight is zero.");
  assert.equal(said([1, 1, 2, 0, 4, 2], grid(3, 1, 2), {}, "column"), "17 % comes from the spot itself, 33 % from its frame; the most elsewhere, 33 %, comes from frame 2.");
});

test("of a dot product it counts positive weight, and says so", () => {
  assert.equal(said([1, -7, 2, 1, -9, 0], grid(3, 1, 2), { signed: true }), "Of the positive weight (20 % of all), 25 % stays on the spot itself, 25 % in its frame; the most elsewhere, 75 %, goes to frame 2.");
  assert.equal(said([-1, -1], grid(1, 1, 2), { signed: true }), "Looks nowhere: no weight is positive.");
});

test("large counts are read in threes, as on every page", () => {
  assert.equal(spreadWords({ count: 10752 }, 1234.4), "spread over about 1,234 of all 10,752 cells");
  assert.equal(spreadWords({ count: 12 }, 0.2), "spread over about 1 of all 12 cells");
});

test("over the large picture stands which frame it is and what that gets", () => {
  const drawn = { answer: { direction: "row", grid: grid(4, 8, 9) }, shares: [0.1, 0.1, 0.37, 0.43] };
  assert.deepEqual(shownWords(drawn, { held: null }, 3), { lead: "Frame 4 gets", figure: "43 %" });
  assert.equal(shownWords({ ...drawn, answer: { ...drawn.answer, direction: "column" } }, { held: 1 }, 1).lead, "Frame 2 gives");
  assert.equal(shownWords(drawn, { held: 7 }, -1).lead, "No key lies in frame 8");
  const joined = { ...grid(2, 8, 9), frame_spans: [[0, 2], [2, 3]] };
  const leads = [0, 1].map((shown) => shownWords({ ...drawn, answer: { direction: "row", grid: joined } }, { held: null }, shown).lead);
  assert.deepEqual(leads, ["Frames 1 to 2 get", "Frame 3 gets"]);
});
