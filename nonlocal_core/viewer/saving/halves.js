// Tables as float16 where their rows stay as they are drawn, else as float32: the rule of nonlocal_core/bundle/encode.py.

import { rowOf } from "../model/affinity.js";
import { cellOf } from "../model/grid.js";
import { readBlock } from "../model/parse.js";

const MOST_ROW_ERROR = 0.005;
const MEASURED_ROWS = 48;
/** Peaks between which a table is stored without a gain, and the one that others are brought to. */
const [LOW_PEAK, HIGH_PEAK, WANTED_PEAK] = [2 ** -3, 2 ** 15, 2 ** 11];

/** { theta, phi, row_error }: sections with their `values`, and what the rounding costs at most, as a part of a row's maximum. */
export function storable(block, facts) {
  const { theta, phi, channels } = block;
  const [asking, asked] = [theta.all(), phi];
  const sections = (section) => {
    const one = section(asking, [theta.rows, channels]);
    return { theta: one, phi: asked === asking ? one : section(asked, [asked.length / channels, channels]) };
  };
  const whole = { ...sections((values, shape) => ({ dtype: "float32", shape, gain: 1, values })), row_error: 0 };
  if (block.pairwise === "concatenation") return whole; // its rows cut at theta + phi = 0, where rounding flips cells
  const half = sections(halfSection);
  const read = readBlock({ ...facts, ...half, log_normaliser: null, effect_map: null, query_grid: block.query_grid, key_grid: block.key_grid },
    ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const error = rowError(block, read);
  return error <= MOST_ROW_ERROR ? { ...half, row_error: error } : whole;
}

function rowError(block, stored) {
  let worst = 0;
  for (let n = 0; n < MEASURED_ROWS; n++) {
    const cell = cellOf(block.query_grid, Math.round((n * (block.theta.rows - 1)) / (MEASURED_ROWS - 1)));
    const [before, after] = [block, stored].map((one) => rowOf(one, cell).values);
    let [peak, off] = [0, 0];
    before.forEach((weight, i) => {
      peak = Math.max(peak, Math.abs(weight));
      off = Math.max(off, Math.abs(weight - after[i]));
    });
    if (peak > 0) worst = Math.max(worst, off / peak);
  }
  return worst;
}

function halfSection(values, shape) {
  let peak = 0;
  for (const value of values) peak = Math.max(peak, Math.abs(value));
  const gain = peak === 0 || (peak >= LOW_PEAK && peak <= HIGH_PEAK) ? 1 : 2 ** Math.floor(Math.log2(peak / WANTED_PEAK));
  const float = new Float32Array(1);
  const word = new Int32Array(float.buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i] / gain;
    halves[i] = halfOf(word[0]);
  }
  return { dtype: "float16", shape, gain, values: halves };
}

/** The bits of the float16 nearest to a float32, from its bits. */
function halfOf(bits) {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent < 102) return sign;
  if (exponent > 142) return sign | 0x7c00;
  if (exponent < 113) { // below 2 ** -14 the steps are equal
    const shift = 126 - exponent;
    return sign | rounded(fraction | 0x800000, shift);
  }
  return sign | (((exponent - 112) << 10) + rounded(fraction, 13));
}

/** A whole number without its last bits, rounded to the nearest, ties to even. */
function rounded(number, bits) {
  const kept = number >>> bits;
  const rest = number & ((1 << bits) - 1);
  const half = 1 << (bits - 1);
  return kept + (rest > half || (rest === half && kept & 1) ? 1 : 0);
}
