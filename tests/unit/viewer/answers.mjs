// Answers questions about a bundle with the viewer's own modules; test_viewer_model.py compares them with NumPy.
// argv: bundle, questions (JSON). Each question is { block, direction, cell },
// { block, point, grid }, or { block, point, other }, which asks for figures and for the agreement of two blocks.

import { readFileSync } from "node:fs";
import { columnOf, rowOf, sharesOf, spreadOf, topOf } from "../../../nonlocal_core/viewer/model/affinity.js";
import { askBlock } from "../../../nonlocal_core/viewer/model/answer.js";
import { differenceOf, figuresOf, overlapOf } from "../../../nonlocal_core/viewer/model/figures.js";
import { boundsOf, cellAt, pointOf, temporalCell } from "../../../nonlocal_core/viewer/model/grid.js";
import { parseBundle } from "../../../nonlocal_core/viewer/model/parse.js";

const file = readFileSync(process.argv[2]);
const bundle = parseBundle(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const questions = JSON.parse(readFileSync(process.argv[3], "utf8"));

function blockOf(name) {
  return bundle.blocks.find((candidate) => candidate.name === name);
}

function compare(block, other, point) {
  const [one, two] = [block, other].map((asked) => askBlock(asked, "row", point));
  return { figures: figuresOf(one, bundle.media), overlap: overlapOf(one.answer, two.answer), difference: [...differenceOf(one.answer, two.answer).values] };
}

function answer({ block: name, direction, cell, point, grid, other }) {
  const block = blockOf(name);
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
