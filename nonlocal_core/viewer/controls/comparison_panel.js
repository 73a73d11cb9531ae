// What is chosen beside answers that stand side by side, and the table of their figures.

import { colourChoice, directionChoice, strengthChoice } from "./choices.js";
import { el, menu, say, segmented } from "../drawing/dom.js";
import { Guide } from "./guide.js";
import { Help, helpButton } from "./help.js";
import { Legend } from "../drawing/legend.js";
import { Remarks } from "./remarks.js";
import { leaveButton, presentButton } from "./present.js";

const KEYS_THERE = [
  ["point, tap or drag", "ask every network and block from there"],
  ["click", "pin the question; click it again to let go"],
  ["← ↑ → ↓", "move by one cell of the first"],
  ["< >", "ask from the frame before or after"],
  [", .", "show the frame before or after"],
  ["+ − 0", "zoom into all pictures, out, whole frames again; also the wheel with Ctrl, or two fingers"],
  ["drag", "while zoomed: move what is shown"],
  ["Enter", "pin"],
  ["Esc", "let go"],
  ["u or Ctrl+Z", "back to the last pin"],
  ["d", "turn the direction: where it looks, who looks here"],
  ["s", "one scale for all, or each its own"],
  ["p", "present: only the pictures, large; Esc leaves"],
  ["Page keys", "while presenting: the stops of the tour"],
  ["?", "this help"],
];
const NOTHING = "nothing";

export class ComparisonPanel {
  constructor(act) {
    this.act = act;
    const set = (values) => act({ type: "set", values });
    this.direction = directionChoice(act);
    this.help = new Help(KEYS_THERE);
    this.subtraction = el("div", { class: "nlv-subtract" });
    this.top = el("div", { class: "nlv-top" }, this.direction.root, this.subtraction, el("span", { class: "nlv-gap" }), presentButton(act), helpButton(() => this.help.toggle()));
    this.leave = leaveButton(act);
    this.guide = new Guide(act, { edits: false });
    this.legend = new Legend();
    this.shared = segmented("Colour scale", [
      { title: "One for all", hint: "The same colour is the same number of even shares everywhere (s)" },
      { title: "Each its own", hint: "Each up to its own strongest cell: heat does not compare (s)" },
    ], (index) => set({ apart: index === 1 }));
    this.strength = strengthChoice(act);
    this.colours = colourChoice(act, { each: false });
    this.controls = el("div", {},
      el("div", { class: "nlv-controls" }, this.legend.root,
        el("div", { class: "nlv-control" }, el("span", {}, "Colour scale"), this.shared.root), ...this.strength.roots), this.colours.root);
    this.notes = el("div", { class: "nlv-notes" });
    this.remarks = new Remarks();
    this.rows = el("tbody", {});
    this.titles = el("tr", {});
    this.table = el("div", { class: "nlv-figures", tabindex: "0", role: "region", "aria-label": "The same question in numbers" }, el("table", {}, el("caption", {}, "The same question in numbers"), el("thead", {}, this.titles), this.rows));
  }

  /** `titles` are those of the panes, numbered; `notes` the sentences under the table. */
  open(titles, columns, notes) {
    this.notes.replaceChildren(...notes.map((note) => el("p", { class: "nlv-warning" }, note)));
    const choose = (side) => (index) => this.act({ type: "set", values: { pair: side(index) } });
    this.first = menu("Difference: this", [NOTHING, ...titles], choose((index) => (index === 0 ? null : [index - 1, this.pair?.[1] ?? 0])));
    this.second = menu("Difference: less this", titles, choose((index) => [this.pair[0], index]));
    this.less = el("span", {}, "−");
    this.subtraction.replaceChildren(el("span", {}, "Difference"), this.first.root, this.less, this.second.root);
    this.titles.replaceChildren(...columns.map((title) => el("th", { scope: "col" }, title)));
    this.rows.replaceChildren(...titles.map(() => el("tr", {}, el("th", { scope: "row" }), ...columns.slice(1).map(() => el("td", {})))));
  }

  /** `heat` is one of those on screen, `top` what has full heat in all, null where each has its own. */
  show({ state, turns, awaited, heat, top, signed, look }) {
    this.pair = state.pair;
    this.direction.show(state, turns, awaited);
    this.first.press(state.pair === null ? 0 : state.pair[0] + 1);
    this.second.root.hidden = this.less.hidden = state.pair === null;
    if (state.pair) this.second.press(state.pair[1]);
    this.shared.press(state.apart ? 1 : 0);
    this.strength.show(state);
    this.colours.show(state, signed);
    this.legend.show({
      heat, top, unit: null, state: { ...state, negatives: signed && state.negatives }, look,
      note: state.apart ? "Of each one's own strongest cell: heat does not compare." : "One scale for all.",
    });
  }

  write(rows) {
    rows.forEach((texts, row) => texts.forEach((text, column) => say(this.rows.children[row].children[column], text)));
  }
}
