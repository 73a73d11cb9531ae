// Choices that every view has: the direction, how heat is drawn, how faint weights are raised. Each is { root, show }.

import { el, segmented } from "../drawing/dom.js";

const DIRECTIONS = ["row", "column"];
const LOOKED_AT = "The weights that other positions give to this one (d)";
const AWAITED = "Being computed: it turns when that is done (d)";
const TOO_MANY = "Not for so many positions: choose fewer frames or a smaller short side";

/** `show(state, turns, awaited)`: whether "who looks here" can be asked, and whether it soon can. */
export function directionChoice(act) {
  const { root, press, allow } = segmented("Direction", [
    { title: "Where it looks", hint: "The weights of this position's row (d)" },
    { title: "Who looks here", hint: LOOKED_AT },
  ], (index) => act({ type: "direction", direction: DIRECTIONS[index] }));
  const show = ({ direction }, turns, awaited) => {
    allow(1, turns || awaited, turns ? LOOKED_AT : awaited ? AWAITED : TOO_MANY);
    press(DIRECTIONS.indexOf(direction));
  };
  return { root, show };
}

export function heatChoice(act) {
  const { root, press } = segmented("Heat", [
    { title: "Cells", hint: "Each key as it is" },
    { title: "Smooth", hint: "Blended between cells: prettier, and less true" },
  ], (index) => act({ type: "set", values: { smooth: index === 1 } }));
  return { root: el("div", { class: "nlv-control" }, el("span", {}, "Heat"), root), show: ({ smooth }) => press(smooth ? 1 : 0) };
}

export function liftChoice(act) {
  const input = el("input", {
    type: "range", min: "0", max: "0.9", step: "0.05", "aria-label": "Lift faint weights",
    oninput: () => act({ type: "set", values: { lift: Number(input.value) } }),
  });
  const root = el("label", { class: "nlv-control" }, el("span", {}, "Lift faint weights"), input);
  return { root, show: ({ lift }) => { input.value = lift; } };
}
