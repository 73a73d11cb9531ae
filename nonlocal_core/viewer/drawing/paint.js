// Pixels of heat: one small canvas per frame that the browser scales up.

import { colourise, colouriseTogether, paletteOf, pinPaletteOf } from "./colour.js";

/** Smoothing computes this many values per cell along each side; odd, so that the middle of a cell keeps its weight. */
const SMOOTH_FACTOR = 5;

/** Give a canvas the pixels of its box on this screen; returns its context. */
export function fit(canvas, width, height, ratio) {
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  return canvas.getContext("2d");
}

/** Heat of all temporal cells of an answer, as ImageData per temporal cell; the buffers are kept between answers. */
export class HeatPainter {
  #images = [];
  #words = new Uint32Array(0);
  #palettes = null;
  #strength = null;

  /** `ramps` and `recipe` are of the bundle's look. */
  constructor({ ramps, recipe }) {
    Object.assign(this, { ramps, recipe });
  }

  /** Returns one ImageData per temporal cell; they are valid until the next call. */
  paint({ grid, values }, heat, { strength, smooth }) {
    const { fine, spread } = this.#prepare(grid, strength, smooth);
    colourise(spread(values), fine, heat, this.#palettes.heat, this.#words);
    return this.#images;
  }

  /** The same for answers of several pins, with their heats on one scale. */
  paintTogether(answers, heats, { strength, smooth }) {
    const { fine, spread } = this.#prepare(answers[0].grid, strength, smooth);
    colouriseTogether(answers.map(({ values }, pin) => ({ values: spread(values), heat: heats[pin] })), fine, this.#palettes.pins, this.#words);
    return this.#images;
  }

  #prepare(grid, strength, smooth) {
    if (this.#strength !== strength) {
      this.#palettes = { heat: paletteOf(this.ramps, strength, this.recipe), pins: pinPaletteOf(this.ramps, strength, this.recipe) };
    }
    this.#strength = strength;
    const factor = smooth ? SMOOTH_FACTOR : 1;
    const fine = { frames: grid.frames, rows: grid.rows * factor, cols: grid.cols * factor };
    this.#resize(fine);
    return { fine, spread: (values) => (smooth ? upsample(values, grid, factor) : values) };
  }

  #resize({ frames, rows, cols }) {
    const [first] = this.#images;
    if (this.#images.length === frames && first.width === cols && first.height === rows) return;
    const perFrame = rows * cols;
    this.#words = new Uint32Array(frames * perFrame);
    this.#images = Array.from({ length: frames }, (_, t) => (
      new ImageData(new Uint8ClampedArray(this.#words.buffer, t * perFrame * 4, perFrame * 4), cols, rows)
    ));
  }
}

export function putHeat(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Bilinear, between cell centres: values are mixed, never colours. */
export function upsample(values, { frames, rows, cols }, factor) {
  const out = new Float32Array(frames * rows * cols * factor * factor);
  const across = Array.from({ length: cols * factor }, (_, x) => between(x, factor, cols));
  let n = 0;
  for (let t = 0; t < frames; t++) {
    for (let y = 0; y < rows * factor; y++) {
      const [above, below, down] = between(y, factor, rows);
      const [top, bottom] = [(t * rows + above) * cols, (t * rows + below) * cols];
      for (const [left, right, over] of across) {
        const upper = values[top + left] * (1 - over) + values[top + right] * over;
        const lower = values[bottom + left] * (1 - over) + values[bottom + right] * over;
        out[n++] = upper * (1 - down) + lower * down;
      }
    }
  }
  return out;
}

function between(index, factor, count) {
  const at = Math.min(Math.max((index + 0.5) / factor - 0.5, 0), count - 1);
  const low = Math.floor(at);
  return [low, Math.min(low + 1, count - 1), at - low];
}
