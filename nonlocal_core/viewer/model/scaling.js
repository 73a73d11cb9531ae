// From a photograph to the pixels that a network is fed: the size that nonlocal_core/media/network_input.py chooses, and
// the bicubic filter that it scales with, in the same whole numbers, so that the page's pixels are Python's.

const BITS = 22;
const SUPPORT = 2;

/** Height and width of the input for a frame of this size: both sides in whole cells, the whole frame seen. */
export function inputOf([height, width], { short_side: short, multiple_of: cell, max_long_side: long }) {
  const scale = Math.min(short / Math.min(height, width), long / Math.max(height, width));
  return [height, width].map((side) => Math.min(Math.max(Math.floor((side * scale) / cell + 0.5), 1), Math.floor(long / cell)) * cell);
}

/** Scale bytes R, G, B, A of a frame to R, G, B at another size, across and then down. */
export function scaled(rgba, [height, width], [rows, columns]) {
  const across = weightsOf(width, columns);
  const between = new Uint8Array(height * columns * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) sum(across, x, rgba, 4 * y * width, 4, between, 3 * (y * columns + x));
  }
  const down = weightsOf(height, rows);
  const out = new Uint8Array(rows * columns * 3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) sum(down, y, between, 3 * x, 3 * columns, out, 3 * (y * columns + x));
  }
  return out;
}

function sum({ starts, weights }, index, from, base, step, to, at) {
  const own = weights[index];
  let [red, green, blue] = [2 ** (BITS - 1), 2 ** (BITS - 1), 2 ** (BITS - 1)];
  for (let i = 0, place = base + step * starts[index]; i < own.length; i++, place += step) {
    red += own[i] * from[place];
    green += own[i] * from[place + 1];
    blue += own[i] * from[place + 2];
  }
  to[at] = asByte(red);
  to[at + 1] = asByte(green);
  to[at + 2] = asByte(blue);
}

function asByte(total) {
  return Math.min(Math.max(total >> BITS, 0), 255);
}

/** For each output the first input that counts, and the weight of each from there on, as parts of 2^22. */
function weightsOf(inputs, outputs) {
  const scale = inputs / outputs;
  const wide = Math.max(scale, 1);
  const starts = new Int32Array(outputs);
  const weights = [];
  for (let i = 0; i < outputs; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - SUPPORT * wide + 0.5), 0);
    const last = Math.min(Math.trunc(centre + SUPPORT * wide + 0.5), inputs);
    const own = Float64Array.from({ length: last - first }, (_, k) => cubic((k + first - centre + 0.5) / wide));
    const total = own.reduce((before, weight) => before + weight, 0);
    starts[i] = first;
    weights.push(Int32Array.from(own, (weight) => Math.trunc((weight / total) * 2 ** BITS + Math.sign(weight) / 2)));
  }
  return { starts, weights };
}

/** The cubic with a = -1/2, of R. Keys, "Cubic convolution interpolation" (1981). */
function cubic(x) {
  const distance = Math.abs(x);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 : 0;
}
