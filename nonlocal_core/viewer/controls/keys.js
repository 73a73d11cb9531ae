// The keyboard: one key, one action.

import { ZOOM_STEP } from "../model/zoom.js";

const MOVES = {
  ArrowLeft: { dx: -1 }, ArrowRight: { dx: 1 }, ArrowUp: { dy: -1 }, ArrowDown: { dy: 1 },
  "<": { dt: -1 }, ">": { dt: 1 },
};

/** The action of a key press over the pictures, or null; `shown` is the frame that is large now. */
export function actionOf(event, state, shown) {
  const { key } = event;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") return { type: "undo" };
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (MOVES[key]) return { type: "move", ...MOVES[key] };
  switch (key) {
    case " ": return { type: "play" };
    case "f": return { type: "play", follows: true };
    case ",": return { type: "step", from: shown, by: -1 };
    case ".": return { type: "step", from: shown, by: 1 };
    case "Enter": return { type: "pin" };
    case "Escape": return { type: "unpin" };
    case "u": return { type: "undo" };
    case "b": return { type: "layer", by: 1 };
    case "h": return { type: "head", by: 1 };
    case "d": return { type: "direction" };
    case "s": return { type: "scale" };
    case "m": return { type: "keep" };
    case "g": return { type: "tool" };
    case "n": return { type: "sign" };
    case "+": case "=": return { type: "zoom", by: ZOOM_STEP };
    case "-": return { type: "zoom", by: 1 / ZOOM_STEP };
    case "0": return { type: "zoom", by: 0 };
    case "a": return { type: "set", values: { count: state.count === 0 ? null : 0 } };
    case "t": return { type: "edit", edit: "add" };
    case "p": return { type: "present" };
    case "?": return { type: "help" };
    default: return null;
  }
}

/** The action of a key while presenting, or null: a presenter's clicker sends the Page keys. */
export function presenterActionOf({ key, ctrlKey, metaKey, altKey }, { stop, place = -1 }, stops) {
  if (ctrlKey || metaKey || altKey) return null;
  if (key === "Escape") return { type: "present" };
  if (stops === 0) return null;
  const left = stop < 0 && place >= 0; // somebody clicked elsewhere: back to where the tour was left, or on from there
  if (key === "ArrowRight" || key === "PageDown") return { type: "tour", stop: Math.min((left ? place : stop) + 1, stops - 1) };
  if (key === "ArrowLeft" || key === "PageUp") return { type: "tour", stop: left ? Math.min(place, stops - 1) : Math.max(stop - 1, 0) };
  return null;
}
