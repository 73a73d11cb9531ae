// Choices that every view has: the direction, how strong heat is, its colours. Each is { root, show } or { roots, show }.

import { el, menu, say, segmented } from "../drawing/dom.js";
import { MOST_HOPS, takesHops } from "../model/hops.js";
import { takesTemperature } from "../model/pins.js";

const TOOL_NAMES = ["point", "box", "brush"];
const SIGNS = ["plus", "minus"];
const DIRECTIONS = ["row", "column"];
const LOOKED_AT = "The weights that other positions give to this one (d)";
const AWAITED = "Being computed: it turns when that is done (d)";
const NO_POSITION = "Positions are looked at by positions: choose them under Asked by";
const TOO_MANY = "Not for so many positions: choose fewer frames or a smaller short side";

/** `show(state, turns, awaited, positions)`: whether "who looks here" can be asked, whether it soon can, whether positions ask. */
export function directionChoice(act) {
  const { root, press, allow } = segmented("Direction", [
    { title: "Where it looks", hint: "The weights of this position's row (d)" },
    { title: "Who looks here", hint: LOOKED_AT },
  ], (index) => act({ type: "direction", direction: DIRECTIONS[index] }));
  const show = ({ direction }, turns, awaited, positions = true) => {
    const why = !positions ? NO_POSITION : awaited ? AWAITED : TOO_MANY;
    allow(1, turns || (awaited && positions), turns ? LOOKED_AT : why);
    press(DIRECTIONS.indexOf(direction));
  };
  return { root, show };
}

/** What a drag asks: a point, the cells of a box or under a brush; and whether it adds cells or takes them away. */
export function toolChoice(act) {
  const tools = segmented("Ask with", [
    { title: "Point", hint: "Ask from one cell (g)" },
    { title: "Box", hint: "Drag a box: the mean of its cells answers; with Shift it adds to what is asked (g)" },
    { title: "Brush", hint: "Paint cells, in one frame or several; with Shift it adds to what is asked (g)" },
  ], (index) => act({ type: "tool", tool: TOOL_NAMES[index] }));
  const signs = segmented("Cells", [
    { title: "+", hint: "Cells that are asked (n)" },
    { title: "−", hint: "Cells whose answer is taken away (n)" },
  ], (index) => act({ type: "sign", sign: SIGNS[index] }));
  const show = ({ tool, sign }) => {
    tools.press(TOOL_NAMES.indexOf(tool));
    signs.press(SIGNS.indexOf(sign));
    signs.root.hidden = tool === "point";
  };
  return { root: el("div", { class: "nlv-tools" }, tools.root, signs.root), show };
}

function heatChoice(act) {
  const { root, press } = segmented("Heat", [
    { title: "Cells", hint: "Each key as it is" },
    { title: "Smooth", hint: "Blended between cells: prettier, and less true" },
  ], (index) => act({ type: "set", values: { smooth: index === 1 } }));
  return { root: el("div", { class: "nlv-control" }, el("span", {}, "Heat"), root), show: ({ smooth }) => press(smooth ? 1 : 0) };
}

/** Steps of the slider that hides faint heat, in times an even share. */
const THRESHOLDS = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 999];

/** How strong heat is, and from how many times an even share on it is drawn. */
export function strengthChoice(act) {
  const set = (values) => act({ type: "set", values });
  const strength = slider("Strength of the heat", { min: 20, max: 100, step: 5 }, (value) => set({ strength: value }));
  const threshold = slider("Hide heat below", { min: 0, max: THRESHOLDS.length - 1, step: 1 }, (value) => set({ threshold: THRESHOLDS[value] }));
  const told = el("output", { class: "nlv-output" });
  const show = (state) => {
    strength.value = state.strength;
    threshold.value = THRESHOLDS.findIndex((times) => times >= state.threshold);
    say(told, `${state.threshold}×`);
  };
  return {
    roots: [
      el("label", { class: "nlv-control" }, el("span", {}, "Strength"), strength),
      el("label", { class: "nlv-control" }, el("span", {}, "Hide below ", told, " an even share"), threshold),
    ],
    show,
  };
}

/** The colours in detail: curve, photographs, negative weight; `each` offers a scale for every frame by itself. */
export function colourChoice(act, { each }) {
  const set = (values) => act({ type: "set", values });
  const [curves, scales] = [["log", "root", "linear"], ["all", "each"]];
  const curve = menu("Curve", ["Logarithmic", "Square root", "Linear"], (index) => set({ curve: curves[index] }));
  const scale = menu("Scale", ["One for all frames", "Each frame by itself"], (index) => set({ scale: scales[index] }));
  const plain = tick("Photographs in full colour", (checked) => set({ plain: checked }));
  const negatives = tick("Draw negative weight, in cold colours", (checked) => set({ negatives: checked }));
  const show = (state, signed) => {
    curve.press(curves.indexOf(state.curve));
    scale.press(scales.indexOf(state.scale));
    plain.input.checked = state.plain;
    negatives.input.checked = state.negatives;
    negatives.root.hidden = !signed;
  };
  const heat = heatChoice(act);
  const menus = [el("label", { class: "nlv-control" }, el("span", {}, "Curve"), curve.root)];
  if (each) menus.push(el("label", { class: "nlv-control" }, el("span", {}, "Colour scale"), scale.root));
  const root = el("details", { class: "nlv-colours" }, el("summary", {}, "Colours"),
    el("div", { class: "nlv-controls" }, ...menus, heat.root, el("div", { class: "nlv-control" }, plain.root, negatives.root)));
  return { root, show: (state, signed) => { show(state, signed); heat.show(state); } };
}

const TEMPERATURES = [0.1, 0.14, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 7, 10];

/** What scores are divided by before the softmax: shown where it changes anything, and loud where it is not the network's. */
export function temperatureChoice(act) {
  const set = (temperature) => act({ type: "set", values: { temperature } });
  const told = el("output", { class: "nlv-output" });
  const input = slider("Temperature of the softmax", { min: 0, max: TEMPERATURES.length - 1, step: 1 }, (value) => set(TEMPERATURES[value]));
  const back = el("button", { type: "button", class: "nlv-chip", onclick: () => set(1) }, "back to 1");
  const root = el("div", { class: "nlv-control nlv-temperature", title: "Scores are divided by it before the softmax: low sharpens, high flattens. 1 is the network's." },
    el("label", {}, el("span", {}, "Temperature "), told, back), input);
  const show = (state, block) => {
    root.hidden = !takesTemperature(block, state);
    const step = TEMPERATURES.findIndex((value) => value >= state.temperature);
    input.value = step < 0 ? TEMPERATURES.length - 1 : step;
    say(told, String(state.temperature));
    back.hidden = state.temperature === 1;
    root.classList.toggle("is-warning", state.temperature !== 1);
  };
  return { root, show };
}

/** How many hops a look is followed: shown where rows pass weight on. */
export function hopsChoice(act) {
  const told = el("output", { class: "nlv-output" });
  const input = slider("Hops of the look", { min: 1, max: MOST_HOPS, step: 1 }, (hops) => act({ type: "set", values: { hops } }));
  const root = el("label", { class: "nlv-control", title: "1: where it looks. More: what that looked at in the layers before, half of the weight staying each time." },
    el("span", {}, "Hops ", told), input);
  const show = (bundle, state) => {
    root.hidden = !takesHops(bundle, state);
    input.value = state.hops;
    say(told, String(state.hops));
  };
  return { root, show };
}

function slider(label, range, oninput) {
  const input = el("input", { type: "range", ...range, "aria-label": label, oninput: () => oninput(Number(input.value)) });
  return input;
}

function tick(text, onchange) {
  const input = el("input", { type: "checkbox", onchange: () => onchange(input.checked) });
  return { input, root: el("label", { class: "nlv-tick" }, input, text) };
}
