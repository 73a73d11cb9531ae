// The words of a figure in a file: what nonlocal_core/look/sentence.py and nonlocal_core/render/notes.py say.

import { askerWords } from "./askers.js";
import { LETTERS, frameWords, placeWords, temperatureWords } from "./words.js";

const CURVE_NAMES = { log: "logarithmic", root: "square-root", linear: "linear" };
const PIN_NAMES = ["orange", "blue", "green"];

/** What was asked, for `frames` frames; `seconds`: when the asked step's first frame appears. */
export function fileQuestion({ block, asked, cell, cells, taken, answer: { direction } }, frames, seconds) {
  if (block.asker) return `Where ${askerWords(block, cells)} looks`;
  let where = `${placeWords(cell)} of ${asked.rows} x ${asked.cols}`;
  if (cells.length > 1) {
    const steps = [...new Set(cells.map(({ t }) => t))];
    where = `the mean of ${cells.length} cells`;
    if (frames > 1) where += steps.length === 1 ? ` of ${frameWords(asked, steps[0])}` : ` of ${steps.length} frames`;
  } else if (frames > 1) where = `${frameWords(asked, cell.t)} of ${frames} at ${seconds.toFixed(2)} s, ${where}`;
  const less = taken.length ? `, less B, ${taken.length} ${taken.length > 1 ? "cells" : "cell"}` : "";
  if (less) where = `A, ${where}`;
  return direction === "row" ? `Where ${where}${less ? `${less},` : ""} looks` : `Who looks at ${where}${less}`;
}

export function networkWords(model, block) {
  return [model.title, block.title, block.pairwise_title].join(" · ");
}

/** What must be said of the picture: about the reading, then about the clip. */
export function cautionWords({ block, temperature }, media) {
  return [temperatureWords(temperature), block.warning, ...media.warnings].filter(Boolean).join(" ");
}

/** Whether an answer has negative weight. */
function isSigned({ block, answer }) {
  return block.signed || answer.surplus;
}

/** The sentences of a figure with at most `arrows` arrows for each pin. `state` is how it is drawn. */
export function fileNotes(pins, heats, state, arrows) {
  const strongest = heats.reduce((most, heat, i) => (heat.largest > heats[most].largest ? i : most), 0);
  return [...pinNotes(pins), colourNote(pins[strongest], heats[strongest], state), cellNote(pins[strongest].answer, state), ...endNotes(pins, arrows)];
}

function pinNotes(pins) {
  if (pins.length === 1) return [];
  const named = pins.map((_, i) => `${LETTERS[i]} ${PIN_NAMES[i]}`);
  return [`${named.slice(0, -1).join(", ")} and ${named.at(-1)}: each cell in the colour of the pin that looks there most.`];
}

function colourNote(answered, heat, { scale, curve, threshold }) {
  if (!heat.largest) return "No cell has any weight, so no frame has heat.";
  if (heat.flat) return `Nearly even: no cell has more than ${threeDigits(heat.largest)} times an even share.`;
  const top = scale === "each" ? "each frame's own strongest cell" : `${threeDigits(heat.tops[0])} times an even share`;
  const said = [`No heat up to an even share, that of each cell if all were alike; full heat at ${top}, ${CURVE_NAMES[curve]} between.`];
  if (threshold > 1) said.push(`Cells under ${threshold} times an even share are left out.`);
  if (heat.beyond) said.push(`The asked place itself goes up to ${threeDigits(heat.beyond)} times.`);
  const { block, answer } = answered;
  if (isSigned(answered)) said.push(heat.negatives ? `Cold colours: ${answer.surplus ? "B has more" : "negative weight"}.` : "Negative weight is not drawn.");
  if (answer.surplus && block.signed) said.push("Positive weight alone is compared.");
  return said.join(" ");
}

function cellNote({ grid, direction }, { smooth, plain }) {
  const photographs = plain ? "" : " Photographs in muted colours, as bright as they are.";
  const drawn = smooth ? "Blended between the centres" : "Cells as they are";
  return `${drawn}: ${grid.frames}x${grid.rows}x${grid.cols} ${direction === "row" ? "keys" : "queries"} (TxHxW).${photographs}`;
}

function endNotes(pins, arrows) {
  const { answer, own } = pins.at(-1);
  const { grid } = answer;
  const said = [];
  const hatched = pins.length === 1 && grid.frame_spans.some((_, t) => own.steps(t)) ? "; hatched: the asked frame" : "";
  if (grid.frame_spans.at(-1)[1] > 1) {
    const whole = answer.surplus ? "A's surplus" : `all ${isSigned(pins.at(-1)) ? "positive " : ""}weight`;
    said.push(`Bars: each frame's part of ${whole}${hatched}; a broken bar is taller still.`);
  }
  if (arrows) {
    const which = `${arrows > 1 ? `the ${arrows} strongest peaks` : "the strongest peak"}${pins.length > 1 ? " of each" : ""}`;
    const where = grid.frames > 1 ? "other frames" : "other places";
    const cold = answer.surplus ? `; cold ones ${answer.direction === "row" ? "begin" : "end"} at B` : "";
    said.push(`Arrows ${answer.direction === "row" ? "lead to" : "come from"} ${which} in ${where}${cold}.`);
  }
  return said;
}

/** A number with at most three significant digits: 0, 0.0125, 12.5, 1500, 3.2e-05. */
export function threeDigits(value) {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
  return String(Number(value.toPrecision(3)));
}
