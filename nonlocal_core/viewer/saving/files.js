// The files of a drawn answer, by their suffix: what nonlocal_core/saving writes for the same pin. `drawn` is what Viewer.drawn
// gives, `origin` what the page knows of clip and network: { clip, inputHw, network, device, versions, frame }.

import { filmPictures, durationsOf } from "../drawing/film_pictures.js";
import { figureOf } from "../drawing/figure.js";
import { unitOf } from "../model/affinity.js";
import { cautionWords } from "../model/figure_words.js";
import { pinnedMessage } from "../model/state.js";
import { LETTERS, answerWords } from "../model/words.js";
import { bundleFile, sha256 } from "./bundle_file.js";
import { ascii } from "./canonical.js";
import { gifOf } from "./gif.js";
import { counts, doubles, floats, npzOf } from "./npz.js";
import { animated, withText } from "./png.js";

/** As nonlocal_core/bundle/storage.py stores frames. */
const STORED_SIDE = 640;
const STORED_QUALITY = 0.84;

/** What can be kept: its title, what it is for, the end of its name, and what makes it. */
export const FILES = [
  { title: "Live page (HTML)", purpose: "Opens from a disk, without a server or a network; pointing and the tour work.", suffix: ".html", make: livePage },
  { title: "Figure (PNG)", purpose: "All frames with heat, colour bar, shares, arrows and the sentence.", suffix: ".png", make: figureFile },
  { title: "Film with heat (animated PNG)", purpose: "The frames at their own times, in exact colours, which a GIF has not.", suffix: "-film.png", make: filmFile },
  { title: "Film with heat (GIF)", purpose: "The same where an animated PNG cannot be shown.", suffix: ".gif", make: gifFile },
  { title: "Numbers (NPZ)", purpose: "The weights on their grid, for NumPy.", suffix: ".npz", make: numbersFile },
  { title: "Where it comes from (JSON)", purpose: "Clip, network, weights, frames, versions.", suffix: ".json", make: originFile },
];

/** Where an answer comes from, as nonlocal_core/saving/provenance.py records it. */
async function provenance({ bundle, state, pins }, { clip, inputHw, network, device, versions }) {
  const { block, asked, answer, cell } = pins.at(-1);
  const { x, y, frame, also = [], minus = [], beside = [], temperature = 1, asker = null, view } = pinnedMessage(bundle, { ...state, pinned: true });
  const shape = ({ frames, rows, cols }) => [frames, rows, cols];
  return ascii(JSON.stringify({
    clip_name: bundle.media.name, clip_sha256: await clip.sha256(), frame_indices: bundle.media.frame_indices, pts_seconds: bundle.media.pts_seconds,
    warnings: bundle.media.warnings, remarks: bundle.media.remarks ?? [], shown_hw: bundle.media.shown_hw, input_hw: inputHw, input_crop: [0, 0, 1, 1],
    model: network.model.id, weights: network.weights, device, unreadable: [],
    block: block.name, step: block.step ?? "", block_status: block.status, note: block.warning, proof: block.proof, rebuild_error: null, pairwise: block.pairwise,
    query_grid: shape(block.query_grid), key_grid: shape(block.key_grid), query: [frame, x, y], also, minus, beside, temperature, asker,
    asked_cell: [cell.t, cell.y, cell.x], direction: answer.direction, view, versions,
  }, null, 2));
}

async function originFile(drawn, origin) {
  return new Blob([`${await provenance(drawn, origin)}\n`], { type: "application/json" });
}

async function figureFile(drawn, origin) {
  const png = await bytesOf(figureOf(drawn));
  return new Blob([withText(png, "provenance", await provenance(drawn, origin))], { type: "image/png" });
}

async function filmFile(drawn, origin) {
  const pictures = [];
  for (const canvas of filmPictures(drawn)) pictures.push(await bytesOf(canvas));
  const film = animated(pictures, durationsOf(drawn.bundle.media.pts_seconds));
  return new Blob([withText(film, "provenance", await provenance(drawn, origin))], { type: "image/png" });
}

async function gifFile(drawn, origin) {
  const pictures = filmPictures(drawn).map((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height));
  return new Blob(await gifOf(pictures, durationsOf(drawn.bundle.media.pts_seconds), await provenance(drawn, origin)), { type: "image/gif" });
}

async function bytesOf(canvas) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The memory of this browser does not suffice for this picture. Take fewer frames, or close other pages.");
  return new Uint8Array(await blob.arrayBuffer());
}

async function numbersFile(drawn, origin) {
  const { bundle, pins } = drawn;
  const { answer, asked, cell, block } = pins.at(-1);
  const { grid } = answer;
  const spoken = pins.map((answered, pin) => `${pins.length > 1 ? `${LETTERS[pin]}: ` : ""}${answerWords(answered)}`);
  const note = [cautionOf(pins.at(-1)), ...spoken, ...bundle.media.warnings, ...(bundle.media.remarks ?? []), block.proof].filter(Boolean).join(" ");
  const shape = [grid.frames, grid.rows, grid.cols];
  return npzOf({
    heat: floats(answer.values, shape), times_uniform_per_unit: doubles([unitOf(answer)], []),
    step_share: doubles(pins.at(-1).shares, [grid.frames]), pairwise: block.pairwise, direction: answer.direction, asked_cell: counts([cell.t, cell.y, cell.x], [3]),
    ...gridArrays("asked", asked), ...gridArrays("grid", grid), ...besideArrays(pins.slice(0, -1), shape),
    pts_seconds: doubles(bundle.media.pts_seconds, [bundle.frames.length]), note, provenance: await provenance(drawn, origin),
  });
}

function cautionOf(answered) {
  return cautionWords(answered, { warnings: [] });
}

function besideArrays(pins, shape) {
  if (pins.length === 0) return {};
  return {
    beside_heat: floats(pins.flatMap(({ answer }) => [...answer.values]), [pins.length, ...shape]),
    beside_times_uniform_per_unit: doubles(pins.map(({ answer }) => unitOf(answer)), [pins.length]),
    beside_asked_cell: counts(pins.flatMap(({ cell: { t, y, x } }) => [t, y, x]), [pins.length, 3]),
  };
}

function gridArrays(name, { frames, rows, cols, box, frame_spans: spans }) {
  return { [`${name}_shape`]: counts([frames, rows, cols], [3]), [`${name}_box`]: doubles(box, [4]), [`${name}_frame_spans`]: counts(spans.flat(), [frames, 2]) };
}

/** The exported page, from the frame that Python wrote for it. */
async function livePage(drawn, origin) {
  const { bundle, state, photos } = drawn;
  const { frame, x, y, block, direction, view: look, also = [], minus = [], beside = [], temperature = 1 } = pinnedMessage(bundle, { ...state, pinned: true });
  const points = (some) => some.map(([at, u, v]) => ({ frame: at, x: u, y: v }));
  const view = {
    block, query: { frame, x, y }, also: points(also), minus: points(minus), beside: beside.map((some) => ({ points: points(some) })), temperature, direction, look, tour: state.tour,
  };
  const pictures = await Promise.all(photos.bitmaps.map(stored));
  const file = await bundleFile(bundle, origin.network.blocks, { pictures, view });
  const id = await sha256(file);
  const { media, model } = bundle;
  const words = {
    title: html(media.name), caption: html(media.caption || "Point at any place of any frame."),
    credits: html([media.name, media.licence, model.title, `bundle ${id.slice(0, 12)}`].filter(Boolean).join(" · ")),
    provenance: (await provenance(drawn, origin)).replaceAll("<", "\\u003c"), bundle: await base64(file),
  };
  const page = await origin.frame();
  return new Blob([page.replace(/@@(\w+)@@/g, (mark, word) => words[word] ?? mark)], { type: "text/html" });
}

/** A frame as it is stored: JPEG, never enlarged. */
function stored(bitmap) {
  const part = Math.min(1, STORED_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * part)), Math.max(1, Math.round(bitmap.height * part)));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: STORED_QUALITY });
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The memory of this browser does not suffice for this page. Take fewer frames."));
    reader.readAsDataURL(blob);
  });
}

function html(text) {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
