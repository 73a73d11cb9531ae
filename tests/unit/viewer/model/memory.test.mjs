// The forecast of a run's memory: more frames, larger frames and more networks need more, and what does not fit is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryWords, pageBytes, runBytes } from "../../../../nonlocal_core/viewer/model/memory.js";

const GIB = 2 ** 30;
const FILTER = { most: 12288, vectors: { patches: { patch: 5, h: 0.1 } } };
const run = (frames, inputHw = [224, 384], filter = undefined, adds = 3) => ({ frames, inputHw, filter, adds });
/** Peaks of Chromium's process in MB, of runs and of pixels that are shown, as they were measured. */
const SAMPLE = 360 * 640;
const MEASURED = [
  [[run(4)], 4 * SAMPLE, 390], [[run(12)], 12 * SAMPLE, 464], [[run(16)], 16 * SAMPLE, 565], [[run(20)], 20 * SAMPLE, 655], [[run(20, [224, 384], undefined, 2)], 20 * SAMPLE, 543],
  [[run(10, [224, 960])], 10 * 240 * 1040, 780], [[run(14, [224, 224], undefined, 0)], 14 * 480 * 480, 348], [[run(6, [224, 960], undefined, 0)], 6 * 240 * 1040, 284],
  [Array(5).fill(run(6, [224, 960])), 6 * 240 * 1040, 612], [Array(5).fill(run(8, [224, 224])), 8 * 480 * 480, 396],
  [[run(8, [224, 384], undefined, 2)], 8 * SAMPLE, 359], [[run(14, [224, 224])], 14 * 480 * 480, 368], [[run(8, [224, 224], undefined, 0)], 8 * 480 * 480, 302],
  [Array(5).fill(run(12)), 12 * SAMPLE, 589],
];

test("a forecast grows with frames, with their size, with what is shown and with networks", () => {
  const needs = (...runs) => runBytes(runs, 1e6);
  assert.ok(needs(run(1)) < needs(run(8)) && needs(run(8)) < needs(run(16)));
  assert.ok(needs(run(8)) < needs(run(8, [224, 1024])));
  assert.ok(needs(run(8)) < runBytes([run(8)], 8e6));
  assert.ok(needs(run(8)) < needs(run(8), run(8)) && needs(run(8), run(8)) < 2 * needs(run(8)), "one runs after the other");
  assert.ok(needs(run(64)) > 4 * needs(run(16)) - 3 * needs(run(1)), "pairs of positions grow with the square");
});

test("forecasts are within a fifth of what was measured", () => {
  for (const [runs, pixels, measured] of MEASURED) {
    const apart = runBytes(runs, pixels) / (1e6 * measured) - 1;
    assert.ok(Math.abs(apart) < 0.2, `${JSON.stringify(runs)}: ${(100 * apart).toFixed(0)} % off`);
  }
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
