// What asks and is no position: a class token, registers, the queries of a decoder; or is looked at, as the words of a
// text. What record.py's asked_by does.

import { hasColumns } from "./affinity.js";

const spreads = new WeakMap();

/** The name of who asks a block in a state: the chosen one where the block has it, the block's own, null for positions. */
export function askerOf({ askers = [], asker = null }, state) {
  return askers.includes(state.asker) ? state.asker : asker;
}

/** A block that answers with an asker's row wherever it is asked; itself where positions ask. The last of each is kept. */
export function askedBy(block, state) {
  const asker = askerOf(block, state);
  if (asker === null) return block;
  if (spreads.get(block)?.asker !== asker) spreads.set(block, spread(block, asker));
  return spreads.get(block);
}

/** An asker's name in a sentence; `looked`: a key that is looked at, such as a word. */
export function askerNamed(asker, looked = false) {
  if (/\d$/.test(asker)) return asker;
  return looked ? `"${asker}"` : `the ${asker}`;
}

/** Who asks, in a sentence, with the frame where each has its own. */
export function askerWords({ asker, askers_are_keys: looked, scope, query_grid: { frames, frame_spans: spans } }, cells) {
  const name = askerNamed(asker, Boolean(looked));
  if (scope !== "space" || frames === 1) return name;
  const steps = [...new Set(cells.map(({ t }) => t))];
  if (steps.length > 1) return `${name} of ${steps.length} frames`;
  const [start, stop] = spans[steps[0]];
  return `${name} of ${stop - start === 1 ? `frame ${stop}` : `frames ${start + 1} to ${stop}`}`;
}

function spread(block, asker) {
  const { askers, scope, query_grid: { rows, cols } } = block;
  const index = askers.indexOf(asker);
  const step = (cell) => (scope === "space" ? Math.floor(cell / (rows * cols)) : 0);
  const theta = block.heads ? block.theta : { dtype: block.theta.dtype, row: (cell) => block.askerTheta.row(step(cell) * askers.length + index) };
  const heads = block.heads?.map((head) => spread(head, asker));
  return { ...block, asker, theta, heads, effect: null, effectMap: null, logNormaliser: null };
}

/** Whether "who looks here" can be asked of a block in a state: not while something else than a position asks. */
export function turns(block, state) {
  return hasColumns(block) && askerOf(block, state) === null;
}
