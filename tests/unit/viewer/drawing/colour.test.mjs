// Weights as pixels.

import assert from "node:assert/strict";
import { test } from "node:test";
import { colourise, colouriseTogether, inkOf, opacityOf, paletteOf, pinPaletteOf, rampsOf } from "../../../../nonlocal_core/viewer/drawing/colour.js";
import { grid, recipe } from "../records.mjs";

const ramps = rampsOf(recipe);
const heat = { unit: 2, tops: [100, 4], least: 1.000001, curve: Math.log, negatives: false };
const bytes = (word) => [word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24];

test("heat starts faint and ends at the chosen strength", () => {
  assert.deepEqual([0, 1].map((tone) => opacityOf(tone, 80, recipe)), [0.2, 0.8]);
  const palette = paletteOf(ramps, 80, recipe);
  assert.deepEqual([bytes(palette[0]), bytes(palette[255]), bytes(palette[256 + 255])], [[0, 0, 0, 51], [255, 0, 0, 204], [0, 0, 255, 204]]);
});

test("a pixel follows its weight, sign and the top of its own temporal cell; without heat it is empty", () => {
  const palette = paletteOf(ramps, 80, recipe);
  const words = new Uint32Array(8);
  const values = Float32Array.from([0, 0.5, 5, 50, -50, 1, 2, 9]);
  colourise(values, grid(2, 1, 4), heat, palette, words);
  assert.deepEqual([...words].map((word) => word >>> 24 > 0), [false, false, true, true, false, true, true, true]);
  assert.equal(words[2], palette[128], "10 times an even share is half of 100 on a logarithm");
  assert.deepEqual([words[3], words[6], words[7]], [palette[255], palette[255], palette[255]]);
  colourise(values, grid(2, 1, 4), { ...heat, negatives: true }, palette, words);
  assert.equal(words[4], palette[511]);
});

test("lines have the colour of their tone without transparency", () => {
  assert.deepEqual([inkOf(ramps, 1, false), inkOf(ramps, 1, true)], ["rgb(255 0 0)", "rgb(0 0 255)"]);
});

test("of several pins the strongest has the pixel, in its colour and on the scale of all", () => {
  const palette = pinPaletteOf(ramps, 80, recipe);
  const words = new Uint32Array(4);
  const layer = (unit, ...values) => ({ values: Float32Array.from(values), heat: { ...heat, unit, tops: [100] } });
  colouriseTogether([layer(1, 10, 1, 90, 10), layer(2, 4, 0, 60, 5), layer(1, 9, 1, 2, 0)], grid(1, 1, 4), palette, words);
  const level = (times) => Math.round((255 * Math.log(times)) / Math.log(100));
  assert.deepEqual([...words], [palette[level(10)], 0, palette[256 + 255], palette[level(10)]], "A at 10, nothing, B at 120, A before B where they are equal");
});
