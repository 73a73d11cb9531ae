// What of a file was taken as players take it: it changes no reading, so it stands below all, folded.

import { el } from "../drawing/dom.js";

export class Remarks {
  constructor() {
    this.list = el("div", {});
    this.root = el("details", { class: "nlv-remarks" }, el("summary", {}, "About the file"), this.list);
  }

  show(sentences) {
    this.root.hidden = sentences.length === 0;
    this.list.replaceChildren(...sentences.map((sentence) => el("p", {}, sentence)));
  }
}
