// Everything that is chosen beside the pictures: block, direction, tour, scale, heat, arrows; and the numbers.

import { blockChooser } from "./chooser.js";
import { directionChoice, heatChoice, liftChoice } from "./controls.js";
import { el, menu, say } from "./dom.js";
import { Help, helpButton } from "./help.js";
import { Legend } from "./legend.js";
import { SCALES } from "./scale.js";
import { MOST_ARROWS } from "./state.js";

const SCALE_TITLES = {
  frame: ["Leave out own frame", "All frames", "Each frame by itself"],
  place: ["Leave out own place", "Everything", "Each frame by itself"],
};

const KEYS = [
  ["point, tap or drag", "ask from there"],
  ["click", "pin the question; click it again to let go"],
  ["← ↑ → ↓", "move by one cell"],
  ["< >", "ask from the frame before or after"],
  [", .", "show the frame before or after"],
  ["Enter", "pin"],
  ["Esc", "let go"],
  ["u or Ctrl+Z", "back to the last pin"],
  ["b", "next block or layer"],
  ["h", "next head"],
  ["d", "turn the direction: where it looks, who looks here"],
  ["a", "arrows on or off"],
  ["s", "next scale"],
  ["p", "present: only the pictures, large; Esc leaves"],
  ["← → or Page keys", "while presenting: the stops of the tour"],
  ["?", "this help"],
];

export class Panel {
  constructor(act) {
    this.act = act;
    this.direction = directionChoice(act);
    this.blocks = el("div", { class: "nlv-blocks" });
    this.tour = el("button", { type: "button", class: "nlv-button", onclick: () => act({ type: "tour", stop: 0 }) }, "Tour");
    this.help = new Help(KEYS);
    this.top = el("div", { class: "nlv-top" }, this.direction.root, this.blocks, el("span", { class: "nlv-gap" }), this.tour,
      el("button", { type: "button", class: "nlv-button", title: "Only the pictures, large (p)", onclick: () => act({ type: "present" }) }, "Present"),
      helpButton(() => this.help.toggle()));
    this.leave = el("button", { type: "button", class: "nlv-button nlv-leave", onclick: () => act({ type: "present" }) }, "Leave ×");
    this.guideText = el("p", {});
    this.guideNext = el("button", { type: "button", class: "nlv-button" }, "Next");
    this.guide = el("div", { class: "nlv-guide", role: "note" }, this.guideText, this.guideNext,
      el("button", { type: "button", class: "nlv-button nlv-round", "aria-label": "End the tour", onclick: () => act({ type: "tour", stop: -1 }) }, "×"));
    this.legend = new Legend();
    this.controls = el("div", { class: "nlv-controls" }, this.legend.root, ...this.#choices());
    this.facts = el("div", { class: "nlv-facts" });
    this.rows = el("tbody", {});
    this.table = el("table", {}, el("caption", {}, "The five strongest cells"),
      el("thead", {}, el("tr", {}, ...["Frame", "Row", "Column", "Weight", "× even share"].map((title) => el("th", { scope: "col" }, title)))), this.rows);
    this.more = el("div", { class: "nlv-more" });
    this.numbers = el("details", { class: "nlv-numbers" }, el("summary", {}, "Numbers"), this.more, this.table);
  }

  open(bundle) {
    this.chooser = blockChooser(bundle.blocks, (block) => this.act({ type: "block", block }));
    this.blocks.replaceChildren(...this.chooser.roots);
    this.tour.hidden = bundle.view.tour.length === 0;
    this.stops = bundle.view.tour;
  }

  show(state, ownKind, turns, awaited) {
    this.direction.show(state, turns, awaited);
    this.chooser.press(state.block);
    this.scale.press(SCALES.indexOf(state.scale), SCALE_TITLES[ownKind]);
    this.heat.show(state);
    this.lift.show(state);
    this.arrows.checked = state.arrows;
    this.count.value = state.count;
    this.count.disabled = !state.arrows;
    say(this.countText, String(state.count));
    this.#guide(state.stop);
  }

  showTable(cells) {
    while (this.rows.children.length < cells.length) this.rows.append(el("tr", {}, ...Array.from({ length: 5 }, () => el("td", {}))));
    [...this.rows.children].forEach((row, i) => {
      row.hidden = i >= cells.length;
      cells[i]?.forEach((text, column) => say(row.children[column], text));
    });
  }

  #guide(stop) {
    this.guide.hidden = stop < 0;
    if (stop < 0) return;
    const last = stop + 1 === this.stops.length;
    say(this.guideText, `${stop + 1} of ${this.stops.length}. ${this.stops[stop].caption}`);
    say(this.guideNext, last ? "Done" : "Next");
    this.guideNext.onclick = () => this.act({ type: "tour", stop: last ? -1 : stop + 1 });
  }

  #choices() {
    const set = (values) => this.act({ type: "set", values });
    this.scale = menu("Scale", SCALE_TITLES.frame, (index) => this.act({ type: "scale", scale: SCALES[index] }));
    this.heat = heatChoice(this.act);
    this.lift = liftChoice(this.act);
    this.arrows = el("input", { type: "checkbox", onchange: () => set({ arrows: this.arrows.checked }) });
    this.count = el("input", { type: "range", min: "1", max: String(MOST_ARROWS), step: "1", "aria-label": "Number of arrows", oninput: () => set({ count: Number(this.count.value) }) });
    this.countText = el("output", { class: "nlv-output" });
    return [
      el("label", { class: "nlv-control" }, el("span", {}, "Colour scale"), this.scale.root),
      this.heat.root,
      this.lift.root,
      el("div", { class: "nlv-control" }, el("label", {}, this.arrows, " Arrows to the top ", this.countText), this.count),
    ];
  }
}
