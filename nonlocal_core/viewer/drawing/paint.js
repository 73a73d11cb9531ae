// Pixels: photographs, dimmed photographs, and heat as one small canvas per frame that the browser scales up.

import { colourise } from "./colour.js";

/** Photographs are dimmed under heat, so that the glow is seen; a veil keeps dark scenes readable. */
const DESATURATION = "rgb(128 128 128 / 0.75)";
const DIMMING = "#8e8e98";
const VEIL = "rgb(96 96 108 / 0.2)";
/** Dimmed photographs that are kept for the next time: those of a usual clip, a few tens of megabytes at most. */
const MOST_KEPT = 12;
/** Smoothing computes this many values per cell along each side; odd, so that the middle of a cell keeps its weight. */
const SMOOTH_FACTOR = 5;

/** Give a canvas the pixels of its box on this screen; returns its context. */
export function fit(canvas, width, height, ratio) {
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  return canvas.getContext("2d");
}

export function drawPhoto(context, photo, dimmed) {
  const { width, height } = context.canvas;
  context.globalCompositeOperation = "source-over";
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, 0, 0, width, height);
  if (!dimmed) return;
  for (const [mode, colour] of [["saturation", DESATURATION], ["multiply", DIMMING], ["source-over", VEIL]]) {
    context.globalCompositeOperation = mode;
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
  }
}

const kept = new Map();

/** Draw a dimmed photograph that was drawn before at this size, in another pane or a while ago, as a copy. */
export function drawKept(context, photo) {
  const { width, height } = context.canvas;
  let copy = kept.get(photo);
  kept.delete(photo);
  if (!copy || copy.width !== width || copy.height !== height) {
    copy = Object.assign(document.createElement("canvas"), { width, height });
    drawPhoto(copy.getContext("2d"), photo, true);
  }
  kept.set(photo, copy);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  context.drawImage(copy, 0, 0);
}

/** Heat of all temporal cells of an answer, as ImageData per temporal cell; the buffers are kept between answers. */
export class HeatPainter {
  #images = [];
  #words = new Uint32Array(0);

  /** Returns one ImageData per temporal cell; they are valid until the next call. */
  paint({ grid, values }, peaks, { lift, smooth }) {
    const factor = smooth ? SMOOTH_FACTOR : 1;
    const fine = { frames: grid.frames, rows: grid.rows * factor, cols: grid.cols * factor };
    this.#resize(fine);
    colourise(smooth ? upsample(values, grid, factor) : values, fine, peaks, lift, this.#words);
    return this.#images;
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
