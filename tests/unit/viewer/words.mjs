// Prints all that the viewer writes about one block of a bundle, alone and side by side with itself.
// argv: bundle, name of the block. It ends with an error where the bundle has no such block.

import { readFileSync } from "node:fs";
import { askBlock, strongestOf } from "../../../nonlocal_core/viewer/model/answer.js";
import { differenceWords, figureRow, figureTitles, notesOf, paneWords, questionWords } from "../../../nonlocal_core/viewer/model/comparison_report.js";
import { figuresOf } from "../../../nonlocal_core/viewer/model/figures.js";
import { heatOf } from "../../../nonlocal_core/viewer/model/heat.js";
import { parseBundle } from "../../../nonlocal_core/viewer/model/parse.js";
import { reportOf } from "../../../nonlocal_core/viewer/model/report.js";
import { startState } from "../../../nonlocal_core/viewer/model/state.js";

const file = readFileSync(process.argv[2]);
const bundle = parseBundle(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const index = bundle.blocks.findIndex(({ name }) => name === process.argv[3]);
if (index < 0) throw new Error(`no block ${process.argv[3]}`);

const block = bundle.blocks[index];
const state = { ...startState(bundle), block: index, pinned: false };
const answered = askBlock(block, "row", state);
const heat = heatOf(answered.answer, answered.own, state, bundle.look);
const shown = strongestOf(answered);
const report = reportOf({ ...answered, bundle, state, heat, shown, alone: bundle.frames.length === 1 });
const pane = { number: 1, title: "Pane", block, bundle, answered, figures: figuresOf(answered, bundle.media), heat };
const shape = { alone: false };

console.log(JSON.stringify({
  report: { ...report, table: report.table() },
  pane: paneWords(pane, { shown, held: false }),
  question: questionWords({ media: bundle.media, frame: state.at.frame, cell: answered.cell, state, alone: false, name: "" }),
  figures: [figureTitles(shape), figureRow(pane, pane, shape), notesOf([pane])],
  difference: differenceWords({ first: 1, second: 2, blocks: [block, block], peak: 0, reason: "" }),
}));
