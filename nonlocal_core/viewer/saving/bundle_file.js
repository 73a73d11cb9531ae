// A bundle as a file: what nonlocal_core/bundle/container.py packs, read again by it and by model/parse.js.

import { canonical } from "./canonical.js";
import { storable } from "./halves.js";

const ALIGNMENT_BYTES = 64;
const FORMAT = 3;

/**
 * The bytes of a bundle. `facts` has each block's words as the page's network has them, `pictures` a file of each frame,
 * `view` what to show first. Rejects with a sentence where the browser gives no hashes.
 */
export async function bundleFile({ media, model, blocks, look, classes }, facts, { pictures, view }) {
  const payload = new Payload();
  const frames = [];
  for (const picture of pictures) frames.push({ ...payload.add(new Uint8Array(await picture.arrayBuffer())), type: picture.type });
  const header = {
    media: { caption: "", licence: "", ...media }, frames, model, classes, look, view, version: FORMAT,
    blocks: blocks.map((block) => blockHeader(payload, block, facts.find(({ name }) => name === block.name))),
  };
  const id = await sha256(canonical(header), ...payload.parts);
  const text = canonical({ ...header, id });
  const padded = text.padEnd(Math.ceil((12 + text.length) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES - 12);
  const prefix = new Uint8Array(12);
  prefix.set([78, 76, 86, 66]); // NLVB
  new DataView(prefix.buffer).setUint32(4, FORMAT, true);
  new DataView(prefix.buffer).setUint32(8, padded.length, true);
  return new Blob([prefix, padded, ...payload.parts]);
}

function blockHeader(payload, block, facts) {
  const { logNormaliser, effectMap } = block;
  const { theta, phi, row_error } = storable(block, facts);
  const asked = payload.table(theta);
  return {
    ...facts, query_grid: block.query_grid, key_grid: block.key_grid, row_error, rebuild_error: null,
    theta: asked, phi: phi === theta ? asked : payload.table(phi),
    log_normaliser: logNormaliser && payload.table(whole(logNormaliser)), effect: block.effect, effect_map: effectMap && payload.table(whole(effectMap)),
  };
}

function whole(values) {
  return { dtype: "float32", shape: [values.length], gain: 1, values };
}

/** Sections one after the other, each from a multiple of 64 on. */
class Payload {
  #length = 0;
  parts = [];

  table({ values, ...meaning }) {
    return { ...this.add(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)), ...meaning };
  }

  add(bytes) {
    const gap = -this.#length & (ALIGNMENT_BYTES - 1);
    this.parts.push(new Uint8Array(gap), bytes);
    const offset = this.#length + gap;
    this.#length = offset + bytes.length;
    return { offset, length: bytes.length };
  }
}

/** SHA-256 of texts and bytes together, in hexadecimal. */
export async function sha256(...parts) {
  if (!globalThis.crypto?.subtle) throw new Error("A browser computes hashes on https and on this computer (localhost) alone. Open the page there to keep this file.");
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
