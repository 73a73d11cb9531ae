// Heat of an answer: its scale, its peaks, its colour bar, the bars of its frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { barHeights, heatOf, peaksOf, shows, ticksOf, togetherOf, toneOf } from "../../../../nonlocal_core/viewer/model/heat.js";
import { ownOf } from "../../../../nonlocal_core/viewer/model/own.js";
import { noticeWords } from "../../../../nonlocal_core/viewer/model/words.js";
import { blockOf, grid, recipe, rowAnswer, usual } from "../records.mjs";

const where = grid(3, 4, 5);
const asked = { t: 1, y: 0, x: 0 };

/** Heat of weights on `where`, all 1 but those given as { index: weight }. */
function heated(weights, choices = {}, top = null) {
  const values = Array(60).fill(1);
  for (const [index, weight] of Object.entries(weights)) values[index] = weight;
  const answer = rowAnswer(values, where);
  const own = ownOf(blockOf(where), answer, [asked]);
  return { answer, own, heat: heatOf(answer, own, { ...usual, ...choices }, recipe, top) };
}

test("full heat is the strongest cell beyond the asked place, which may go further", () => {
  const { answer, heat } = heated({ 20: 3000, 45: 900 });
  const times = (weight) => (weight * 60) / answer.mass;
  assert.ok(Math.abs(heat.tops[0] - 30) < 1e-9, "never less than the least top");
  assert.ok(Math.abs(heat.beyond - times(3000)) < 1e-4);
  const sharp = heated({ 45: 3000, 20: 100 });
  assert.ok(Math.abs(sharp.heat.tops[2] - times(3000) * (answer.mass / sharp.answer.mass)) < 1e-4 && sharp.heat.beyond === 0);
});

test("each frame by itself has its own top, several answers may share one", () => {
  const { heat } = heated({ 5: 40, 45: 900 }, { scale: "each" });
  assert.ok(heat.tops[0] < heat.tops[2] && heat.tops[1] === recipe.least_top.each);
  assert.deepEqual([...heated({ 45: 900 }, {}, 77).heat.tops], [77, 77, 77]);
});

test("an even share and less has no heat; more has more; a threshold hides the rest", () => {
  const { heat } = heated({ 45: 900 });
  assert.deepEqual([0.2, 1, 1.5, 30].map((times) => shows(heat, times)), [false, false, true, true]);
  for (const curve of ["log", "root", "linear"]) {
    const tones = [0.5, 1, 2, 10, 30, 90].map((times) => toneOf(heated({ 45: 900 }, { curve }).heat, times, 30));
    assert.deepEqual([tones[0], tones[1], tones[4], tones[5]], [0, 0, 1, 1]);
    assert.ok(tones[2] > 0 && tones[3] > tones[2] && tones[3] < 1, curve);
  }
  const hidden = heated({ 45: 900 }, { threshold: 5 }).heat;
  assert.deepEqual([4.9, 5].map((times) => shows(hidden, times)), [false, true]);
});

test("a nearly even answer says so and is not stretched", () => {
  const { heat, answer } = heated({ 45: 1.5 });
  assert.ok(heat.flat && toneOf(heat, heat.largest, heat.tops[2]) < 0.15);
  assert.match(noticeWords({ block: { pairwise: "gaussian" }, answer, heat }), /Nearly even: no cell has more than 1\.5× an even share/);
  assert.ok(!heated({ 45: 900 }).heat.flat);
});

test("negative weight is a peak of a difference alone, drawn or not", () => {
  const [plain, signed] = [false, true].map((negatives) => heated({ 45: -900, 57: 300 }, { negatives }));
  const peaks = ({ answer, own, heat }, surplus = false) => peaksOf({ ...answer, surplus }, own, heat, 9, recipe);
  assert.deepEqual([peaks(plain), peaks(signed), peaks(signed, true)], [[57], [57], [45, 57]]);
});

test("peaks outweigh their neighbours and lie in other frames where those have any", () => {
  const far = heated({ 22: 900, 45: 900, 46: 800, 50: 700, 59: 600, 3: 500 });
  assert.deepEqual(peaksOf(far.answer, far.own, far.heat, 9, recipe), [45, 59, 3], "46 and 50 lie beside 45");
  assert.deepEqual(peaksOf(far.answer, far.own, far.heat, 1, recipe), [45]);
  const near = heated({ 20: 900, 34: 500 });
  assert.deepEqual(peaksOf(near.answer, near.own, near.heat, 9, recipe), [34], "nothing but the own frame, without the own place");
});

test("ticks are round numbers with room between them", () => {
  const { heat } = heated({ 45: 900 });
  assert.deepEqual(ticksOf(heat, 30, recipe).map(([, times]) => times), [1, 2, 5, 10, 20]);
  const linear = heated({ 45: 900 }, { curve: "linear" }).heat;
  assert.deepEqual(ticksOf(linear, 30, recipe).map(([, times]) => times), [1, 5, 10, 20]);
});

test("bars are on one scale; one that dwarfs the others is cut and stays the highest", () => {
  assert.deepEqual(barHeights([0.2, 0.4], recipe), { heights: [0.5, 1], cut: -1 });
  assert.deepEqual(barHeights([0.9, 0.01, 0.02], recipe), { heights: [1, 0.25, 0.5], cut: 0 });
  assert.deepEqual(barHeights([0, 0], recipe), { heights: [0, 0], cut: -1 });
});

test("pins share one scale, that of the strongest, frame by frame", () => {
  const heats = togetherOf([{ tops: [30, 50], highests: [40, 45], unit: 1 }, { tops: [60, 30], highests: [70, 10], unit: 2 }]);
  assert.deepEqual(heats.map(({ tops, beyond }) => [tops, beyond]), [[[60, 50], 0], [[60, 50], 70]]);
});
