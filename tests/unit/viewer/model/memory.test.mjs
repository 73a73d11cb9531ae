// The forecast of a run's memory: more frames, larger frames and more networks need more, and what does not fit is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryWords, pageBytes, runBytes } from "../../../../nonlocal_core/viewer/model/memory.js";

const GIB = 2 ** 30;
const FILTER = { most: 12288, vectors: { patches: { patch: 5, h: 0.1 } } };
const run = (frames, inputHw = [224, 384], filter = undefined) => ({ frames, inputHw, filter });

test("a forecast grows with frames, with their size, with what is shown and with networks", () => {
  const needs = (...runs) => runBytes(runs, 1e6);
  assert.ok(needs(run(1)) < needs(run(8)) && needs(run(8)) < needs(run(16)));
  assert.ok(needs(run(8)) < needs(run(8, [224, 1024])));
  assert.ok(needs(run(8)) < runBytes([run(8)], 8e6));
  assert.ok(needs(run(8)) < needs(run(8), run(8)) && needs(run(8), run(8)) < 2 * needs(run(8)), "one runs after the other");
  assert.ok(needs(run(64)) > 4 * needs(run(16)) - 3 * needs(run(1)), "pairs of positions grow with the square");
});

test("a filter never needs much more than its largest grid", () => {
  const [few, many] = [64, 256].map((frames) => runBytes([run(frames, [224, 384], FILTER)], 0));
  assert.ok(Math.abs(few - many) < 0.02 * few); // sides are whole numbers
});

test("a page has half of a computer, and at most what WebAssembly reaches", () => {
  assert.deepEqual([1, 4, 32, undefined].map((gib) => pageBytes(gib) / GIB), [0.5, 2, 4, 4]);
});

test("what does not fit is told with both numbers, and what fits is not", () => {
  assert.equal(memoryWords(GIB, GIB), "");
  assert.match(memoryWords(5.2 * GIB, 4 * GIB), /^This run needs about 5\.2 GiB of memory, and this browser has 4\.0 GiB for the page\. /);
});
