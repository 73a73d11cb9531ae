// The label beside the pointer, and the ring round the cell that it reads.

import { el, place, say } from "./dom.js";

export class Tip {
  /** Stands inside `root`, which is what its place counts from. */
  constructor(root) {
    this.owner = root;
    this.label = el("div", { class: "nlv-tip", hidden: true });
    this.ring = el("div", { class: "nlv-ring" });
    root.append(this.label);
  }

  show(text, event, picture, bounds) {
    this.label.hidden = false;
    say(this.label, text);
    picture.append(this.ring);
    place(this.ring, bounds);
    const box = this.owner.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 14, box.width - this.label.offsetWidth - 4);
    this.label.style.transform = `translate(${Math.max(left, 4)}px, ${event.clientY - box.top + 16}px)`;
  }

  hide() {
    if (this.label.hidden) return;
    this.label.hidden = true;
    this.ring.remove();
  }
}
