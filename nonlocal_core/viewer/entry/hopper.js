// Follows the look of the question on screen, some rows at a time: the page stays alive, and another question ends it.

import { sharesOf } from "../model/affinity.js";
import { followed, routeOf, takesHops } from "../model/hops.js";
import { ownOf } from "../model/own.js";

/** Rows are computed for so long at a time. */
const BUDGET_MS = 16;
/** The picture says how far it is after each such part. */
const TOLD_EACH = 0.1;

export class Hopper {
  #timer = null;

  /** `changed()` is called when there is more to show. */
  constructor(changed) {
    this.changed = changed;
    this.first = null;
  }

  /** What askBlock answered, after the hops of the state; while they are followed, of one hop, with the part that is done as `hopping`. */
  after(first, bundle, state) {
    if (state.hops === 1 || !takesHops(bundle, state)) {
      this.stop();
      return first;
    }
    if (this.first !== first || this.hops !== state.hops) this.#begin(first, bundle, state);
    return this.result ?? { ...first, hopping: this.told };
  }

  stop() {
    clearTimeout(this.#timer);
    this.first = null;
  }

  #begin(first, bundle, state) {
    clearTimeout(this.#timer);
    const route = routeOf(bundle, bundle.blocks[state.block], state.hops);
    Object.assign(this, { first, route, hops: state.hops, result: null, told: 0, work: followed(first.answer, route, first.block.off_grid_keys) });
    this.#work(true);
  }

  #work(isFirst) {
    const until = performance.now() + BUDGET_MS;
    let next = this.work.next();
    while (!next.done && performance.now() < until) next = this.work.next();
    if (!next.done) this.#timer = setTimeout(() => this.#work(false));
    if (next.done) this.#finish(next.value);
    else if (next.value < this.told + TOLD_EACH) return;
    else this.told = next.value;
    if (!isFirst) this.changed();
  }

  #finish(answer) {
    const { first } = this;
    this.result = { ...first, answer, route: this.route, own: ownOf(first.block, answer, first.block.asker ? [] : first.cells), shares: sharesOf(answer) };
  }
}
