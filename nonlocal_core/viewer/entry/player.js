// Playing a clip: one frame after the other is shown large with its heat, at the clip's own pace or slower, round and round.

import { el, say } from "../drawing/dom.js";

/** Parts of the clip's own pace. */
const PACES = [1, 0.5, 0.25];
const PACE_WORDS = ["1×", "½×", "¼×"];
/** Milliseconds that a frame stays at least: what is faster cannot be followed, nor drawn on a slow machine. */
const LEAST_MS = 40;

export class Player {
  #waiting = null;
  #pace = 0;

  /** `hold(frame)` shows a frame; `shown()` is the one that is large now. */
  constructor({ hold, shown }) {
    Object.assign(this, { hold, shown, seconds: [] });
    this.button = el("button", { type: "button", class: "nlv-button", "aria-pressed": "false", title: "Play the clip with its heat (Space)", onclick: () => this.toggle() }, "▶ Play");
    this.pace = el("button", { type: "button", class: "nlv-button", title: "Pace of the clip: its own, half, a quarter", onclick: () => this.#slower() }, PACE_WORDS[0]);
    this.root = el("div", { class: "nlv-player", role: "group", "aria-label": "Play" }, this.button, this.pace);
  }

  /** `seconds`: when each frame appears. */
  open(seconds) {
    this.stop();
    this.seconds = seconds;
    this.root.hidden = seconds.length < 2;
  }

  get isPlaying() {
    return this.#waiting !== null;
  }

  toggle() {
    this.isPlaying ? this.stop() : this.#next();
  }

  stop() {
    clearTimeout(this.#waiting);
    this.#waiting = null;
    this.#say();
  }

  #next() {
    const shown = this.shown();
    this.hold((shown + 1) % this.seconds.length);
    this.#waiting = setTimeout(() => this.#next(), durationOf(this.seconds, this.shown()) / PACES[this.#pace]);
    this.#say();
  }

  #slower() {
    this.#pace = (this.#pace + 1) % PACES.length;
    this.#say();
  }

  #say() {
    say(this.button, this.isPlaying ? "❚❚ Pause" : "▶ Play");
    this.button.setAttribute("aria-pressed", String(this.isPlaying));
    say(this.pace, PACE_WORDS[this.#pace]);
  }
}

/** Milliseconds that a frame is on the screen; the last one as long as the median of the others. */
export function durationOf(seconds, frame) {
  const gaps = seconds.slice(1).map((second, i) => second - seconds[i]);
  const median = [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)];
  return Math.max(1000 * (gaps[frame] ?? median), LEAST_MS);
}
