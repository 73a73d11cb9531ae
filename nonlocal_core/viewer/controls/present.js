// Presenting: only the viewer, as large as the screen. The browser's full screen where it is allowed, else the whole window.

import { el } from "../drawing/dom.js";

export class Presenter {
  #key = (event) => this.onkey(event);
  #changed = () => { if (this.full && !this.root.matches(":fullscreen")) this.leave(); };

  /** `onkey(event)` hears every key first while presenting; `onchange(on)` hears of coming and going. */
  constructor(root, { onkey, onchange }) {
    Object.assign(this, { root, onkey, onchange, on: false, full: false });
  }

  async enter() {
    if (this.on) return;
    this.on = true;
    this.root.classList.add("is-presenting");
    document.addEventListener("keydown", this.#key, true);
    document.addEventListener("fullscreenchange", this.#changed);
    this.onchange(true);
    try {
      await this.root.requestFullscreen();
      this.full = true;
      if (!this.on) await document.exitFullscreen();
    } catch { // full screen is forbidden here, or unknown: above everything else in the window is the next best
      if (!this.on || !this.root.showPopover) return;
      this.root.setAttribute("popover", "manual");
      this.root.showPopover();
    }
  }

  leave() {
    if (!this.on) return;
    this.on = false;
    document.removeEventListener("keydown", this.#key, true);
    document.removeEventListener("fullscreenchange", this.#changed);
    if (this.root.matches(":fullscreen")) document.exitFullscreen();
    this.full = false;
    this.root.removeAttribute("popover"); // which closes it
    this.root.classList.remove("is-presenting");
    this.onchange(false);
  }

  toggle() {
    this.on ? this.leave() : this.enter();
  }
}

/** The button that begins. */
export function presentButton(act) {
  return el("button", { type: "button", class: "nlv-button", title: "Only the pictures, large (p)", onclick: () => act({ type: "present" }) }, "Present");
}

/** The button that ends, which only stands there meanwhile. */
export function leaveButton(act) {
  return el("button", { type: "button", class: "nlv-button nlv-leave", onclick: () => act({ type: "present" }) }, "Leave ×");
}
