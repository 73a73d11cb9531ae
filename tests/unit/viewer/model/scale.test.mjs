// The colour scale of an answer, and what it leaves out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { toneOf } from "../../../../nonlocal_core/viewer/drawing/colour.js";
import { ownOf, scaleOf } from "../../../../nonlocal_core/viewer/model/scale.js";
import { noticeWords } from "../../../../nonlocal_core/viewer/model/words.js";
import { blockOf, grid, rowAnswer } from "../records.mjs";

test("the scale leaves out the own frame, and says how far that goes beyond", () => {
  const where = grid(3, 1, 2);
  const answer = rowAnswer([0.01, 0.02, 0.6, 0.1, 0.17, 0.1], where);
  const own = ownOf(blockOf(where), answer, { t: 1, y: 0, x: 0 });
  assert.equal(own.kind, "frame");
  const others = scaleOf(answer, own, "others");
  assert.ok(Math.abs(others.shared - 0.17) < 1e-7 && Math.abs(others.beyond - 0.6) < 1e-7);
  const all = scaleOf(answer, own, "all");
  assert.ok(Math.abs(all.shared - 0.6) < 1e-7 && all.beyond === 0);
  const each = scaleOf(answer, own, "each");
  assert.ok(Math.abs(each.peaks[1] - 0.6) < 1e-7);
});

test("a picture leaves out the own place: the cell over the query and its neighbours", () => {
  const where = grid(1, 5, 7);
  const own = ownOf(blockOf(where), rowAnswer(Array(35).fill(1), where), { t: 0, y: 2, x: 6 });
  assert.equal(own.kind, "place");
  assert.ok(Math.abs(own.share - 6 / 35) < 1e-9);
  const held = [...Array(35).keys()].filter(own.holds);
  assert.deepEqual(held, [12, 13, 19, 20, 26, 27]); // rows 1 to 3, columns 5 and 6
});

test("the own place of a column is all queries over the key and its neighbours", () => {
  const queries = grid(1, 6, 8);
  const answer = { ...rowAnswer(Array(48).fill(1), queries), direction: "column" };
  const own = ownOf(blockOf(queries, [1, 2, 2]), answer, { t: 0, y: 1, x: 1 });
  const covers = (y, x) => own.holds(y * 8 + x);
  assert.ok(covers(2, 2) && covers(3, 3) && covers(0, 0) && covers(5, 5));
  assert.ok(!covers(2, 6) && !covers(3, 7));
  const pairs = { ...rowAnswer(Array(5 * 48).fill(1), grid(5, 6, 8)), direction: "column" };
  const first = ownOf(blockOf(grid(5, 6, 8), [2, 1, 1]), pairs, { t: 0, y: 0, x: 0 });
  const last = ownOf(blockOf(grid(5, 6, 8), [2, 1, 1]), pairs, { t: 1, y: 0, x: 0 });
  assert.deepEqual([0, 1, 2, 3, 4].filter(first.ownsFrame), [0, 1]);
  assert.deepEqual([0, 1, 2, 3, 4].filter(last.ownsFrame), [2, 3, 4]);
});

test("attention within frames leaves out places, for no other frame can answer", () => {
  const where = grid(4, 3, 3);
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { scope: "space" }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "place");
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { temporal_groups: 4 }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "place");
  assert.equal(ownOf(blockOf(where, [1, 1, 1], { temporal_groups: 2 }), rowAnswer(Array(36).fill(1), where), { t: 0, y: 0, x: 0 }).kind, "frame");
});

test("a nearly flat answer is not stretched", () => {
  const where = grid(2, 2, 3);
  const flat = rowAnswer(Array(12).fill(1 / 12).map((v, i) => v * (1 + 0.1 * (i % 2))), where);
  const own = ownOf(blockOf(where), flat, { t: 0, y: 0, x: 0 });
  const scale = scaleOf(flat, own, "others");
  assert.ok(scale.flat && scale.flatness > 1 && scale.flatness < 1.2);
  assert.ok(toneOf(flat.values[7], scale.shared, 0) < 0.6);
  assert.match(noticeWords({ block: { pairwise: "gaussian" }, answer: flat, scale }), /Nearly flat/);
  const peaked = rowAnswer([0, 0, 0, 0, 0, 0, 0.9, 0.02, 0.02, 0.02, 0.02, 0.02], where);
  assert.ok(!scaleOf(peaked, own, "others").flat);
});

test("when everything lies in what is left out, it is shown after all", () => {
  const where = grid(2, 1, 2);
  const answer = rowAnswer([0.7, 0.3, 0, 0], where);
  const scale = scaleOf(answer, ownOf(blockOf(where), answer, { t: 0, y: 0, x: 0 }), "others");
  assert.ok(Math.abs(scale.shared - 0.7) < 0.31 && scale.beyond === 0);
  const zero = rowAnswer([0, 0, 0, 0], where);
  assert.equal(scaleOf(zero, ownOf(blockOf(where), zero, { t: 0, y: 0, x: 0 }), "others").shared, 0);
});
