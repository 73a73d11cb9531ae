// The colour bar with its numbers, in affinity units and in times an even share.

import { PALETTE, STEPS, exponentOf } from "./colour.js";
import { timesEven } from "../model/affinity.js";
import { el, say } from "./dom.js";
import { percent, timesWords, weightWords } from "../model/words.js";

const WIDTH = 256;

export class Legend {
  constructor() {
    this.bar = el("canvas", { class: "nlv-ramp", width: String(WIDTH), height: "1", "aria-hidden": "true" });
    this.weights = [0, 1, 2].map(() => el("span", {}));
    this.times = [0, 1, 2].map(() => el("span", {}));
    this.note = el("div", { class: "nlv-detail" });
    this.root = el("div", { class: "nlv-scale" },
      el("div", { class: "nlv-ticks" }, ...this.weights), this.bar, el("div", { class: "nlv-ticks" }, ...this.times), this.note);
    this.drawn = "";
  }

  /** The scale of one answer, up to `peak`. */
  show({ answer, peak, signed, lift, note }) {
    this.#ticks(peak, signed, (weight) => [weightWords(weight), timesWords(timesEven(answer, weight))], note);
    this.#paint(signed, lift);
  }

  /** A scale in even shares that several answers have in common, up to `times`; null where each has its own. */
  showTimes({ times, signed, lift, note }) {
    const words = (part) => [(part < 0 ? "−" : "") + (times === null ? percent(Math.abs(part)) : timesWords(Math.abs(part) * times)), ""];
    this.#ticks(1, signed, words, note);
    this.#paint(signed, lift);
  }

  #ticks(peak, signed, words, note) {
    const low = signed ? -peak : 0;
    [low, (low + peak) / 2, peak].forEach((weight, i) => {
      const [above, below] = words(weight);
      say(this.weights[i], above);
      say(this.times[i], below && i === 2 ? `${below} even share` : below);
    });
    say(this.note, note);
  }

  #paint(signed, lift) {
    const look = `${signed} ${lift}`;
    if (this.drawn === look) return;
    this.drawn = look;
    const image = new ImageData(WIDTH, 1);
    const words = new Uint32Array(image.data.buffer);
    for (let x = 0; x < WIDTH; x++) {
      const at = signed ? (2 * x) / (WIDTH - 1) - 1 : x / (WIDTH - 1);
      words[x] = PALETTE[Math.round(Math.abs(at) ** exponentOf(lift) * (STEPS - 1)) + (at < 0 ? STEPS : 0)];
    }
    this.bar.getContext("2d").putImageData(image, 0, 0);
  }
}
