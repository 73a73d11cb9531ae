// Answers questions about a bundle with the viewer's own modules; test_viewer_model.py compares them with NumPy.
// argv: bundle, questions (JSON). Each question is { block, direction, cell },
// { block, point, grid }, { block, point, other }, which asks for figures and for the agreement of two blocks, or
// { block, direction, cell, also?, minus?, temperature?, asker?, look }, which asks for all that is drawn and said, with the words of a
// look, or { block, cell, hops }, or { block, direction, pins, look }, which asks for the pixels of cells that are pinned beside each other.

import { readFileSync } from "node:fs";
import { columnOf, rowOf, sharesOf, spreadOf, topOf } from "../../../nonlocal_core/viewer/model/affinity.js";
import { askBlock } from "../../../nonlocal_core/viewer/model/answer.js";
import { colourise, colouriseTogether, paletteOf, pinPaletteOf, rampsOf } from "../../../nonlocal_core/viewer/drawing/colour.js";
import { differenceOf, figuresOf, overlapOf } from "../../../nonlocal_core/viewer/model/figures.js";
import { boundsOf, cellAt, pointOf, temporalCell } from "../../../nonlocal_core/viewer/model/grid.js";
import { barHeights, heatOf, peaksOf, ticksOf, togetherOf } from "../../../nonlocal_core/viewer/model/heat.js";
import { lookIn } from "../../../nonlocal_core/viewer/model/look_words.js";
import { followed, routeOf } from "../../../nonlocal_core/viewer/model/hops.js";
import { parseBundle } from "../../../nonlocal_core/viewer/model/parse.js";
import { answerWords, hopWords, temperatureWords } from "../../../nonlocal_core/viewer/model/words.js";

const file = readFileSync(process.argv[2]);
const bundle = parseBundle(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const questions = JSON.parse(readFileSync(process.argv[3], "utf8"));

function blockOf(name) {
  return bundle.blocks.find((candidate) => candidate.name === name);
}

function compare(block, other, point) {
  const [one, two] = [block, other].map((asked) => askBlock(asked, "row", { at: point }));
  const drawn = (negatives) => [one, two].map(({ answer, own }) => ({ answer, heat: heatOf(answer, own, { ...lookIn("", bundle.look), negatives }, bundle.look) }));
  const [difference, signed] = [false, true].map((negatives) => [...differenceOf(...drawn(negatives)).values]);
  return { figures: figuresOf(one, bundle.media), overlap: overlapOf(one.answer, two.answer), difference, signed };
}

function drawTogether(block, { direction, pins, look }) {
  const asked = direction === "row" ? block.query_grid : block.key_grid;
  const state = { ...lookIn(look, bundle.look), negatives: false };
  const answers = pins.map((cell) => askBlock(block, direction, { at: pointOf(asked, cell) }));
  const heats = togetherOf(answers.map(({ answer, own }) => heatOf(answer, own, state, bundle.look)));
  const { grid, values } = answers[0].answer;
  const words = new Uint32Array(values.length);
  colouriseTogether(answers.map(({ answer }, i) => ({ values: answer.values, heat: heats[i] })), grid, pinPaletteOf(rampsOf(bundle.look), state.strength, bundle.look), words);
  return { pixels: [...words], tops: heats[0].tops, beyond: heats.map(({ beyond }) => beyond) };
}

function draw(block, { direction, cell, also, minus, temperature, asker, look }) {
  const asked = direction === "row" ? block.query_grid : block.key_grid;
  const answered = askBlock(block, direction, { at: pointOf(asked, cell), also: (also ?? []).map((one) => pointOf(asked, one)), minus: (minus ?? []).map((one) => pointOf(asked, one)), temperature, asker });
  const state = lookIn(look, bundle.look);
  state.negatives = answered.answer.surplus || (block.signed && state.negatives);
  const heat = heatOf(answered.answer, answered.own, state, bundle.look);
  const words = new Uint32Array(answered.answer.values.length);
  colourise(answered.answer.values, answered.answer.grid, heat, paletteOf(rampsOf(bundle.look), state.strength, bundle.look), words);
  return {
    pixels: [...words], tops: heat.tops, beyond: heat.beyond, flat: heat.flat, sentence: answerWords(answered),
    peaks: peaksOf(answered.answer, answered.own, heat, 9, bundle.look), bars: barHeights(answered.shares, bundle.look),
    ticks: ticksOf(heat, heat.tops[0], bundle.look), caution: temperatureWords(answered.temperature), values: [...answered.answer.values],
  };
}

function follow(block, { cell, hops }) {
  const first = askBlock(block, "row", { at: pointOf(block.query_grid, cell) });
  const route = routeOf(bundle, block, hops);
  if (route === null) return null;
  const work = followed(first.answer, route, block.off_grid_keys);
  let next = work.next();
  while (!next.done) next = work.next();
  const { values, offGrid, positive } = next.value;
  return { values: [...values], offGrid: [...offGrid], positive, words: hopWords(block, route) };
}

function answer({ hops, block: name, direction, cell, point, grid, other, also, minus, temperature, asker, pins, look }) {
  const block = blockOf(name);
  if (hops) return follow(block, { cell, hops });
  if (pins) return drawTogether(block, { direction, pins, look });
  if (look !== undefined) return draw(block, { direction, cell, also, minus, temperature, asker, look });
  if (other) return compare(block, blockOf(other), point);
  if (point) {
    const found = cellAt(block[grid], point);
    return { cell: found, t: temporalCell(block[grid], point.frame), bounds: found && boundsOf(block[grid], found), middle: found && pointOf(block[grid], found) };
  }
  const found = direction === "row" ? rowOf(block, cell) : columnOf(block, cell);
  return {
    values: [...found.values], offGrid: [...found.offGrid], mass: found.mass, count: found.count,
    shares: [...sharesOf(found)], spread: spreadOf(found), top: topOf(found.values, 9),
  };
}

console.log(JSON.stringify({ id: bundle.id, answers: questions.map(answer) }));
