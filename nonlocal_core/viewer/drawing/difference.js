// What one answer has more than another, as a pane of its own.

import { differenceOf, shareDifferences } from "../model/figures.js";
import { differenceWords, whyNoDifference } from "../model/comparison_report.js";
import { heatOf } from "../model/heat.js";
import { Pane } from "./pane.js";

/** No place is left out of the scale of a difference. */
const NO_PLACE = { steps: () => false, near: () => false };

export class Difference extends Pane {
  constructor(look) {
    super(() => {}, look);
    this.photos = null;
  }

  /** `first` and `second` are { number, bundle, block, answered, heat }; `photos`, `frame` and `asked` are of the first one's clip. */
  showBetween(first, second, { photos, state, frame, asked }) {
    if (this.photos !== photos) this.#reopen(photos, first.bundle.media);
    const { answer: { grid } } = first.answered;
    const reason = whyNoDifference(first.answered, second.answered);
    let peak = 0;
    if (reason) this.showNothing(frame, grid, first.block.query_grid.box, state);
    else {
      const answer = differenceOf(...[first, second].map(({ answered: { answer: own }, heat: drawn }) => ({ answer: own, heat: drawn })));
      const heat = heatOf(answer, NO_PLACE, { ...state, scale: "all", threshold: 1, negatives: true }, this.look.recipe);
      peak = heat.largest > 1 ? heat.tops[0] : 0;
      const shares = shareDifferences(first.answered.shares, second.answered.shares);
      const windows = [first, second].map(({ block, answered }) => ({ block, answer: answered.answer }));
      this.show({ answer, own: NO_PLACE, shares, heat, state, frame, asked, windows });
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
