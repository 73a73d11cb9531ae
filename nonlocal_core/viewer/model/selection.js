// Choice of frames by the rule of nonlocal_core/media/selection.py: moments spread evenly from the first frame to the last,
// both included, and the frame on screen at each of them; none twice.

const TICK_SECONDS = 1e-6;

/** Moments spread evenly from 0 to the start of the last frame. */
export function evenMoments(count, last) {
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : (last * i) / (count - 1)));
}

/** Indices of the frames that are chosen from frames that appear at `starts`. */
export function chosenOf(count, starts) {
  const shown = evenMoments(count, starts.at(-1)).map((moment) => Math.max(starts.findLastIndex((start) => start <= moment + TICK_SECONDS), 0));
  return [...new Set(shown)];
}
