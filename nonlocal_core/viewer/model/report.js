// What the viewer says about one drawn answer: every text on the page, from the numbers on the page.

import { spreadOf, timesEven, topOf } from "./affinity.js";
import { cellOf } from "./grid.js";
import {
  badgeWords, classWords, effectWords, frameWords, gridWords, headingWords, noticeWords, ownWords, percent, placeWords,
  secondsWords, spokenWords, spreadWords, timesWords, weightWords,
} from "./words.js";

const TABLE_ROWS = 5;

/**
 * All texts of a drawn answer. `drawn` is { bundle, state, block, cell, index, answer, own, shares, asked, scale, strongest,
 * shown, alone }: `asked` is the grid that is asked on, `strongest` and `shown` are temporal cells of the answer's grid.
 */
export function reportOf(drawn) {
  const { state, block, cell, answer, own, shares, scale, shown, alone, bundle } = drawn;
  const cells = topOf(answer.values, TABLE_ROWS, state.scale === "others" ? own.holds : undefined);
  const top = { cell: cellOf(answer.grid, cells[0] ?? 0), share: answer.mass ? Math.abs(answer.values[cells[0] ?? 0]) / answer.mass : 0 };
  const said = { ...drawn, top, share: alone ? top.share : shares[shown] ?? 0 };
  const seconds = secondsWords(bundle.media.pts_seconds[state.at.frame]);
  return {
    heading: {
      question: alone ? "This spot" : `This spot of frame ${state.at.frame + 1}`,
      where: `${placeWords(cell)}${alone ? "" : ` · ${seconds}`}${state.pinned ? "" : " · click to pin"}`,
      ...headingWords(said),
      detail: detail(said),
      badge: badgeWords(block.status),
      warning: block.warning,
      warns: block.status === "untrained",
      clipWarning: bundle.media.warnings.join(" "),
      notice: noticeWords({ block, answer, scale }),
    },
    scaleNote: scaleNote(said),
    facts: facts(drawn),
    more: more(drawn),
    table: () => cells.map((index) => tableRow(answer, index)),
    spoken: spokenWords(said),
  };
}

/** The label beside the pointer: what one cell weighs. */
export function readingOf(answer, cell, weight, alone) {
  const frame = alone ? "" : `${frameWords(answer.grid, cell.t)}, `;
  return `${weightWords(weight)} · ${timesWords(timesEven(answer, weight))} even share · ${frame}${placeWords(cell)}`;
}

function detail({ answer, own, shown, share }) {
  const parts = [];
  if (answer.mass > 0 && (own.kind === "place" || !own.ownsFrame(shown))) parts.push(ownWords(answer, own, share));
  if (answer.mass > 0) parts.push(spreadWords(answer, spreadOf(answer)));
  return parts.join(" · ");
}

function scaleNote({ own, state, answer, shown, scale, alone }) {
  if (state.scale === "each" && shown >= 0) return `Scale of ${frameWords(answer.grid, shown)} alone: brightness does not compare.`;
  if (scale.beyond > 0) return `The own ${own.kind} goes up to ${weightWords(scale.beyond)}.`;
  return alone ? "" : "One scale for every frame.";
}

function facts({ block, bundle, index, state, answer }) {
  const here = block.effectMap && state.direction === "row" ? block.effectMap[index] : null;
  const effect = effectWords(block, here);
  const classes = classWords(bundle.classes);
  const off = [...answer.offGrid].map((weight, n) => `${block.off_grid_keys[n]} ${percent(answer.mass ? Math.abs(weight) / answer.mass : 0)}`);
  return [off.length && `Beside the picture it looks at ${off.join(", ")}`, classes && `The network says: ${classes}`, effect && `This block ${effect}`].filter(Boolean).join(" · ");
}

function more({ block, bundle, answer }) {
  const off = [...answer.offGrid].map((weight, n) => `${block.off_grid_keys[n]} ${weightWords(weight)} (${timesWords(timesEven(answer, weight))} even share)`);
  return `${block.proof} ${[
    ...(off.length ? [`no positions: ${off.join(", ")}`] : []),
    `${bundle.model.title}, ${block.pairwise_title}`,
    `queries ${gridWords(block.query_grid)}, keys ${gridWords(block.key_grid)} (T×H×W)`,
    `stored as ${block.theta.dtype}, rows within ${percent(block.row_error)} of their maximum`,
  ].join(" · ")}`;
}

function tableRow(answer, index) {
  const cell = cellOf(answer.grid, index);
  return [
    frameWords(answer.grid, cell.t).replace(/^frames? /, ""), String(cell.y + 1), String(cell.x + 1),
    weightWords(answer.values[index]), timesWords(timesEven(answer, answer.values[index])),
  ];
}
