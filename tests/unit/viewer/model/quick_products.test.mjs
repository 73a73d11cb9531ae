// Products by WebAssembly are those without, for every number of rows and wherever a table lies in the kernel's memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plainProducts } from "../../../../nonlocal_core/viewer/model/affinity.js";
import { quickProducts } from "../../../../nonlocal_core/viewer/model/quick_products.js";

/** Of the largest score: both sum in float64, in another order. */
const TOLERANCE = 1e-12;

function randomTable(length, seed) {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 31 - 1;
  });
}

function apart(multiply, asked, count) {
  const [quick, plain] = [multiply, plainProducts].map((each) => {
    const scores = new Float64Array(count).fill(NaN);
    each(scores, asked);
    return scores;
  });
  return Math.max(...plain.map((score, i) => Math.abs(score - quick[i]))) / Math.max(...plain.map(Math.abs));
}

test("scores are the same for all numbers of rows, channels and first rows", () => {
  const multiply = quickProducts();
  for (const channels of [16, 18, 48, 63, 264]) {
    const table = randomTable(29 * channels, channels);
    for (const [first, count] of [[0, 29], [0, 1], [3, 6], [5, 23], [28, 1], [7, 4]]) {
      const asked = { vector: randomTable(channels, 7 + first), table, channels, first, step: 1, scale: 0.37 };
      assert.ok(apart(multiply, asked, count) < TOLERANCE, `${channels} channels, ${count} rows from ${first}`);
    }
  }
});

test("steps, few channels and no rows go the plain way", () => {
  const multiply = quickProducts();
  const table = randomTable(40 * 20, 3);
  assert.ok(apart(multiply, { vector: randomTable(20, 4), table, channels: 20, first: 2, step: 3, scale: 2 }, 12) < TOLERANCE);
  assert.ok(apart(multiply, { vector: randomTable(4, 4), table, channels: 4, first: 1, step: 1, scale: 2 }, 12) < TOLERANCE);
  multiply(new Float64Array(0), { vector: randomTable(20, 4), table, channels: 20, first: 0, step: 1, scale: 1 });
});

test("more tables than the memory holds, and a longer row after shorter ones", () => {
  const multiply = quickProducts();
  const channels = 256;
  const rows = 40_000; // 41 MB each: two do not fit
  const tables = [1, 2].map((seed) => randomTable(rows * channels, seed));
  const vector = randomTable(channels, 9);
  for (const [index, first, count] of [[0, 0, 9], [1, 100, 7], [0, rows - 5, 5], [1, 3, 300], [0, 17, 50]]) {
    assert.ok(apart(multiply, { vector, table: tables[index], channels, first, step: 1, scale: 1 }, count) < TOLERANCE, `table ${index} from ${first}`);
  }
});

test("without WebAssembly the plain way is left", () => {
  const { WebAssembly: real } = globalThis;
  const asked = { vector: randomTable(16, 1), table: randomTable(80, 2), channels: 16, first: 0, step: 1, scale: 1 };
  globalThis.WebAssembly = { ...real, CompileError: real.CompileError, Memory: class { constructor() { throw new RangeError("could not allocate memory"); } } };
  try {
    assert.equal(apart(quickProducts(), asked, 5), 0);
  } finally {
    globalThis.WebAssembly = real;
  }
});
