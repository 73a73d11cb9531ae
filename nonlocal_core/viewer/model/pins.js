// Pins that stay beside the question that is asked, up to three in all, and what of them undo brings back. No page, no pixels.

/** Pins that are shown together, as nonlocal_core/pin.py limits them. */
export const MOST_PINS = 3;
export const REMEMBERED = 50;

/** Points as a message or a link lists them: [frame, x, y]. */
export function pointsIn(list = []) {
  return list.map(([frame, x, y]) => ({ frame, x, y }));
}

/** Pins as a message lists them: points each. */
export function pinsIn(list = []) {
  return list.map(pointsIn).map(([at, ...also]) => ({ at, also }));
}

/** Whether what is pinned can stay beside another question. */
export function keeps({ pinned, minus, beside }) {
  return pinned && minus.length === 0 && beside.length < MOST_PINS - 1;
}

/** Let the pinned question stay, and ask another beside it. */
export function keep(state) {
  if (!keeps(state)) return state;
  return { ...remember(state), beside: [...state.beside, { at: state.at, also: state.also }], pinned: false, stop: -1 };
}

/** Whether there are two pins, so that B can be taken from A. */
export function subtracts({ pinned, minus, beside }) {
  return pinned && minus.length === 0 && beside.length === 1;
}

/** From two pins to one question: the answer of A less that of B. */
export function subtract(state) {
  if (!subtracts(state)) return state;
  const { at, also, beside: [first] } = state;
  return { ...remember(state), at: first.at, also: first.also, minus: [at, ...also], beside: [], stop: -1 };
}

/** Whether a temperature changes what is asked: a softmax, and where a position looks. */
export function takesTemperature({ softmax }, { direction }) {
  return softmax && direction === "row";
}

/** The state with what is pinned in its history. */
export function remember(state) {
  return { ...state, history: [...state.history, lastOf(state)].slice(-REMEMBERED) };
}

/** What undo brings back: what is pinned, null for nothing. */
export function lastOf(state) {
  if (!state.pinned && state.beside.length === 0) return null;
  const { at, also, minus, beside, pinned, block, direction, asker } = state;
  return { at, also, minus, beside, pinned, block, direction, asker };
}
