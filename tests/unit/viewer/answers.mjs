// Answers questions about a bundle with the viewer's own modules; test_viewer_js.py compares them with NumPy.
// argv: bundle, questions (JSON). Each question is { block, direction, cell } or { block, point, grid }.

import { readFileSync } from "node:fs";
import { columnOf, rowOf, sharesOf, spreadOf, topOf } from "../../../nonlocal_core/viewer/affinity.js";
import { boundsOf, cellAt, pointOf, temporalCell } from "../../../nonlocal_core/viewer/grid.js";
import { parseBundle } from "../../../nonlocal_core/viewer/parse.js";

const file = readFileSync(process.argv[2]);
const bundle = parseBundle(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const questions = JSON.parse(readFileSync(process.argv[3], "utf8"));

function answer({ block: name, direction, cell, point, grid }) {
  const block = bundle.blocks.find((candidate) => candidate.name === name);
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
