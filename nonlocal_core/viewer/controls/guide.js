// The stop of the tour that is shown: its number, its sentence, and the way on.

import { el, say } from "../drawing/dom.js";
import { stopWords } from "../model/tour.js";

export class Guide {
  /** `edits`: whether the stops can be changed here. */
  constructor(act, { edits = true } = {}) {
    this.act = act;
    this.text = el("p", {});
    this.next = el("button", { type: "button", class: "nlv-button" }, "Next");
    const edit = el("button", { type: "button", class: "nlv-button nlv-edit", title: "Write, order and remove stops", onclick: () => act({ type: "set", values: { editing: true } }) }, "Edit");
    this.root = el("div", { class: "nlv-guide", role: "note" }, this.text, this.next, ...(edits ? [edit] : []),
      el("button", { type: "button", class: "nlv-button nlv-round", "aria-label": "End the tour", onclick: () => act({ type: "tour", stop: -1 }) }, "×"));
  }

  show(bundle, { tour, stop, editing, block }) {
    this.root.hidden = stop < 0 || editing;
    if (this.root.hidden) return;
    const last = stop + 1 === tour.length;
    say(this.text, `${stop + 1} of ${tour.length}. ${tour[stop].caption || `Here: ${stopWords(bundle, tour[stop], block)}.`}`);
    say(this.next, last ? "Done" : "Next");
    this.next.onclick = () => this.act({ type: "tour", stop: last ? -1 : stop + 1 });
  }
}
