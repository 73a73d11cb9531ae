// What the person has chosen, as one plain object, and how each action changes it. No page, no pixels: node tests it.
//
// at       the point that is asked from: { frame, x, y }, x and y in 0..1 of the frame
// also     further points that are asked with it, minus those whose mean answer is taken away
// beside   pins that stay while another is asked: { at, also } each, A first; what is asked now has the next letter
// temperature  what scores are divided by before the softmax; 1 is the network's
// hops     1 for where it looks; each more goes on along the rows of the layer before (hops.js)
// asker    who is asked instead of the point, by its name; null for the point (askers.js)
// tool     what dragging does: "point", "box", "brush"; sign "plus" or "minus"; stroke: the drag that goes on, or null; isFull:
//          it met the limit of cells
// pinned   whether it stays when the pointer moves on
// held     the frame that is kept large beside it; null follows the strongest
// look     how it is drawn: look_words.js has its fields
// tour     its stops (tour.js); the person may change them
// stop     the stop of the tour that is shown, -1 for none; place: the last one that was, where a presenter goes on from
// editing  whether the list of stops is open
// history  what was pinned before, newest last; null for "nothing", { tour } for the stops before an edit
// zoom     the window that all pictures show (zoom.js); of this page alone
// followed where a question began that follows what it looks at (follow.js), null for one that stays

import { TOOLS, stroke } from "./strokes.js";
import { follow } from "./follow.js";
import { askerOf, turns } from "./askers.js";
import { stepBlock, turn } from "./blocks.js";
import { takesHops } from "./hops.js";
import { lookIn, wordsOf } from "./look_words.js";
import { cellAt, nearestCell, pointOf } from "./grid.js";
import { REMEMBERED, keep, remember, subtract, takesTemperature } from "./pins.js";
import { MOST_STOPS, asksTheSame, edited, stopFrom } from "./tour.js";
import { WHOLE, holds, middleOf, panned, reaching, zoomed } from "./zoom.js";

export function startState(bundle) {
  const named = bundle.blocks.findIndex((block) => block.name === bundle.view.block);
  const { query: at, also, minus, temperature } = bundle.view;
  const beside = bundle.view.beside.map(({ points: [first, ...more] }) => ({ at: first, also: more }));
  return {
    block: Math.max(named, 0), direction: bundle.view.direction, at, also, minus, beside, temperature, hops: bundle.view.hops ?? 1, asker: bundle.view.asker ?? null, held: null, history: [],
    pinned: also.length + minus.length + beside.length > 0, // what took work to ask is not lost to the next move
    tool: "point", sign: "plus", stroke: null, isFull: false, zoom: WHOLE, followed: null,
    tour: bundle.view.tour, stop: -1, place: -1, editing: false, ...lookIn(bundle.view.look, bundle.look),
  };
}

/** Whether two states differ at most in where the question lies: nothing that is chosen beside the pictures depends on that. */
export function choosesAlike(one, other) {
  return Object.keys(one).every((name) => name === "at" || one[name] === other[name] || (Array.isArray(one[name]) && one[name].length + other[name].length === 0));
}

/** The same question to a clip some moments later, in its last frame. */
export function later(state, { frames }) {
  const last = frames.length - 1;
  const within = (point) => ({ ...point, frame: Math.min(point.frame, last) });
  return {
    ...state, at: { ...state.at, frame: last }, also: state.also.map(within), minus: state.minus.map(within),
    beside: state.beside.map(({ at, also }) => ({ at: within(at), also: also.map(within) })), followed: null,
  };
}

/** The grid that the asked cell lies on: queries look, keys are looked at. */
export function askedGrid(bundle, state) {
  const block = bundle.blocks[state.block];
  return state.direction === "row" ? block.query_grid : block.key_grid;
}

/** Returns the state after an action; the same object when the action changes nothing. */
export function reduce(state, action, bundle) {
  const next = stillFull(inSight(after(state, action, bundle), state, action), state, action);
  return next.direction === "row" || turns(bundle.blocks[next.block], next) ? next : { ...next, direction: "row" };
}

/** That a question may have no more cells is said of the drag that met the limit, and of no other question. */
function stillFull(next, { also }, { type }) {
  return next.also === also || type === "stroke" || !next.isFull ? next : { ...next, isFull: false };
}

/** Where the question moves out of the window, the window goes along; a drag holds it still. */
function inSight(next, { at }, { type }) {
  const zoom = next.at === at || type === "stroke" ? next.zoom : reaching(next.zoom, next.at);
  return zoom === next.zoom ? next : { ...next, zoom };
}

function after(state, action, bundle) {
  switch (action.type) {
    case "ask": return sees(bundle, state, action.at) ? { ...state, ...only(action.at), pinned: false, stop: -1 } : state;
    case "stroke": return stroke(bundle, state, action);
    case "tool": return { ...state, tool: action.tool ?? TOOLS[turn(TOOLS.indexOf(state.tool) + 1, TOOLS.length)], sign: "plus" };
    case "sign": return state.tool === "point" ? state : { ...state, sign: action.sign ?? (state.sign === "plus" ? "minus" : "plus") };
    case "zoom": return through(state, zoomed(state.zoom, action.by, action.at ?? (holds(state.zoom, state.at) ? state.at : middleOf(state.zoom))));
    case "pan": return through(state, panned(state.zoom, action));
    case "follow": return goOn(bundle, state, action.answered ?? null);
    case "pin": return pin(bundle, state, action.at ?? { ...state.at, also: state.also, minus: state.minus });
    case "keep": return keep(state);
    case "drop": return { ...remember(state), beside: state.beside.filter((_, i) => i !== action.pin) };
    case "subtract": return subtract(state);
    case "unpin": return state.pinned || state.held !== null || state.stop >= 0 ? { ...remember(state), pinned: false, held: null, stop: -1 } : state;
    case "undo": return undo(state);
    case "move": return move(bundle, state, action);
    case "hold": return { ...state, held: action.frame };
    case "step": return { ...state, held: turn(action.from + action.by, bundle.frames.length) };
    case "block": return { ...state, block: turn(action.block, bundle.blocks.length) };
    case "layer": return { ...state, block: stepBlock(bundle.blocks, state.block, { layers: action.by }) };
    case "head": return { ...state, block: stepBlock(bundle.blocks, state.block, { heads: action.by }) };
    case "direction": return { ...state, direction: action.direction ?? (state.direction === "row" ? "column" : "row"), held: null };
    case "scale": return { ...state, scale: action.scale ?? (state.scale === "all" ? "each" : "all") };
    case "asker": return { ...state, asker: action.asker, also: [], minus: [], beside: [], stop: -1 };
    case "set": return { ...state, ...action.values };
    case "tour": return visit(bundle, state, action.stop);
    case "edit": return action.edit === "add" ? addStop(bundle, state) : withTour(state, edited(state.tour, action), action.edit === "caption");
    default: throw new Error(`No action is called ${action.type}.`);
  }
}

/** What has to wait until "who looks here" can be answered: an action, or the turn that belongs to a stop; null if nothing. */
export function turnIn({ tour }, action) {
  if (action.type === "direction") return action;
  return action.type === "tour" && tour[action.stop]?.direction === "column" ? { type: "direction", direction: "column" } : null;
}

/** What Python hears of: the pinned points and how the answer is drawn, or null. A question that follows the pointer is none. */
export function pinnedMessage(bundle, state) {
  if (!state.pinned && state.beside.length === 0) return null;
  const block = bundle.blocks[state.block];
  const pins = state.pinned ? state : { ...state.beside.at(-1), minus: [], beside: state.beside.slice(0, -1) };
  const list = (points) => points.map(({ frame, x, y }) => [frame, x, y]);
  const listed = (name) => (pins[name].length ? { [name]: list(pins[name]) } : {});
  const beside = pins.beside.length ? { beside: pins.beside.map(({ at, also }) => list([at, ...also])) } : {};
  const temperature = state.temperature !== 1 && takesTemperature(block, state) ? { temperature: state.temperature } : {};
  const hops = state.hops > 1 && takesHops(bundle, { ...state, ...pins }) ? { hops: state.hops } : {};
  const asker = askerOf(block, state) === null ? {} : { asker: askerOf(block, state) };
  return { ...pins.at, ...asker, ...listed("also"), ...listed("minus"), ...beside, ...temperature, ...hops, block: block.name, direction: state.direction, view: wordsOf(state, bundle.look) };
}

/** Pin a point, or what is asked already. */
function pin(bundle, state, { also = [], minus = [], ...at }) {
  if (!sees(bundle, state, at)) return state;
  return { ...remember(state), at, also, minus, pinned: true, held: null, stop: -1, followed: null };
}

function through(state, zoom) {
  return zoom === state.zoom ? state : { ...state, zoom };
}

/** Where a question began that follows is remembered, as a pin is. */
function goOn(bundle, state, answered) {
  const next = follow(bundle, state, answered);
  return next === state || state.followed ? next : { ...next, history: remember(state).history };
}

function only(at) {
  return { at, also: [], minus: [] };
}

function undo(state) {
  if (state.history.length === 0) return state;
  const last = state.history[state.history.length - 1];
  const history = state.history.slice(0, -1);
  if (last?.tour) return { ...withTour(state, last.tour), history };
  return { ...state, ...(last ?? { beside: [], pinned: false }), held: null, stop: -1, history };
}

/** Move the asked cell by whole cells, or by whole temporal cells; it stops at the edge of the grid. */
function move(bundle, state, { dx = 0, dy = 0, dt = 0 }) {
  const grid = askedGrid(bundle, state);
  const cell = nearestCell(grid, state.at);
  const next = { t: clamp(cell.t + dt, grid.frames), y: clamp(cell.y + dy, grid.rows), x: clamp(cell.x + dx, grid.cols) };
  const at = pointOf(grid, next);
  return { ...state, ...only(next.t === cell.t ? { ...at, frame: state.at.frame } : at), stop: -1 };
}

function visit(bundle, state, stop) {
  const found = state.tour[stop];
  if (!found) return { ...state, stop: -1 };
  if (stop === state.stop) return state;
  const block = bundle.blocks.findIndex(({ name }) => name === found.block);
  return {
    ...remember(state), stop, place: stop, pinned: true, held: null, direction: found.direction,
    ...only({ frame: found.frame, x: found.x, y: found.y }), beside: [], temperature: 1, hops: found.hops ?? 1, asker: null, block: block < 0 ? state.block : block,
  };
}

/** Pin the question on screen and make it the last stop; one that is a stop already is only opened for writing. */
function addStop(bundle, state) {
  const made = stopFrom(bundle, state);
  const open = { ...state, pinned: true, editing: true };
  if (state.stop >= 0 && asksTheSame(state.tour[state.stop], made)) return open;
  if (state.tour.length >= MOST_STOPS) return { ...state, editing: true };
  return { ...withTour(open, [...state.tour, made]), stop: state.tour.length };
}

/** Take other stops; the one that is shown stays shown where it is still among them, or only has other words. */
function withTour(state, tour, rewritten = false) {
  if (tour === state.tour) return state;
  const stop = rewritten ? state.stop : tour.indexOf(state.tour[state.stop]);
  return { ...state, tour, stop, history: [...state.history, { tour: state.tour }].slice(-REMEMBERED) };
}

function sees(bundle, state, at) {
  return cellAt(askedGrid(bundle, state), at) !== null;
}

function clamp(value, count) {
  return Math.min(Math.max(value, 0), count - 1);
}
