// Every sentence and number that a person reads. Frames, rows and columns are counted from 1 here and nowhere else.

import { askerWords } from "./askers.js";
import { strongestElsewhere, strongestOf } from "./answer.js";
import { cellOf } from "./grid.js";
import { layerOf, layerTitle } from "./blocks.js";

/** 0.43 -> "43 %"; small shares keep a digit, and what is there is never called zero. */
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "<0.1 %";
  return `${value >= 9.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

const grouped = new Intl.NumberFormat("en-US");

/** 10752 -> "10,752". */
export function countWords(count) {
  return grouped.format(count);
}

const QUANTITY = /([^\s(]*\d (?:%|s|ms|[kMG]B)(?![\w%]))/;

/** The parts of a text: each second one is a number with its unit, between which no line ends. One part where there is no more. */
export function quantitiesOf(text) {
  const parts = text.split(QUANTITY);
  return parts[1] === text ? [text] : parts;
}

/** A weight in affinity units, three digits. */
export function weightWords(weight) {
  if (weight === 0) return "0";
  const size = Math.abs(weight);
  const sign = weight < 0 ? "−" : "";
  if (size >= 0.001 && size < 1000) return sign + Number(size.toPrecision(3)).toString();
  const [digits, exponent] = size.toExponential(1).split("e");
  return `${sign}${digits}·10${superscript(Number(exponent))}`;
}

export function timesWords(times) {
  if (times > 0 && times < 0.05) return "<0.1×";
  return `${times >= 10 ? Math.round(times) : Number(times.toFixed(1))}×`;
}

export function secondsWords(seconds) {
  return seconds < 60 ? `${seconds.toFixed(2)} s` : `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

/** "frame 3", or "frames 3 to 4" for a temporal cell that covers several. */
export function frameWords(grid, t) {
  const [start, stop] = grid.frame_spans[t];
  return stop - start === 1 ? `frame ${stop}` : `frames ${start + 1} to ${stop}`;
}

export function placeWords(cell) {
  return `row ${cell.y + 1}, column ${cell.x + 1}`;
}

export function gridWords(grid) {
  return `${grid.frames}×${grid.rows}×${grid.cols}`;
}

/**
 * The sentence of an answer: how much stays, and where the most elsewhere goes. What nonlocal_core/look/sentence.py says;
 * its meaning is fixed, whatever scale, curve or frame is drawn.
 */
export function answerWords(answered) {
  const { block, answer, own, shares } = answered;
  const { direction, grid, values, positive } = answer;
  const looks = direction === "row";
  const goes = looks ? "goes to" : "comes from";
  const signed = block.signed || answer.surplus;
  const before = answer.surplus ? "Of A's surplus over B, " : signed ? `Of the positive weight (${percent(positive / answer.mass)} of all), ` : "";
  if (positive === 0 || shares.every((share) => share === 0)) {
    if (answer.surplus) return looks ? "A looks nowhere more than B." : "Nobody looks at A more than at B.";
    return `${looks ? "Looks nowhere" : "Nobody looks here"}: ${signed ? "no weight is positive" : "every weight is zero"}.`;
  }
  if (block.asker) return `${before}${before ? "most" : "Most"}, ${mostlyWords(answered, goes)}.`;
  const [spot, its] = answered.cells.length === 1 ? ["the spot itself", "its frame"] : ["the asked cells", "their frames"];
  const onItself = `${before}${percent(own.cellShare)} ${looks ? "stays on" : "comes from"} ${spot}`;
  const best = strongestOf(answered);
  if (!own.steps(best)) {
    return `${onItself}, ${percent(own.stepShare)} ${looks ? "in" : "from"} ${its}; the most elsewhere, ${percent(shares[best])}, ${goes} ${frameWords(grid, best)}.`;
  }
  const where = grid.frames === 1 ? "" : ` in ${its}`;
  const cell = strongestElsewhere(answered);
  if (cell < 0) return `${onItself}; nothing ${goes} other places${where}.`;
  return `${onItself}; the most elsewhere, ${percent(values[cell] / positive)}, ${goes} ${placeWords(cellOf(grid, cell))}${where}.`;
}

/** Which frame gets most of an answer that no position asked, or which place where one frame gets all. */
function mostlyWords({ answer: { grid, values, positive }, shares }, goes) {
  const best = shares.reduce((most, share, t) => (share > shares[most] ? t : most), 0);
  if (shares.filter((share) => share > 0).length > 1) return `${percent(shares[best])}, ${goes} ${frameWords(grid, best)}`;
  const strongest = values.reduce((most, value, i) => (value > values[most] ? i : most), 0);
  const where = grid.frames === 1 ? "" : ` of ${frameWords(grid, best)}`;
  return `${percent(values[strongest] / positive)}, ${goes} ${placeWords(cellOf(grid, strongest))}${where}`;
}

export const LETTERS = "ABC";

/** The caution of a temperature that is not the network's. */
export function temperatureWords(temperature) {
  if (temperature === 1) return "";
  return `Temperature ${temperature}, not the network's: its scores were divided by ${temperature} before the softmax.`;
}

/** What the large picture shows: a frame and what it gets, of several pins that of the last, whose `letter` is given. */
export function shownWords({ answer, shares }, { held }, shown, letter = "") {
  if (shown < 0) return { lead: `No ${answer.direction === "row" ? "key" : "query"} lies in frame ${held + 1}`, figure: "" };
  if (answer.grid.frames === 1) return { lead: answer.direction === "row" ? "It looks here" : "These look at it", figure: "" };
  const frame = frameWords(answer.grid, shown);
  const named = letter ? `${letter}: ${frame}` : `F${frame.slice(1)}`;
  return { lead: `${named} ${answer.direction === "row" ? "get" : "give"}${frame.startsWith("frames") ? "" : "s"}`, figure: percent(shares[shown]) };
}

/** How wide an answer spreads over the clip, whichever frame is shown. */
export function spreadWords({ count }, spread) {
  return `spread over about ${countWords(Math.max(1, Math.round(spread)))} of all ${countWords(count)} cells`;
}

/** The same for a screen reader, with the question. */
export function spokenWords(answered) {
  const { block, asked, cell, cells, taken } = answered;
  if (block.asker) return `Asked: ${askerWords(block, cells)}. ${answerWords(answered)}`;
  if (cells.length + taken.length > 1) return `${cells.length} cells asked${taken.length ? `, ${taken.length} taken away` : ""}. ${answerWords(answered)}`;
  const from = asked.frames === 1 && asked.frame_spans[0][1] - asked.frame_spans[0][0] === 1 ? "Query" : `Query ${frameWords(asked, cell.t)},`;
  return `${from} ${placeWords(cell)}. ${answerWords(answered)}`;
}

/** What must be said about a picture before it is believed; the first that applies. */
export function noticeWords({ block, answer, heat }) {
  if (answer.mass === 0) return "Every weight is zero here, so there is nothing to show.";
  if (heat.largest === 0) return "No weight is positive here. Negative ones can be drawn too: Colours.";
  if (heat.flat) return `Nearly even: no cell has more than ${timesWords(heat.largest)} an even share, so hardly any heat is drawn.`;
  if (block.pairwise === "concatenation") return "Concatenation: every query ranks the keys alike; only the threshold moves.";
  return "";
}

/** The caution of an answer of several hops: the layers that it went through, and which part of the weight stays. */
export function hopWords(block, route) {
  const layers = route.map(([head]) => head);
  const names = layers.map((layer, n) => `${layerTitle(layer)}${layerOf(layer) === layerOf(layers[n - 1] ?? block) ? " again" : ""}`);
  return `${1 + layers.length} hops, the further ones through ${names.join(", then ")}: of the weight 50 % stays where it is each time, the rest goes on along the rows there.`;
}

const BADGES = { untrained: "untrained block", parameter_free: "parameter-free", trained: "" };

export function badgeWords(status) {
  return BADGES[status];
}

/** What a block adds at the place that asks, `here`, and on average; of a head, what its whole layer adds. */
export function effectWords(block, here) {
  if (block.effect === null) return "";
  const who = block.heads?.length || block.head_count > 1 ? "The layer, all heads together," : "This block";
  const mean = percent(block.effect);
  if (block.effect === 0) return `${who} changes nothing: what it adds is zero everywhere`;
  return here === null ? `${who} adds ${mean} to its input` : `${who} adds ${percent(here)} to its input here, ${mean} on average`;
}

export function classWords(classes) {
  return classes.slice(0, 3).map(({ name, score }) => `${name} ${percent(score)}`).join(", ");
}

function superscript(number) {
  return [...String(number)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])).join("");
}
