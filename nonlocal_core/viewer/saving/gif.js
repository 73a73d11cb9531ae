// GIF89a (www.w3.org/Graphics/GIF/spec-gif89a.txt): pictures as an endless animation, as nonlocal_core/render/movies.py writes one.

import { indexerOf, sharedPalette } from "./palette.js";

/** Seconds of its clock, and the least and most of its ticks: browsers show anything faster for a tenth of a second. */
const [GIF_TICK, LEAST_TICKS, MOST_TICKS] = [0.01, 2, 2 ** 16 - 1];
const PLACES = 256;
const BLOCK_BYTES = 255;
/** Codes of LZW: the two that are no colours, the first that stands for several, and how many there are; bits of one, at first and at most. */
const [CLEAR, CLOSE, FIRST, CODES] = [PLACES, PLACES + 1, PLACES + 2, 4096];
const [FIRST_BITS, MOST_BITS] = [9, 12];
const AGAIN = [0x21, 0xff, 11, ...encoded("NETSCAPE2.0"), 3, 1, 0, 0, 0];

/** Parts of a file of ImageData of one size; `seconds`: how long each is shown. Rounding does not add up. */
export async function gifOf(pictures, seconds, comment) {
  const [{ width, height }] = pictures;
  const palette = sharedPalette(pictures);
  const indexed = indexerOf(palette);
  const table = new Uint8Array(3 * PLACES);
  table.set(palette.flat());
  const size = [...littleEndian(width), ...littleEndian(height)];
  const parts = [Uint8Array.of(...encoded("GIF89a"), ...size, 0xf7, 0, 0), table, Uint8Array.from(AGAIN), Uint8Array.of(0x21, 0xfe), inBlocks(encoded(comment))];
  let [shown, edge] = [0, 0];
  for (const [index, picture] of pictures.entries()) {
    await new Promise((resolve) => setTimeout(resolve)); // the pointer goes first
    shown += seconds[index];
    const ticks = Math.round(shown / GIF_TICK) - edge;
    edge += ticks;
    parts.push(Uint8Array.of(0x21, 0xf9, 4, 4, ...littleEndian(Math.min(Math.max(ticks, LEAST_TICKS), MOST_TICKS)), 0, 0, 0x2c, 0, 0, 0, 0, ...size, 0, FIRST_BITS - 1), inBlocks(compressed(indexed(picture))));
  }
  return [...parts, Uint8Array.of(0x3b)];
}

/** Places in a table of 256 colours by LZW. */
function compressed(indices) {
  const bytes = new Uint8Array(Math.ceil(1.6 * indices.length) + 16); // a code has at most a byte and a half
  const table = new Uint16Array(CODES * PLACES); // the code of a code and the colour after it
  let [length, held, bits, size, free] = [0, 0, 0, FIRST_BITS, FIRST];
  const put = (code) => {
    held |= code << bits;
    for (bits += size; bits >= 8; bits -= 8, held >>>= 8) bytes[length++] = held;
  };
  put(CLEAR);
  let code = indices[0];
  for (let i = 1; i < indices.length; i++) {
    const longer = code * PLACES + indices[i];
    if (table[longer]) {
      code = table[longer];
      continue;
    }
    put(code);
    code = indices[i];
    if (free === CODES) {
      put(CLEAR);
      table.fill(0);
      [size, free] = [FIRST_BITS, FIRST];
    } else {
      if (free >> size && size < MOST_BITS) size++; // a reader knows a code one later
      table[longer] = free++;
    }
  }
  put(code);
  if (free >> size && size < MOST_BITS) size++;
  put(CLOSE);
  if (bits) bytes[length++] = held;
  return bytes.subarray(0, length);
}

/** Bytes in blocks, each behind its length, and an empty one at the end. */
function inBlocks(bytes) {
  const out = new Uint8Array(bytes.length + Math.ceil(bytes.length / BLOCK_BYTES) + 1);
  for (let from = 0, to = 0; from < bytes.length; from += BLOCK_BYTES) {
    const part = bytes.subarray(from, from + BLOCK_BYTES);
    out[to++] = part.length;
    out.set(part, to);
    to += part.length;
  }
  return out;
}

function encoded(text) {
  return new TextEncoder().encode(text);
}

const littleEndian = (number) => [number & 255, number >> 8];
