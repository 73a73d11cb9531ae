// What lies over the asked position on the grid of the answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ownOf } from "../../../../nonlocal_core/viewer/model/own.js";
import { blockOf, grid, rowAnswer } from "../records.mjs";

test("the own cell, its neighbours and its frame, with what the cell and the frame hold", () => {
  const where = grid(3, 5, 7);
  const own = ownOf(blockOf(where), rowAnswer(Array(105).fill(1), where), [{ t: 1, y: 2, x: 6 }]);
  const all = [...Array(105).keys()];
  assert.deepEqual(all.filter(own.is), [35 + 20]);
  assert.deepEqual(all.filter(own.near), [12, 13, 19, 20, 26, 27].map((within) => 35 + within)); // rows 1 to 3, columns 5 and 6
  assert.deepEqual([0, 1, 2].filter(own.steps), [1]);
  assert.ok(Math.abs(own.cellShare - 1 / 105) < 1e-12 && Math.abs(own.stepShare - 1 / 3) < 1e-12);
});

test("negative weight is no part of what stays", () => {
  const where = grid(2, 1, 2);
  const own = ownOf(blockOf(where), rowAnswer([-3, 1, 2, 1], where), [{ t: 0, y: 0, x: 0 }]);
  assert.deepEqual([own.cellShare, own.stepShare], [0, 0.25]);
});

test("over a key lie all its queries, those of an odd edge with the last one", () => {
  const queries = grid(1, 7, 8);
  const answer = { ...rowAnswer(Array(56).fill(1), queries), direction: "column" };
  const block = blockOf(queries, [1, 2, 2]);
  const rows = (asked, part) => [...new Set([...Array(56).keys()].filter(ownOf(block, answer, [asked])[part]).map((index) => (index / 8) | 0))];
  assert.deepEqual(rows({ t: 0, y: 1, x: 1 }, "is"), [2, 3]);
  assert.deepEqual(rows({ t: 0, y: 2, x: 1 }, "is"), [4, 5, 6]);
  assert.deepEqual(rows({ t: 0, y: 0, x: 1 }, "near"), [0, 1, 2, 3]);
  assert.deepEqual(rows({ t: 0, y: 1, x: 1 }, "near"), [0, 1, 2, 3, 4, 5, 6], "the neighbour stands for the odd row, too");
  const pairs = { ...rowAnswer(Array(5 * 48).fill(1), grid(5, 6, 8)), direction: "column" };
  const last = ownOf(blockOf(grid(5, 6, 8), [2, 1, 1]), pairs, [{ t: 1, y: 0, x: 0 }]);
  assert.deepEqual([0, 1, 2, 3, 4].filter(last.steps), [2, 3, 4]);
});

test("of several cells each has its place", () => {
  const where = grid(3, 5, 7);
  const own = ownOf(blockOf(where), rowAnswer(Array(105).fill(1), where), [{ t: 0, y: 0, x: 0 }, { t: 2, y: 4, x: 6 }]);
  assert.deepEqual([...Array(105).keys()].filter(own.is), [0, 104]);
  assert.deepEqual([0, 1, 2].filter(own.steps), [0, 2]);
  assert.ok(Math.abs(own.cellShare - 2 / 105) < 1e-12);
});
