// Where arrows and letters of questions stand: in the middle of what is asked; what is taken away has a place of its own.

import { centreOf, temporalCell } from "./grid.js";

/**
 * Places { at: { frame, x, y }, targets }, that of A first. `answers` and `questions` are of the pins, `targets` what each looks
 * at, { less } where its weight is negative: of a difference that is what the taken cells look at more.
 */
export function originsOf(grid, answers, questions, targets) {
  const found = answers.map(({ cells }, i) => ({ at: { ...centreOf(grid, cells), frame: questions[i].at.frame }, targets: targets[i] }));
  const { taken } = answers.at(-1);
  if (taken.length === 0) return found;
  const [{ at, targets: all }] = found;
  return [
    { at, targets: all.filter(({ less }) => !less) },
    { at: { ...centreOf(grid, taken), frame: questions.at(-1).minus[0].frame }, targets: all.filter(({ less }) => less) },
  ];
}

/** Of such places those in `frame`, each with what it looks at in the temporal cell `shown`: `most` of them, undefined for all. */
export function linksOf(origins, { grid, frame, shown, most }) {
  return origins.filter(({ at }) => temporalCell(grid, at.frame) === temporalCell(grid, frame))
    .map(({ at, targets }) => ({ at, targets: targets.filter(({ t }) => t === shown).slice(0, most) }));
}
