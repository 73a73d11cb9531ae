// Clips of the page without a server: a sample of its folder, a file of the reader's own, what the camera took. Each is
// { id, media, bitmaps, view, sha256 }: `id` null for what no link can name, `sha256()` resolves to that of the file, null for none.

import { oneColourWords } from "../model/one_colour.js";
import { parseBundle } from "../model/parse.js";
import { sha256 } from "../saving/bundle_file.js";
import { rgbaOf } from "./bitmap_bytes.js";
import { decodePhotos, fetched } from "./load.js";
import { openFile } from "./open_file.js";

/** Frames of a clip of one's own: of a file, and of the camera. */
export const FRAMES = 8;
const CHOSEN = `${FRAMES} frames of the clip are shown, spread evenly from the first to the last.`;
/** Bytes of a clip that are hashed, for which all are in memory at once. */
const MOST_HASHED = 5e8;

/** The clip of a sample { id, file, sha256 } of the page. */
export async function sampleClip(sample, { signal }) {
  const bundle = parseBundle(await (await fetched(sample.file, { signal })).arrayBuffer());
  const { bitmaps } = await decodePhotos(bundle);
  return { id: sample.id, media: bundle.media, view: bundle.view, bitmaps, sha256: async () => sample.sha256 };
}

/** The clip of a picture or a video of the reader's own; `tell(stage, done, total)` hears how far it is read. */
export async function ownClip(file, { tell, signal }) {
  const opened = await openFile(file, { frames: FRAMES, tell, signal });
  const remarks = opened.bitmaps.length === FRAMES ? [CHOSEN] : [];
  return clipOf({ ...opened, remarks, sha256: async () => (file.size <= MOST_HASHED ? sha256(file) : null) });
}

/** The clip of pictures { bitmap, second } that a camera took. */
export function filmedClip(taken) {
  const seconds = taken.map(({ second }) => second - taken[0].second);
  return clipOf({ kind: "video", name: "camera", bitmaps: taken.map(({ bitmap }) => bitmap), seconds, warnings: [], sha256: async () => null });
}

/** Copies of bitmaps, for the worker that they go to. */
export function copies(bitmaps) {
  return Promise.all(bitmaps.map((bitmap) => createImageBitmap(bitmap)));
}

function clipOf({ kind, name, bitmaps, seconds, warnings, remarks = [], sha256: hash }) {
  const [{ width, height }] = bitmaps;
  const media = {
    name, kind, shown_hw: [height, width], pts_seconds: seconds, frame_indices: seconds.map((_, index) => index), caption: "", licence: "", remarks,
    warnings: [...warnings, oneColourWords(bitmaps, rgbaOf)].filter(Boolean),
  };
  const query = { frame: Math.floor(bitmaps.length / 2), x: 0.5, y: 0.5 };
  return { id: null, media, bitmaps, sha256: hash, view: { block: null, query, also: [], minus: [], beside: [], temperature: 1, direction: "row", look: "", tour: [] } };
}
