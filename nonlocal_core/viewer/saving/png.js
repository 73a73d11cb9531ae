// PNG as a list of chunks: the browser encodes the pixels, here a text is added, or pictures become an animation (APNG,
// www.w3.org/TR/png-3). An animation keeps the colours of heat exactly, of which a GIF has 256.

import { crc32 } from "./crc32.js";

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Types of chunks as they come after each other: those of the pixels, and before them what describes these. */
const DATA = "IDAT";

/** The file with a Latin-1 text under a key, as a reader of PNG finds it. */
export function withText(png, key, text) {
  const [header, ...rest] = chunksOf(png);
  return join([header, { type: "tEXt", data: latin1(`${key}\0${text}`) }, ...rest]);
}

/** One endless animation of PNG files of one size; `seconds`: how long each is shown. */
export function animated(files, seconds) {
  const [first, ...others] = files.map(chunksOf);
  const { data: header } = first[0];
  const size = header.slice(0, 8); // width and height
  let sequence = 0;
  const control = (frame) => {
    const data = new Uint8Array(26);
    const view = new DataView(data.buffer);
    view.setUint32(0, sequence++);
    data.set(size, 4);
    const ticks = Math.min(Math.max(Math.round(1000 * seconds[frame]), 1), 65535);
    view.setUint16(20, ticks);
    view.setUint16(22, 1000);
    return { type: "fcTL", data };
  };
  const count = new Uint8Array(8);
  new DataView(count.buffer).setUint32(0, files.length);
  const made = [first[0], { type: "acTL", data: count }, ...first.filter(({ type }) => type !== "IHDR" && type !== DATA && type !== "IEND"), control(0), ...first.filter(({ type }) => type === DATA)];
  others.forEach((chunks, index) => {
    made.push(control(index + 1));
    for (const { data } of chunks.filter(({ type }) => type === DATA)) {
      const numbered = new Uint8Array(4 + data.length);
      new DataView(numbered.buffer).setUint32(0, sequence++);
      numbered.set(data, 4);
      made.push({ type: "fdAT", data: numbered });
    }
  });
  return join([...made, first.at(-1)]);
}

function chunksOf(png) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = view.getUint32(at);
    chunks.push({ type: String.fromCharCode(...png.subarray(at + 4, at + 8)), data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function join(chunks) {
  const parts = [SIGNATURE, ...chunks.map(({ type, data }) => {
    const part = new Uint8Array(12 + data.length);
    const view = new DataView(part.buffer);
    view.setUint32(0, data.length);
    part.set(latin1(type), 4);
    part.set(data, 8);
    view.setUint32(8 + data.length, crc32(part.subarray(4, 8 + data.length)));
    return part;
  })];
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function latin1(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 255);
}
