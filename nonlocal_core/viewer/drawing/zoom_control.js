// The buttons over the frame that is asked from: larger, smaller, the whole frame again.

import { el } from "./dom.js";
import { WHOLE, ZOOM_STEP } from "../model/zoom.js";

export class ZoomControl {
  /** `onzoom(by)`: how many times larger, 0 for the whole frame. */
  constructor(onzoom) {
    const button = (text, label, key, by) => el("button", { type: "button", class: "nlv-button", "aria-label": label, title: `${label} (${key})`, onclick: () => onzoom(by) }, text);
    this.less = button("−", "Zoom out", "-", 1 / ZOOM_STEP);
    this.whole = button("Fit", "Fit: show whole frames", "0", 0);
    const more = button("+", "Zoom in", "+, or the wheel with Ctrl", ZOOM_STEP);
    this.root = el("div", { class: "nlv-zoom", role: "group", "aria-label": "Zoom" }, this.less, more, this.whole);
  }

  show(zoom) {
    for (const button of [this.less, this.whole]) button.setAttribute("aria-disabled", String(zoom.scale === WHOLE.scale));
  }
}
