// The frames of a drawn answer as pictures of a film, each over a strip of words, as nonlocal_core/render/banner.py has it.

import { cssOf } from "./colour.js";
import { drawFrame, drawLetters, linesOf, writeText } from "./figure.js";
import { cautionWords, fileQuestion, networkWords } from "../model/figure_words.js";
import { temporalCell } from "../model/grid.js";
import { LETTERS, answerWords, percent } from "../model/words.js";

const [PANEL, ON_PANEL, DIM, CAUTION] = ["#141418", "#f5f5f8", "#9696a0", "#ffaa6e"];
const LEAST_TYPE = 11;
const TYPES_ACROSS = 50;

/** One canvas per frame, all of one size. */
export function filmPictures(drawn) {
  const { bundle, photos } = drawn;
  const [{ width, height }] = photos.bitmaps;
  const size = Math.max(LEAST_TYPE, Math.round(width / TYPES_ACROSS));
  const step = Math.round(1.4 * size);
  const pen = document.createElement("canvas").getContext("2d");
  const own = bundle.frames.map((_, frame) => ownWords(drawn, frame));
  const said = sayings(drawn).flatMap(([text, colour]) => linesOf(pen, text, size, width - 2 * size).map((line) => [line, colour]));
  return bundle.frames.map((_, frame) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height: height + size + step * (said.length + 1) });
    const context = canvas.getContext("2d");
    context.fillStyle = PANEL;
    context.fillRect(0, 0, width, canvas.height);
    drawFrame(context, { left: 0, top: 0, width, height }, frame, drawn);
    drawLetters(context, { left: 0, top: 0, width, height }, frame, drawn, { size: Math.max(LEAST_TYPE, Math.round(Math.min(width, height) / 24)) });
    const base = height + Math.round(1.4 * size);
    writeText(context, own[frame], size, base, size, ON_PANEL);
    said.forEach(([line, colour], i) => writeText(context, line, size, base + step * (i + 1), size, colour));
    return canvas;
  });
}

/** Seconds that each frame stays: up to the next one, the last as long as the median of the others, one alone a second. */
export function durationsOf(seconds) {
  const steps = seconds.slice(1).map((second, i) => second - seconds[i]);
  if (steps.length === 0) return [1];
  const sorted = [...steps].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return [...steps, sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2];
}

function ownWords({ bundle, pins }, frame) {
  const { answer } = pins.at(-1);
  const t = temporalCell(answer.grid, frame);
  const nothing = answer.direction === "row" ? "no keys" : "no queries";
  const shares = pins.map(({ shares: parts }, pin) => `${pins.length > 1 ? `${LETTERS[pin]}: ` : ""}${percent(parts[t])}`);
  return `${frame + 1} of ${bundle.frames.length} · ${bundle.media.pts_seconds[frame].toFixed(2)} s · ${t < 0 ? nothing : shares.join(", ")}`;
}

function sayings({ bundle, pins, look }) {
  const { media, model } = bundle;
  const asked = (answered) => fileQuestion(answered, bundle.frames.length, media.pts_seconds[answered.asked.frame_spans[answered.cell.t][0]]);
  return [
    [networkWords(model, pins.at(-1).block), DIM],
    ...pins.flatMap((answered, pin) => [
      [asked(answered), DIM],
      [`${pins.length > 1 ? `${LETTERS[pin]}: ` : ""}${answerWords(answered)}`, pins.length > 1 ? cssOf(look.ramps.pins[pin][look.recipe.pin_tone]) : ON_PANEL],
    ]),
    [cautionWords(pins.at(-1), media), CAUTION],
  ];
}
