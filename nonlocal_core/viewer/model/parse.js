// The bundle, version 3: what nonlocal_core/bundle/container.py writes.

import { withMeans } from "./blocks.js";
import { ownKey } from "./grid.js";

const ALIGNMENT = 64;

/** Read a bundle from an ArrayBuffer; throws an Error whose message a person can read. */
export function parseBundle(buffer) {
  const { header, bytes } = readContainer(buffer);
  return {
    ...header,
    frames: header.frames.map((section) => ({ type: section.type, bytes: bytes(section) })),
    blocks: withMeans(header.blocks.map((block) => readBlock(block, bytes)), header.means),
  };
}

/** Read what a bundle left out for later: the normaliser of each block by its name, null where it has none. */
export function parseColumns(buffer) {
  const { header, bytes } = readContainer(buffer);
  return new Map(header.blocks.map(({ name, log_normaliser: section }) => [name, section && new Table(section, bytes(section)).all()]));
}

function readContainer(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 12 || view.getUint32(0, false) !== 0x4e4c5642) throw new Error("This is not a bundle: it does not start with NLVB.");
  const version = view.getUint32(4, true);
  if (version !== 3) throw new Error(`This viewer reads bundles of version 3; this one has version ${version}.`);
  const start = 12 + view.getUint32(8, true);
  if (start > buffer.byteLength || start % ALIGNMENT) throw new Error("The bundle was cut off or damaged on its way.");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, start - 12)));
  const bytes = ({ offset, length }) => {
    if (start + offset + length > buffer.byteLength) throw new Error("The bundle was cut off on its way: load the page again.");
    return new Uint8Array(buffer, start + offset, length);
  };
  return { header, bytes };
}

/** A block from its facts; `bytes(section)` gives what lies in a section. */
export function readBlock(block, bytes) {
  const table = (section) => section && new Table(section, bytes(section), table(section.row_gains)?.all());
  const theta = table(block.theta);
  const keys = block.key_grid;
  const reach = { spacetime: keys.frames * keys.rows * keys.cols, space: keys.rows * keys.cols, time: keys.frames }[block.scope];
  const groups = block.scope === "space" ? 1 : block.temporal_groups;
  return {
    ...block,
    theta,
    askerTheta: table(block.asker_theta) ?? null,
    phi: table(block.phi).all(),
    logNormaliser: table(block.log_normaliser)?.all() ?? null,
    effectMap: table(block.effect_map)?.all() ?? null,
    channels: theta.columns,
    softmax: block.pairwise === "gaussian" || block.pairwise === "embedded_gaussian",
    matched: block.pairwise === "matched",
    signed: block.pairwise === "dot_product",
    keyCount: reach / groups + block.off_grid_keys.length,
    ownKey: (cell) => ownKey(block, cell),
  };
}

const STORED = { int8: Int8Array, float16: Uint16Array, float32: Float32Array };

/** A table that is decoded a row at a time, or whole on first need; plain floats are given as they lie. One of int8 has a gain for each row. */
class Table {
  constructor({ dtype, shape, gain }, raw, rowGains) {
    this.dtype = dtype;
    this.rows = shape[0];
    this.columns = shape[1] ?? 1;
    this.gain = gain;
    const { buffer, byteOffset } = raw;
    const count = this.rows * this.columns;
    this.stored = new STORED[dtype](buffer, byteOffset, count);
    this.rowGains = rowGains;
    this.whole = null;
  }

  row(index) {
    return this.#decode(index * this.columns, (index + 1) * this.columns);
  }

  all() {
    this.whole ??= this.#decode(0, this.stored.length);
    return this.whole;
  }

  #decode(start, stop) {
    if (this.dtype === "float32" && this.gain === 1) return this.stored.subarray(start, stop);
    const out = new Float32Array(stop - start);
    const { stored, gain, columns, rowGains } = this;
    if (this.dtype === "int8") {
      for (let i = 0; i < out.length; i++) out[i] = stored[start + i] * rowGains[Math.floor((start + i) / columns)];
    } else if (this.dtype === "float16") {
      const values = halfValues();
      for (let i = 0; i < out.length; i++) out[i] = values[stored[start + i]] * gain;
    } else {
      for (let i = 0; i < out.length; i++) out[i] = stored[start + i] * gain;
    }
    return out;
  }
}

let halves = null;

/** All 65536 float16 values by their bits: one look-up per number is faster than arithmetic, and works everywhere. */
function halfValues() {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude = exponent === 0 ? fraction * 2 ** -24
      : exponent === 31 ? (fraction ? NaN : Infinity)
      : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halves[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return halves;
}
