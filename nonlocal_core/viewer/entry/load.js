// From bytes to a bundle with decoded photographs; from an address to bytes, with progress.

import { Photographs } from "../drawing/photograph.js";
import { parseBundle } from "../model/parse.js";

/** Read a bundle and decode its photographs. */
export async function openBundle(buffer) {
  const bundle = parseBundle(buffer);
  return { bundle, photos: await decodePhotos(bundle) };
}

export async function decodePhotos({ frames, look }) {
  return new Photographs(await Promise.all(frames.map(({ bytes, type }) => createImageBitmap(new Blob([bytes], { type })))), look);
}

/** Fetch bytes; `onprogress(loaded, total)` is called as they arrive, total 0 when unknown. */
export async function fetchBytes(url, { signal, onprogress }) {
  const response = await fetch(url, { signal, credentials: "same-origin" });
  if (!response.ok) throw new Error(`The server answered ${response.status} for the attention data.`);
  const total = Number(response.headers.get("content-length")) || 0;
  const chunks = [];
  let loaded = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onprogress(loaded, total);
  }
  return new Blob(chunks).arrayBuffer();
}

export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}
