// The question follows what it looks at: from frame to frame it moves to the strongest cell of its own answer in the next one.
//
// Differs from nonlocal_core/measures/tracking.py, which carries a mark from one frame to each of the others at once, by the mean
// over the strongest keys of every position: here one cell asks after the other, so that a frame that goes wrong leads the next.

import { pointOf, temporalCell } from "./grid.js";

/** The question in a frame that its answer reaches: { at, also, minus }; null where no weight is positive there. */
export function strongestIn({ answer: { grid, values } }, { at, also, minus }, frame) {
  const t = temporalCell(grid, frame);
  if (t === temporalCell(grid, at.frame)) return { at: { ...at, frame }, also, minus }; // frames of one temporal cell are one place
  const perFrame = grid.rows * grid.cols;
  let best = -1;
  for (let i = t * perFrame; t >= 0 && i < (t + 1) * perFrame; i++) if (values[i] > 0 && (best < 0 || values[i] > values[best])) best = i;
  if (best < 0) return null;
  const cell = { t, y: Math.floor((best % perFrame) / grid.cols), x: best % grid.cols };
  return { at: { ...pointOf(grid, cell), frame }, also: [], minus: [] };
}

/**
 * The state one step on: the question moves into the frame that is held, and the frame after that is held. It begins with
 * what is asked, ends with the clip, and then begins again. From the last frame it goes backwards. `answered` is the answer
 * to the question on screen, null to end where it is; the same state comes back where there is nowhere to go.
 */
export function follow(bundle, state, answered) {
  if (!answered) return state.followed ? { ...state, followed: null } : state;
  const start = state.followed ?? { at: state.at, also: state.also, minus: state.minus };
  const by = start.at.frame === bundle.frames.length - 1 ? -1 : 1;
  const frame = state.followed && state.held !== null && state.held !== state.at.frame ? state.held : state.at.frame + by;
  const moved = bundle.frames[frame] ? strongestIn(answered, state, frame) : null;
  const first = { ...state, ...start, pinned: true, stop: -1, followed: start, held: start.at.frame + by };
  if (!state.followed) return moved ? first : state;
  return moved ? { ...state, ...moved, held: bundle.frames[frame + by] ? frame + by : frame } : first;
}

/** What following does, or why it cannot. */
export function followWords(bundle, state, answered) {
  const { frame } = state.at;
  const back = (state.followed ?? state).at.frame === bundle.frames.length - 1;
  const next = back ? "the frame before" : "the next frame";
  if (!state.followed && strongestIn(answered, state, back ? frame - 1 : frame + 1) === null) {
    return `Nothing of this answer lies in ${next}, so the question cannot move on.`;
  }
  const strongest = state.direction === "row" ? `that it weighs most in ${next}` : `of ${next} that weighs it most`;
  return `While it plays, the question moves on to the cell ${strongest}. Only this block's weights decide: it may lose the object.`;
}
