// From bytes to a bundle with decoded photographs; from an address to bytes, with progress.

import { Photographs } from "../drawing/photograph.js";
import { parseBundle } from "../model/parse.js";

/** Characters of a server's answer that are shown. */
const LONGEST_ANSWER = 200;

/** Read a bundle and decode its photographs. */
export async function openBundle(buffer) {
  const bundle = parseBundle(buffer);
  return { bundle, photos: await decodePhotos(bundle) };
}

export async function decodePhotos({ frames, look }) {
  return new Photographs(await Promise.all(frames.map(({ bytes, type }) => createImageBitmap(new Blob([bytes], { type })))), look);
}

/**
 * Fetch bytes; `onprogress(loaded, total)` is called as they arrive, total 0 when unknown. `url` counts from the page, so
 * that it holds behind whatever path a proxy puts before it. Rejects with a sentence that says what to do.
 */
export async function fetchBytes(url, { signal, onprogress }) {
  try {
    const response = await fetch(url, { signal, credentials: "same-origin" });
    await refuseWhatIsNoData(response);
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
  } catch (error) {
    // Browsers have a TypeError, each in words of its own, for a connection that is not there or broke off.
    throw error instanceof TypeError ? new Error("The server cannot be reached, or the connection broke off.") : error;
  }
}

/** A file of the page without a server. */
export async function fetched(file, options) {
  const response = await fetch(file, options);
  if (!response.ok) throw new Error(`The server answered ${response.status} for a part of this page.`);
  return response;
}

async function refuseWhatIsNoData(response) {
  const type = response.headers.get("content-type") ?? "";
  if (response.ok && !type.startsWith("text/html")) return;
  if (response.ok) throw new Error("A page came instead of the data: a proxy does not pass this address on to the viewer.");
  const said = type.startsWith("text/plain") ? (await response.text()).slice(0, LONGEST_ANSWER) : "";
  throw new Error(`The server answered ${response.status} for the attention data. ${said}`.trim());
}

export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes.buffer;
}
