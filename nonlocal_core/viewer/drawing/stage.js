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
   * Draw lines from places { x, y } of the asked frame to targets { x, y, tone, ink } of the shown one, strongest first; they
   * begin and end at the edge of a cell, and those out of the window are left out. `askedWidth` and `answerWidth`: of a cell.
   */
  showLinks(groups, { askedWidth, answerWidth, reverse, zoom }) {
    const point = ({ box }, { x, y }) => {
      const { left, top } = seen(zoom, { left: x, top: y });
      return { x: box.left + left * box.width, y: box.top + top * box.height };
    };
    const start = (this.asks.box.width * zoom.scale * askedWidth) / 2 + 4;
    const gap = Math.max((this.answers.box.width * zoom.scale * answerWidth) / 2, SMALLEST_GAP);
    const lines = groups.filter(({ at }) => holds(zoom, at)).flatMap(({ at, targets }) => {
      const [from, found] = [point(this.asks, at), targets.filter((target) => holds(zoom, target))];
      return found.map((target) => ({ ...target, from, to: point(this.answers, target), start, gap }));
    });
    this.links.show(lines, { reverse });
  }
}
