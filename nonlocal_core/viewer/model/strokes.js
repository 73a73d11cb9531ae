// Questions larger than a point: cells that a box or a brush takes in, and cells that are taken away. No page, no pixels.

import { lastOf } from "./pins.js";
import { boundsOf, cellAt, indexOf, pointOf } from "./grid.js";

export const TOOLS = ["point", "box", "brush"];
/** Points of a question and the pins beside it: as many as every browser and proxy takes in an address. */
export const MOST_POINTS = 400;

/**
 * The state during a drag: { phase: "start" | "move" | "end", at, add }. A new drag asks anew, one that adds, or takes cells
 * away, leaves what was asked before. A drag that would take in more than a question may have changes nothing more; `isFull` tells.
 */
export function stroke(bundle, state, { phase, at, add }) {
  const block = bundle.blocks[state.block];
  const grid = state.direction === "row" ? block.query_grid : block.key_grid;
  if (phase === "end") return state.stroke ? ended(state) : state;
  const begun = phase === "start" ? begin(state, at, add) : state;
  if (!begun.stroke || cellAt(grid, at) === null) return phase === "start" ? state : begun;
  const points = begun.tool === "box" ? boxed(grid, begun.stroke.from, at) : brushed(grid, begun.stroke, at);
  const taken = asked(grid, begun, points);
  if (taken === null) return { ...begun, isFull: true };
  return { ...begun, ...taken, isFull: false, stroke: { ...begun.stroke, points, last: at } };
}

function begin(state, at, add) {
  const before = add || state.sign === "minus" ? { plus: [state.at, ...state.also], minus: state.minus } : { plus: [], minus: [] };
  return { ...state, pinned: false, held: null, stop: -1, isFull: false, stroke: { from: at, last: at, before, points: [], undo: lastOf(state) } };
}

function ended(state) {
  return { ...state, pinned: true, stroke: null, history: [...state.history, state.stroke.undo] };
}

/** What is asked when a drag has taken in these points; null where they are more than one question may have. */
function asked(grid, { sign, beside, stroke: { before } }, points) {
  const plus = union(grid, before.plus, sign === "plus" ? points : []);
  const minus = union(grid, before.minus, sign === "minus" ? points : []);
  const others = beside.reduce((sum, { also }) => sum + 1 + also.length, 0);
  if (plus.length + minus.length + others > MOST_POINTS) return null;
  const [at, ...also] = plus;
  return { at, also, minus };
}

/** Points of two lists, one for each cell. */
function union(grid, first, second) {
  const seen = new Map();
  for (const point of [...first, ...second]) {
    const cell = cellAt(grid, point);
    if (cell && !seen.has(indexOf(grid, cell))) seen.set(indexOf(grid, cell), point);
  }
  return [...seen.values()];
}

/** The middles of the cells that a box between two points of one frame takes in: those under it. */
function boxed(grid, from, to) {
  const [a, b] = [cellAt(grid, from), cellAt(grid, { ...to, frame: from.frame })];
  const points = [];
  for (let y = Math.min(a.y, b.y); y <= Math.max(a.y, b.y); y++) {
    for (let x = Math.min(a.x, b.x); x <= Math.max(a.x, b.x); x++) points.push({ ...pointOf(grid, { t: a.t, y, x }), frame: from.frame });
  }
  return points;
}

/** The middles of the cells between the last point of a brush and the next one, after those before. */
function brushed(grid, { points, last }, to) {
  const { width, height } = boundsOf(grid, { t: 0, y: 0, x: 0 });
  const same = last.frame === to.frame;
  const steps = same ? Math.max(1, Math.ceil(2 * Math.max(Math.abs(to.x - last.x) / width, Math.abs(to.y - last.y) / height))) : 1;
  const added = [...points];
  const seen = new Set(points.map((point) => indexOf(grid, cellAt(grid, point))));
  for (let step = same ? 0 : 1; step <= steps; step++) {
    const part = step / steps;
    const cell = cellAt(grid, { frame: to.frame, x: last.x + part * (to.x - last.x), y: last.y + part * (to.y - last.y) });
    if (!cell || seen.has(indexOf(grid, cell))) continue;
    seen.add(indexOf(grid, cell));
    added.push({ ...pointOf(grid, cell), frame: to.frame });
  }
  return added;
}
