// What is taken along from a page without a server: files that this browser makes, and the link to what is on screen.

import { el, say } from "../drawing/dom.js";
import { FILES } from "../saving/files.js";

const COPIED_MS = 2000;

export class KeepMenu {
  /** `make(file)` makes one of FILES and hands it over, `link()` gives the address, null for a clip that no link can name; `can()`: whether one answer is on screen. */
  constructor({ make, link, can }) {
    Object.assign(this, { link, can });
    this.copy = el("button", { type: "button", class: "nlv-button", onclick: () => this.#copy() });
    this.buttons = FILES.map((file) => el("button", { type: "button", class: "nlv-button", title: file.purpose, onclick: () => (this.close(), make(file)) }, file.title));
    this.root = el("details", { class: "site-keep", ontoggle: () => this.#open(), onkeydown: (event) => event.key === "Escape" && this.close() },
      el("summary", { class: "nlv-button" }, "Keep"), el("div", { class: "site-list" }, ...this.buttons, this.copy));
    document.addEventListener("pointerdown", (event) => this.root.contains(event.target) || this.close());
  }

  close() {
    this.root.open = false;
  }

  #open() {
    for (const button of this.buttons) button.disabled = !this.can();
    const named = this.link() !== null;
    this.copy.disabled = !named;
    say(this.copy, named ? "Copy the link" : "No link: your clip is on this computer alone");
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link());
      say(this.copy, "Copied");
    } catch {
      say(this.copy, "Copy it from the address bar");
    }
    setTimeout(() => this.#open(), COPIED_MS);
  }
}
