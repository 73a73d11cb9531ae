// Sentences and numbers that a person reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { timesEven } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { effectWords, headingWords, percent, spokenWords, timesWords, weightWords } from "../../../../nonlocal_core/viewer/model/words.js";
import { grid } from "../records.mjs";

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
