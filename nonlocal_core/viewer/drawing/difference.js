// What one answer has more than another, as a pane of its own.

import { differenceOf } from "../model/figures.js";
import { differenceWords, whyNoDifference } from "../model/comparison_report.js";
import { scaleOf } from "../model/scale.js";
import { Pane } from "./pane.js";

export class Difference extends Pane {
  constructor() {
    super(() => {});
    this.photos = null;
  }

  /** `first` and `second` are { number, bundle, block, answered }; `photos`, `frame` and `asked` are of the first one's clip. */
  showBetween(first, second, { photos, state, frame, asked }) {
    if (this.photos !== photos) this.#reopen(photos, first.bundle.media);
    const { answer: { grid }, own } = first.answered;
    const reason = whyNoDifference(first.answered, second.answered);
    let peak = 0;
    if (reason) this.showNothing(frame, grid);
    else {
      const answer = differenceOf(first.answered.answer, second.answered.answer);
      peak = scaleOf(answer, own, state.scale).shared;
      const shares = first.answered.shares.map((share, t) => Math.abs(share - second.answered.shares[t]));
      this.show({ answer, own, shares, peaks: Array(grid.frames).fill(peak), state, frame, asked });
    }
    this.say(differenceWords({ first: first.number, second: second.number, blocks: [first.block, second.block], peak, reason }));
    this.root.dataset.peak = reason ? "" : String(peak);
  }

  #reopen(photos, media) {
    this.photos = photos;
    this.open(photos, media);
    this.layout(window.devicePixelRatio || 1);
  }
}
