// Everything that is chosen beside the pictures: block, direction, tour, scale, heat, arrows; and the numbers.

import { askerChoice } from "./asker_choice.js";
import { blockChooser } from "./chooser.js";
import { colourChoice, directionChoice, hopsChoice, strengthChoice, temperatureChoice, toolChoice } from "./choices.js";
import { el, say } from "../drawing/dom.js";
import { Guide } from "./guide.js";
import { Help, helpButton } from "./help.js";
import { Legend } from "../drawing/legend.js";
import { Remarks } from "./remarks.js";
import { Sentences, pinsChoice } from "./sentences.js";
import { leaveButton, presentButton } from "./present.js";
import { askerOf } from "../model/askers.js";
import { arrowsOf } from "../model/look_words.js";
import { choosesAlike } from "../model/state.js";
import { TourEditor } from "./tour_editor.js";

const KEYS = [
  ["point, tap or drag", "ask from there"],
  ["click", "pin the question; click it again to let go"],
  ["g", "ask with a point, a box, a brush; Shift adds"],
  ["n", "with a box or a brush: ask cells, or take them away"],
  ["+ − 0", "zoom into all frames, out, whole frames again; also the wheel with Ctrl, or two fingers"],
  ["drag", "while zoomed: move what is shown; with a box or a brush that is done in the answer"],
  ["← ↑ → ↓", "move by one cell"],
  ["< >", "ask from the frame before or after"],
  [", .", "show the frame before or after"],
  ["Space", "play the clip with its heat, or pause"],
  ["f", "while it plays, the question follows what it looks at, or stays"],
  ["Enter", "pin"],
  ["m", "keep this pin and ask another beside it: A, B, C"],
  ["Esc", "let go"],
  ["u or Ctrl+Z", "back to the last pin"],
  ["b", "next block or layer"],
  ["h", "next head"],
  ["d", "turn the direction: where it looks, who looks here"],
  ["a", "arrows on or off"],
  ["s", "one colour scale, or each frame by itself"],
  ["t", "add to the tour, and write its caption"],
  ["p", "present: only the pictures, large; Esc leaves"],
  ["← → or Page keys", "while presenting: the stops of the tour"],
  ["?", "this help"],
];

export class Panel {
  /** `writing`: what the editor of the tour is told (tour_editor.js). */
  constructor(act, writing) {
    this.act = act;
    this.direction = directionChoice(act);
    this.asker = askerChoice(act);
    this.blocks = el("div", { class: "nlv-blocks" });
    this.tour = el("button", { type: "button", class: "nlv-button", onclick: () => this.#walk() }, "Tour");
    this.add = el("button", { type: "button", class: "nlv-button", onclick: () => act({ type: "edit", edit: "add" }) }, "Add to tour");
    this.help = new Help(KEYS);
    this.tool = toolChoice(act);
    this.pins = pinsChoice(act);
    this.top = el("div", { class: "nlv-top" }, this.direction.root, this.tool.root, this.pins.root, this.blocks, this.asker.root,
      el("div", { class: "nlv-acts" }, this.tour, this.add, presentButton(act), helpButton(() => this.help.toggle())));
    this.leave = leaveButton(act);
    this.guide = new Guide(act);
    this.editor = new TourEditor(act, writing);
    this.legend = new Legend();
    this.sentences = new Sentences(act);
    this.temperature = temperatureChoice(act);
    this.hops = hopsChoice(act);
    this.strength = strengthChoice(act);
    this.colours = colourChoice(act, { each: true });
    this.controls = el("div", {},
      el("div", { class: "nlv-controls" }, this.legend.root, ...this.strength.roots, this.#arrows(), this.hops.root, this.temperature.root), this.colours.root);
    this.facts = el("div", { class: "nlv-facts" });
    this.rows = el("tbody", {});
    this.strongest = el("caption", {});
    this.table = el("table", {}, this.strongest,
      el("thead", {}, el("tr", {}, ...["Frame", "Row", "Column", "Weight", "× even share"].map((title) => el("th", { scope: "col" }, title)))), this.rows);
    this.more = el("div", { class: "nlv-more" });
    this.remarks = new Remarks();
    this.numbers = el("details", { class: "nlv-numbers" }, el("summary", {}, "Numbers"), this.more, this.table);
  }

  open(bundle) {
    this.chooser = blockChooser(bundle.blocks, (block) => this.act({ type: "block", block }));
    this.blocks.replaceChildren(...this.chooser.roots);
    this.remarks.show(bundle.media.remarks ?? []);
  }

  show(bundle, state, turns) {
    const awaited = bundle.awaitsColumns;
    const { shown } = this;
    this.shown = { bundle, state, turns, awaited };
    if (shown?.bundle === bundle && shown.turns === turns && shown.awaited === awaited && !state.editing && choosesAlike(shown.state, state)) return;
    this.tour.hidden = state.tour.length === 0;
    this.add.disabled = !state.pinned;
    this.add.title = state.pinned ? "Make the pinned position a stop of the tour (t)" : "Pin a position first: click it";
    this.guide.show(bundle, state);
    this.editor.show(bundle, state);
    const block = bundle.blocks[state.block];
    this.direction.show(state, turns, awaited, askerOf(block, state) === null);
    this.direction.root.hidden = Boolean(block.askers_are_keys); // what is no position is looked at, and looks nowhere
    this.asker.show(block, state);
    this.tool.show(state);
    this.pins.show(state);
    this.hops.show(bundle, state);
    this.temperature.show(state, bundle.blocks[state.block]);
    this.chooser.press(state.block);
    this.strength.show(state);
    this.colours.show(state, bundle.blocks[state.block].signed);
    const count = arrowsOf(state, bundle.frames.length, bundle.look);
    this.arrows.checked = count > 0;
    this.count.max = bundle.look.most_arrows;
    this.count.value = count;
    this.count.disabled = count === 0;
    say(this.countText, String(count));
  }

  /** `letter` is that of the pin whose cells these are, "" for the only one. */
  showTable(cells, letter) {
    say(this.strongest, `The five strongest cells${letter && ` of ${letter}`}`);
    while (this.rows.children.length < cells.length) this.rows.append(el("tr", {}, ...Array.from({ length: 5 }, () => el("td", {}))));
    [...this.rows.children].forEach((row, i) => {
      row.hidden = i >= cells.length;
      cells[i]?.forEach((text, column) => say(row.children[column], text));
    });
  }

  /** From the first stop on, with the sentences in the place of the list. */
  #walk() {
    this.act({ type: "set", values: { editing: false } });
    this.act({ type: "tour", stop: 0 });
  }

  #arrows() {
    const set = (values) => this.act({ type: "set", values });
    this.arrows = el("input", { type: "checkbox", onchange: () => set({ count: this.arrows.checked ? null : 0 }) });
    this.count = el("input", { type: "range", min: "1", step: "1", "aria-label": "Number of arrows", oninput: () => set({ count: Number(this.count.value) }) });
    this.countText = el("output", { class: "nlv-output" });
    return el("div", { class: "nlv-control" }, el("label", {}, this.arrows, el("span", {}, "Arrows, at most "), this.countText), this.count);
  }
}
