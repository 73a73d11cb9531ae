// The list of keys, as a dialog.

import { el } from "../drawing/dom.js";

export class Help {
  /** `keys` are pairs: what is pressed, what it does. */
  constructor(keys) {
    this.title = el("h2", { tabindex: "-1" }, "Keys and pointer");
    this.root = el("dialog", { class: "nlv-help", "aria-label": "Keys" },
      this.title,
      el("dl", {}, ...keys.flatMap(([pressed, does]) => [el("dt", {}, pressed), el("dd", {}, does)])),
      el("button", { type: "button", class: "nlv-button", onclick: () => this.root.close() }, "Close"));
  }

  toggle() {
    if (this.root.open) return this.root.close();
    this.root.showModal();
    this.title.focus(); // a dialog opens where its focus is: at the beginning
  }
}

/** The round button that opens it. */
export function helpButton(onclick) {
  return el("button", { type: "button", class: "nlv-button nlv-round", title: "Keys (?)", "aria-label": "Help: keys", onclick }, "?");
}
