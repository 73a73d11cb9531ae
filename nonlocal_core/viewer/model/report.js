// What the viewer says about one drawn answer: every text on the page, from the numbers on the page.

import { askerWords } from "./askers.js";
import { spreadOf, timesEven, topOf } from "./affinity.js";
import { cellOf } from "./grid.js";
import { MOST_POINTS } from "./strokes.js";
import {
  LETTERS, badgeWords, classWords, effectWords, frameWords, gridWords, hopWords, noticeWords, percent, placeWords, secondsWords,
  shownWords, spokenWords, spreadWords, temperatureWords, timesWords, weightWords,
} from "./words.js";

const TABLE_ROWS = 5;
const CURVE_WORDS = { log: "logarithmic", root: "square-root", linear: "linear" };

/**
 * All texts of a drawn answer. `drawn` is what askBlock returned with { bundle, state, heat, shown, alone }: `shown` is the
 * temporal cell of the large picture.
 */
export function reportOf(drawn) {
  const { state, block, answer, heat, shown, alone, bundle } = drawn;
  const seconds = secondsWords(bundle.media.pts_seconds[state.at.frame]);
  return {
    heading: {
      ...ofPin(drawn.letter, askedWords(drawn, alone ? "" : seconds)),
      ...shownWords(drawn, state, shown, drawn.letter),
      detail: answer.positive > 0 ? spreadWords(answer, spreadOf(answer)) : "",
      badge: badgeWords(block.status),
      warning: [drawn.route ? hopWords(block, drawn.route) : "", temperatureWords(drawn.temperature), block.warning].filter(Boolean).join(" "),
      warns: block.status === "untrained" || drawn.temperature !== 1 || drawn.route !== undefined,
      clipWarning: bundle.media.warnings.join(" "),
      notice: drawn.hopping === undefined ? noticeWords({ block, answer, heat }) : `Following the look: ${percent(drawn.hopping)}. One hop is shown meanwhile.`,
    },
    scaleNote: scaleNote(drawn),
    facts: facts(drawn),
    more: more(drawn),
    table: () => topOf(answer.values, TABLE_ROWS).map((index) => tableRow(answer, index)),
    spoken: () => spokenWords(drawn),
  };
}

/** The label beside the pointer: what one cell weighs. */
export function readingOf(answer, cell, weight, alone) {
  const frame = alone ? "" : `${frameWords(answer.grid, cell.t)}, `;
  return `${weightWords(weight)} · ${timesWords(timesEven(answer, weight))} even share · ${frame}${placeWords(cell)}`;
}

/** What all of several pins, A first, weigh in one cell, a line for each; of one as it is. */
export function readingsOf(answers, cell, index, alone) {
  const words = answers.map((answer) => readingOf(answer, cell, answer.values[index], alone));
  return words.length > 1 ? words.map((said, pin) => `${LETTERS[pin]}: ${said}`).join("\n") : words[0];
}

/** A heading of the last of several pins begins with its letter. */
function ofPin(letter, { question, where }) {
  return { question: letter ? `${letter}: ${question.replace(/^T/, "t")}` : question, where };
}

/** What is asked, and where it lies. */
function askedWords({ block, asked, cell, cells, taken, state, alone }, seconds) {
  if (block.asker) {
    const named = askerWords(block, cells).replace(/^./, (letter) => letter.toUpperCase());
    return { question: named, where: block.askers_are_keys ? "is looked at, wherever you point" : "asks, wherever you point" };
  }
  const pin = state.pinned ? "" : " · click to pin";
  if (cells.length + taken.length === 1) {
    return { question: alone ? "This spot" : `This spot of frame ${state.at.frame + 1}`, where: `${placeWords(cell)}${seconds && ` · ${seconds}`}${pin}` };
  }
  const frames = new Set(cells.map(({ t }) => t));
  const of = alone ? "" : frames.size === 1 ? ` of ${frameWords(asked, cells[0].t)}` : ` of ${frames.size} frames`;
  const counted = (some) => (some.length === 1 ? "one cell" : `${some.length} cells`);
  const less = taken.length ? [`less B: ${counted(taken)}`] : [];
  if (taken.length && block.signed) less.push("positive weight only");
  if (cells.length > 1 || taken.length > 1) less.push("the mean of their answers");
  const full = state.isFull ? ` · no more fit: a question has up to ${MOST_POINTS} cells` : "";
  return { question: `${taken.length ? "A: " : ""}${counted(cells)}${of}`, where: `${less.join(" · ")}${full}` };
}

function scaleNote({ state, answer, shown, heat, alone }) {
  const said = [`${CURVE_WORDS[state.curve]} scale`];
  if (state.scale === "each" && shown >= 0) said.push(`of ${frameWords(answer.grid, shown)} alone: heat does not compare`);
  else if (!alone) said.push("one for every frame");
  if (heat.negatives) said.push(answer.surplus ? "cold: B has more" : "cold: negative weight, which bars and arrows leave out");
  if (heat.beyond > 0) said.push(`the asked place itself goes up to ${timesWords(heat.beyond)}`);
  return `${said.join(" · ").replace(/^./, (letter) => letter.toUpperCase())}.`;
}

function facts({ block, bundle, index, state, answer }) {
  const here = block.effectMap && state.direction === "row" ? block.effectMap[index] : null;
  const effect = effectWords(block, here);
  const classes = classWords(bundle.classes);
  const off = [...answer.offGrid].map((weight, n) => `${block.off_grid_keys[n]} ${percent(answer.positive ? Math.max(weight, 0) / answer.positive : 0)}`);
  return [off.length && `Beside the picture it looks at ${off.join(", ")}`, classes && `The network says: ${classes}`, effect].filter(Boolean).join(" · ");
}

function more({ block, bundle, answer, temperature }) {
  const off = [...answer.offGrid].map((weight, n) => `${block.off_grid_keys[n]} ${weightWords(weight)} (${timesWords(timesEven(answer, weight))} even share)`);
  return `${block.proof} ${[
    ...(off.length ? [`no positions: ${off.join(", ")}`] : []),
    `${bundle.model.title}, ${block.pairwise_title}`,
    `queries ${gridWords(block.query_grid)}, keys ${block.askers_are_keys ? `a list of ${block.askers.length}` : gridWords(block.key_grid)} (T×H×W)`,
    `stored as ${block.theta.dtype}, rows within ${percent(block.row_error)} of their maximum${temperature === 1 ? "" : " at the network's temperature"}`,
  ].join(" · ")}`;
}

function tableRow(answer, index) {
  const cell = cellOf(answer.grid, index);
  return [
    frameWords(answer.grid, cell.t).replace(/^frames? /, ""), String(cell.y + 1), String(cell.x + 1),
    weightWords(answer.values[index]), timesWords(timesEven(answer, answer.values[index])),
  ];
}
