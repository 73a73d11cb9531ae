// Formulas taken apart, and the numbers behind their terms against slow sums.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rowOf, timesEven } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { numberWords, piecesOf, powerWords, termsOf, vectorWords, workOf } from "../../../../nonlocal_core/viewer/model/formula.js";

const grid = { frames: 1, rows: 1, cols: 3, frame_spans: [[0, 1]], box: [0, 0, 1, 1] };
const THETA = [[0.5, -1], [2, 0.25], [0, 1]];
const PHI = Float32Array.from([1, 2, -0.5, 4, 3, 0.5]);

function block(pairwise, channels = 2) {
  return {
    pairwise, channels, scale: 0.5, scope: "spacetime", temporal_groups: 1, off_grid_keys: [], keyCount: 3,
    softmax: pairwise === "embedded_gaussian", query_grid: grid, key_grid: grid, subsample: [1, 1, 1], ownKey: (cell) => cell,
    theta: { row: (i) => Float32Array.from(THETA[i].slice(0, channels)) }, phi: channels === 2 ? PHI : Float32Array.from([1, -3, 0.25]),
  };
}

function asked(pairwise, channels) {
  const cell = { t: 0, y: 0, x: 1 };
  const own = block(pairwise, channels);
  return { block: own, cell, answer: rowOf(own, cell) };
}

test("a formula is text with terms between", () => {
  const found = termsOf("[y_i|query] = Σ_{j near i} [x_j|key]^2");
  assert.deepEqual(found.map(({ part }) => part), ["query", null, "key", null]);
  assert.deepEqual(found[0].pieces, [{ text: "y", script: "" }, { text: "i", script: "sub" }]);
  assert.deepEqual(found[1].pieces, [{ text: " = Σ", script: "" }, { text: "j near i", script: "sub" }, { text: " ", script: "" }]);
  assert.deepEqual(found[3].pieces, [{ text: "2", script: "sup" }]);
  assert.throws(() => termsOf("[y|heart]"), /heart/);
});

test("text without marks stays one piece", () => {
  assert.deepEqual(piecesOf("plain <b>"), [{ text: "plain <b>", script: "" }]);
});

test("e to the score over C is the weight of a softmax", () => {
  const found = asked("embedded_gaussian");
  for (const x of [0, 1, 2]) {
    const work = workOf(found, { t: 0, y: 0, x });
    const scores = [0, 1, 2].map((j) => 0.5 * (2 * PHI[2 * j] + 0.25 * PHI[2 * j + 1]));
    const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
    assert.ok(Math.abs(work.logF - scores[x]) < 1e-6);
    assert.ok(Math.abs(Math.exp(work.logC) - sum) < 1e-5 * sum);
    assert.ok(Math.abs(work.weight - Math.exp(scores[x]) / sum) < 1e-6);
    assert.equal(work.times, timesEven(found.answer, work.weight));
  }
});

test("f over N is the weight of the others", () => {
  const dot = workOf(asked("dot_product"), { t: 0, y: 0, x: 2 });
  assert.equal(dot.f, 2 * 3 + 0.25 * 0.5);
  assert.ok(Math.abs(dot.weight - dot.f / 3) < 1e-6);
  const found = asked("concatenation", 1);
  const [most, none] = [0, 1].map((x) => workOf(found, { t: 0, y: 0, x }));
  assert.equal(most.f, 3);
  assert.ok(Math.abs(most.weight - 1) < 1e-6);
  assert.deepEqual([none.score, none.f, none.weight], [-1, 0, 0]);
});

test("numbers are said as people write them", () => {
  assert.equal(powerWords(0), "1");
  assert.equal(powerWords(Math.log(12)), "12");
  assert.equal(powerWords(Math.log(2.5e7)), "2.5·10^{7}");
  assert.equal(powerWords(-1000 * Math.LN10), "1.0·10^{−1000}");
  assert.equal(powerWords(2000 * Math.LN10), "1.0·10^{2000}", "no number holds this one");
  assert.equal(numberWords(-0.12345), "−0.123");
  assert.equal(vectorWords([1, -2, 3.14159, 4]), "(1, −2, 3.14, …), 4 numbers");
  assert.equal(vectorWords([0.5]), "(0.5)");
});
