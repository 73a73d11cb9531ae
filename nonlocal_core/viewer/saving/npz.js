// Numbers for NumPy: arrays as .npy files (format 1.0) in a ZIP archive, which numpy.load reads without pickle.

import { crc32 } from "./crc32.js";

const BLOCK = 64;
const utf8 = (text) => new TextEncoder().encode(text);

/** An archive of arrays by name; each is { dtype, shape, values }, or a text. */
export function npzOf(arrays) {
  return zipOf(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npyOf(typeof array === "string" ? textArray(array) : array)]));
}

export const floats = (values, shape) => ({ dtype: "<f4", shape, values: Float32Array.from(values) });
export const doubles = (values, shape) => ({ dtype: "<f8", shape, values: Float64Array.from(values) });
export const counts = (values, shape) => ({ dtype: "<i8", shape, values: BigInt64Array.from(values, BigInt) });

/** A text as an array without sides, of four bytes for each letter. */
function textArray(text) {
  const letters = Uint32Array.from([...text], (letter) => letter.codePointAt(0));
  return { dtype: `<U${Math.max(letters.length, 1)}`, shape: [], values: letters.length ? letters : new Uint32Array(1) };
}

function npyOf({ dtype, shape, values }) {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const head = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${sides}), }`;
  const padded = head.padEnd(Math.ceil((head.length + 11) / BLOCK) * BLOCK - 11) + "\n";
  const file = new Uint8Array(10 + padded.length + values.byteLength);
  file.set([0x93, ...utf8("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  file.set(utf8(padded), 10);
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + padded.length);
  return file;
}

/** A ZIP archive whose files are stored as they are. */
function zipOf(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of files) {
    const named = utf8(name);
    const facts = [[2, 20], [2, 0], [2, 0], [2, 0], [2, 33], [4, crc32(content)], [4, content.length], [4, content.length], [2, named.length], [2, 0]];
    const local = [record([[4, 0x04034b50], ...facts]), named, content];
    directory.push(record([[4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), named);
    parts.push(...local);
    offset += local.reduce((sum, { length }) => sum + length, 0);
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = record([[4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Little-endian numbers, [bytes, value] each, one after the other. */
function record(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}
