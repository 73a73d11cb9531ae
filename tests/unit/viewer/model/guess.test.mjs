// Guesses: what marked cells capture, the guess of a class, and codes that strangers send.

import assert from "node:assert/strict";
import { test } from "node:test";
import { classGuess, codeOf, countsOf, guessesIn, scoreOf } from "../../../../nonlocal_core/viewer/model/guess.js";

/** Three rows of five cells; cell 6 asks. */
const question = {
  id: "0a1b2c3d", rows: 3, cols: 5, own: 6,
  weights: [0.1, 0, 0, 0.05, 0, 0.2, 0, 0.3, 0, 0, 0, 0.05, 0, 0.3, 0],
  colour: [13, 7, 5, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 14], place: [1, 5, 7, 11, 0, 2, 10, 12, 8, 3, 13, 4, 9, 14],
};
const near = (found, expected) => Object.entries(expected).forEach(([name, value]) => assert.ok(Math.abs(found[name] - value) < 1e-12, `${name}: ${found[name]}`));

test("marks capture the weight of their cells, without the asked one, and each cell once", () => {
  near(scoreOf(question, [7, 0, 6, 7]), { cells: 2, guess: 0.4, colour: 0.6, blob: 0.2, even: 2 / 14, best: 0.6 });
  assert.equal(scoreOf(question, [6]), null);
  assert.equal(scoreOf(question, []), null);
});

test("of a class's counts the cells count that come nearest to what one reader marks", () => {
  const guesses = [[7, 13], [7, 13, 0], [7, 2], [7, 3]];
  const counts = countsOf(question, guesses);
  assert.deepEqual([counts[7], counts[13], counts[0], counts[1]], [4, 2, 1, 0]);
  assert.deepEqual(classGuess(counts, 4), { least: 2, cells: [7, 13] }, "2.25 cells on average: two, not one or five");
  assert.deepEqual(classGuess(countsOf(question, [[1, 1, 2]]), 1), { least: 1, cells: [1, 2] });
  assert.equal(classGuess(countsOf(question, []), 0), null);
});

test("a code gives back the marks, whatever stands round it", () => {
  for (const marks of [[0], [14], [0, 7, 8, 14], Array.from({ length: 15 }, (_, index) => index)]) {
    const code = codeOf(question, marks);
    assert.match(code, /^[\w-]+$/);
    assert.deepEqual(guessesIn(`\n ${code}\t\n`, question), { guesses: [marks], others: 0, unread: 0 });
  }
  assert.equal(guessesIn(`${codeOf(question, [1])} ${codeOf(question, [2])}`, question).guesses.length, 2);
});

test("what is no code of this question is counted and not taken", () => {
  const other = codeOf({ ...question, id: "ffffffff" }, [3]);
  const longer = codeOf({ ...question, rows: 9 }, [3]);
  const found = guessesIn(`${other} ${longer} <script> 0a1b2c3d-!!!! 0a1b2c3d-AA 0A1B2C3D-AAA hello`, question);
  assert.deepEqual(found, { guesses: [], others: 1, unread: 6 });
  assert.equal(guessesIn(`${codeOf(question, [1])} `.repeat(2000), question).guesses.length, 500, "no more than a class has");
});
