// What is said about answers side by side.

import { overlapOf, sameGrid } from "./figures.js";
import { answerWords, badgeWords, countWords, frameWords, gridWords, noticeWords, percent, placeWords, secondsWords, timesWords } from "./words.js";

/** Titles without the words that they all begin with, so that what differs is read first: as app/views/compare.py has them. */
export function apartTitles(titles) {
  if (new Set(titles).size < 2) return titles;
  const words = titles.map((title) => title.replaceAll(",", "").split(" "));
  let shared = 0;
  while (words.every((line) => line.length > shared + 1 && line[shared] === words[0][shared])) shared += 1;
  return titles.map((title) => title.split(" ").slice(shared).join(" ").replace(/^./, (letter) => letter.toUpperCase()));
}

/** Over a pane: its number in the menus and its name, the frame that is shown and what it gets; on it: how far its colours reach. */
export function paneWords({ number, title, answered, heat, missed }, { shown, held }) {
  const { block, answer, shares } = answered;
  const alone = answer.grid.frames === 1;
  return {
    lead: numberedTitle({ number, title }),
    figure: alone || shown < 0 ? "" : `${frameWords(answer.grid, shown)}: ${percent(shares[shown])}`,
    detail: answer.positive === 0 ? "" : answerWords(answered),
    limit: heat.largest > 0 ? `full heat at ${timesWords(heat.tops[0])} even share` : "",
    badge: badgeWords(block.status),
    warning: block.warning,
    warns: block.status === "untrained",
    notice: missed ? "The network did not see this point: the nearest cell answers." : noticeWords({ block, answer, heat }),
    held,
  };
}

/** The name of a pane as the menus of the difference have it. */
export function numberedTitle({ number, title }) {
  return `${number}. ${title}`;
}

/** Over the difference: what is taken from what, or why it cannot be. `blocks` are the two. */
export function differenceWords({ first, second, blocks, peak, reason }) {
  const said = {
    lead: `${first} − ${second}`, figure: "", badge: "", held: false,
    warning: joined(blocks.map(({ warning }) => warning)), warns: blocks.some(({ status }) => status === "untrained"),
  };
  if (reason) return { ...said, detail: "", limit: "", notice: reason };
  return {
    ...said, detail: `warm: more in ${first} · cold: more in ${second}`,
    limit: peak > 0 ? `full heat at ±${timesWords(peak)} even share` : "",
    notice: peak > 0 ? "" : "The two maps differ nowhere by more than an even share.",
  };
}

/** Why two answers cannot be subtracted, "" when they can. */
export function whyNoDifference({ answer: a }, { answer: b }) {
  if (sameGrid(a.grid, b.grid)) return "";
  const shapes = [a, b].map(({ grid }) => gridWords(grid));
  return shapes[0] === shapes[1]
    ? "These two cover different parts of their frames, so their cells are not the same places."
    : `These two have different cells, ${shapes[0]} and ${shapes[1]} (T×H×W), so there is nothing to subtract cell by cell.`;
}

/** The heading of the frame that is asked from. */
export function questionWords({ media, frame, cell, state, alone, name }) {
  return {
    question: `${name ? `${name}: ` : ""}${alone ? "this spot" : `this spot of frame ${frame + 1}`}`.replace(/^t/, "T"),
    where: `${placeWords(cell)}${alone ? "" : ` · ${secondsWords(media.pts_seconds[frame])}`}${state.pinned ? "" : " · click to pin"}`,
    clipWarning: media.warnings.join(" "),
  };
}

/** Column titles of the table; `alone`: no pane has more than one frame. */
export function figureTitles({ alone }) {
  return ["answer", "spread over, cells", "on the spot", ...(alone ? [] : ["own frame"]), "away in the picture", ...(alone ? [] : ["away in time"]), "strongest, × even", "top 20 as in the first"];
}

/** One row of the table. */
export function figureRow({ title, answered, figures }, first, { alone }) {
  const or = (value, words) => (Number.isNaN(value) ? "–" : words(value));
  const same = sameGrid(answered.answer.grid, first.answered.answer.grid);
  return [
    title,
    or(figures.spread, (spread) => `${countWords(Math.max(1, Math.round(spread)))} of ${countWords(answered.answer.count)}`),
    or(figures.ownCell, percent),
    ...(alone ? [] : [or(figures.ownFrame, percent)]),
    or(figures.distance, (distance) => `${percent(distance)} of the diagonal`),
    ...(alone ? [] : [or(figures.seconds, secondsWords)]),
    or(figures.times, timesWords),
    same ? or(overlapOf(first.answered.answer, answered.answer), percent) : "other cells",
  ];
}

/** For a screen reader: what each pane says, in one sentence each. */
export function comparisonSpoken(panes) {
  return panes.map(({ title, answered }) => `${title}: ${answerWords(answered)}`).join(" ");
}

/** All that must be known of panes before they are believed, each sentence once, with whose it is unless it is all's. */
export function notesOf(panes) {
  const titles = new Map();
  for (const { title, block, bundle } of panes) {
    for (const sentence of new Set([block.warning, ...bundle.media.warnings])) {
      if (sentence) titles.set(sentence, [...(titles.get(sentence) ?? []), title]);
    }
  }
  return [...titles].map(([sentence, of]) => (of.length === panes.length ? sentence : `${of.join(", ")}: ${sentence}`));
}

/** Sentences one after the other, each once. */
function joined(sentences) {
  return [...new Set(sentences)].filter(Boolean).join(" ");
}
