// The two large pictures: the frame that is asked from, and the frame it looks at, with lines between them.

import { Arrows } from "./arrows.js";
import { el } from "./dom.js";
import { Answer, Question } from "./sides.js";
import { holds, seen } from "../model/zoom.js";

/** Lines between the two pictures of a clip; the others are on the strip. */
export const MOST_LINKS = 3;

/** Pixels between the tip of a line and the middle of its cell, so that small cells are not hidden by it. */
const SMALLEST_GAP = 9;

export class Stage {
  constructor({ onunpin, onrelease, onzoom }) {
    this.asks = new Question({ onunpin, onzoom });
    this.answers = new Answer({ onrelease });
    this.links = new Arrows();
    this.root = el("div", { class: "nlv-stage" }, this.asks.root, this.answers.root, this.links.root);
  }

  open(photos) {
    this.asks.open(photos);
    this.answers.open(photos);
  }

  /** Take the sizes of the boxes on screen; every photograph is drawn again on the next show. */
  layout(ratio) {
    const origin = this.root.getBoundingClientRect();
    for (const side of [this.asks, this.answers]) {
      side.layout(ratio);
      const box = side.picture.getBoundingClientRect();
      side.box = { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height };
    }
  }

  /**
   * Draw lines from the asked cell to targets { x, y, tone, ink } in units of the shown frame, strongest first; they end at the
   * edge of a cell, and those out of the window are left out.
   */
  showLinks(bounds, targets, cellWidth, { reverse, zoom }) {
    const point = ({ box }, { x, y }) => {
      const { left, top } = seen(zoom, { left: x, top: y });
      return { x: box.left + left * box.width, y: box.top + top * box.height };
    };
    const middle = { x: bounds.left + bounds.width / 2, y: bounds.top + bounds.height / 2 };
    const from = point(this.asks, middle);
    const start = (this.asks.box.width * zoom.scale * bounds.width) / 2 + 4;
    const gap = Math.max((this.answers.box.width * zoom.scale * cellWidth) / 2, SMALLEST_GAP);
    const found = holds(zoom, middle) ? targets.filter((target) => holds(zoom, target)) : [];
    this.links.show(found.map((target) => ({ ...target, from, to: point(this.answers, target), start, gap })), { reverse });
  }
}
