// The colour bar with its numbers: times an even share, and weights in affinity units; and a short one beside the answer.

import { opacityOf } from "./colour.js";
import { el, say } from "./dom.js";
import { PINS } from "./letters.js";
import { ticksOf } from "../model/heat.js";
import { LETTERS, timesWords, weightWords } from "../model/words.js";

const WIDTH = 256;
/** What lies under the colours, as under a photograph. */
const GREY = 128;
/** Parts of the bar between two weights. */
const WEIGHTS_APART = 0.3;

export class Legend {
  constructor() {
    this.bar = el("canvas", { class: "nlv-ramp", width: String(WIDTH), height: "1", "aria-hidden": "true" });
    this.threshold = el("div", { class: "nlv-cut" });
    this.names = PINS.map((name, pin) => el("span", { class: "nlv-pin-name", hidden: "" }, LETTERS[pin]));
    this.weights = el("div", { class: "nlv-ticks" });
    this.times = el("div", { class: "nlv-ticks" });
    this.note = el("div", { class: "nlv-detail" });
    this.root = el("div", { class: "nlv-scale" },
      el("div", { class: "nlv-title" }, "Times an even share (all cells alike: 1)"), this.times, el("div", { class: "nlv-band" }, this.bar, this.threshold, ...this.names), this.weights, this.note);
    this.keyBars = PINS.map((name, pin) => el("span", { class: "nlv-key-bar" }, el("canvas", { width: String(WIDTH), height: "1" }), el("span", { class: "nlv-pin-name" }, LETTERS[pin])));
    [this.least, this.most] = [el("span", {}), el("span", {})];
    this.key = el("div", { class: "nlv-key", title: "Colour: times an even share (all cells alike: 1×)", "aria-hidden": "true" }, this.least, ...this.keyBars, this.most);
    this.drawn = "";
  }

  /**
   * The scale up to `top` times an even share, null where each answer has its own. `pins`: how many are drawn together. `unit`: times an even share per affinity
   * unit, null for no weights. `look` has ramps and recipe of the bundle.
   */
  show({ heat, top, unit, state, note, look, pins = 0 }) {
    const signed = state.negatives && pins === 0;
    const ticks = top === null ? [[0, 1], [1, "strongest"]] : ticksOf(heat, top, look.recipe, signed ? 2 : 1);
    const both = signed ? [...ticks.slice(1).reverse().map(([tone, times]) => [-tone, `−${times}`]), ...ticks] : ticks;
    const placed = both.map(([tone, times]) => [signed ? (1 + tone) / 2 : tone, times]);
    let last = -Infinity;
    const weights = unit === null || top === null || unit === 0 ? [] : placed.filter(([at]) => at - last >= WEIGHTS_APART && ((last = at), true));
    write(this.times, placed.map(([at, times]) => [at, String(times)]));
    write(this.weights, weights.map(([at, times]) => [at, weightWords(Number(String(times).replace("−", "-")) / unit)]));
    const cut = placed.length && state.threshold > 1 && top !== null ? Math.min(toneAt(heat, state.threshold, top), 1) : 0;
    this.threshold.style.width = `${100 * (signed ? cut / 2 : cut)}%`;
    this.threshold.style.left = signed ? "50%" : "0";
    say(this.note, note);
    const most = top === null ? "strongest" : timesWords(top);
    say(this.least, signed ? `−${most}` : "1×");
    say(this.most, most);
    this.key.hidden = !(top > 1);
    this.#paint(signed, state.strength, look, pins);
  }

  /** One row of colours, or one for each pin, with its letter. */
  #paint(signed, strength, { ramps, recipe }, pins) {
    const drawn = `${signed} ${strength} ${pins}`;
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    const rows = pins ? ramps.pins.slice(0, pins) : [ramps.warm];
    const image = new ImageData(WIDTH, rows.length);
    rows.forEach((warm, row) => {
      for (let x = 0; x < WIDTH; x++) {
        const tone = signed ? (2 * x) / (WIDTH - 1) - 1 : x / (WIDTH - 1);
        const opacity = opacityOf(Math.abs(tone), strength, recipe);
        const colour = (tone < 0 ? ramps.cold : warm)[Math.round(255 * Math.abs(tone))];
        image.data.set([...colour.map((part) => GREY + opacity * (part - GREY)), 255], 4 * (row * WIDTH + x));
      }
    });
    this.bar.height = rows.length;
    this.bar.getContext("2d").putImageData(image, 0, 0);
    this.root.style.setProperty("--rows", rows.length);
    this.key.classList.toggle("is-several", pins > 0);
    this.names.forEach((name, pin) => { name.hidden = pin >= pins; });
    this.keyBars.forEach((bar, row) => {
      bar.hidden = row >= rows.length;
      if (!bar.hidden) bar.firstChild.getContext("2d").putImageData(image, 0, -row);
    });
  }
}

function toneAt({ curve }, times, top) {
  return curve(Math.min(times, top)) / curve(top);
}

/** Write [place in 0..1, text] into a row of ticks; elements are kept, and so is what they say, for this happens at every move. */
function write(row, texts) {
  const said = texts.join(" ");
  if (row.dataset.said === said) return;
  row.dataset.said = said;
  while (row.children.length < texts.length) row.append(el("span", {}));
  [...row.children].forEach((tick, i) => {
    tick.hidden = i >= texts.length;
    if (tick.hidden) return;
    const [at, text] = texts[i];
    say(tick, text);
    tick.style.left = `${(100 * at).toFixed(2)}%`;
    tick.classList.toggle("is-first", at < 0.04);
    tick.classList.toggle("is-last", at > 0.94);
  });
}
