// Playing a clip: one frame after the other is shown large with its heat, at the clip's own pace or slower, round and round;
// where it follows, the question moves along (model/follow.js).

import { el, say } from "../drawing/dom.js";

/** Parts of the clip's own pace. */
const PACES = [1, 0.5, 0.25];
const PACE_WORDS = ["1×", "½×", "¼×"];
/** Milliseconds that a frame stays at least: what is faster cannot be followed, nor drawn on a slow machine. */
const LEAST_MS = 40;

export class Player {
  #waiting = null;
  #pace = 0;

  /** `advance(follows)` shows the next frame and returns it, null where there is none; `rest()` hears that a question no longer follows. */
  constructor({ advance, rest, changed }) {
    Object.assign(this, { advance, rest, changed, seconds: [], follows: false });
    const button = (title, onclick) => el("button", { type: "button", class: "nlv-button", title, onclick });
    this.button = button("Play the clip with its heat (Space)", () => this.toggle());
    this.pace = button("Pace of the clip: its own, half, a quarter", () => this.#slower());
    this.following = button("While it plays, the question follows what it looks at (f)", () => this.turnFollow());
    this.note = el("span", { class: "nlv-follows" });
    this.root = el("div", { class: "nlv-player", role: "group", "aria-label": "Play" }, this.button, this.pace, this.following, this.note);
    say(this.following, "Follow");
    this.#say();
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

  turnFollow() {
    this.follows = !this.follows;
    if (!this.follows) this.rest();
    this.#say();
    this.changed();
  }

  stop() {
    const played = this.isPlaying;
    clearTimeout(this.#waiting);
    this.#waiting = null;
    if (played) this.rest();
    this.#say();
  }

  /** What following does, empty where it does not. */
  tell(words) {
    say(this.note, words);
  }

  #next() {
    const frame = this.advance(this.follows);
    if (frame === null) return this.stop();
    this.#waiting = setTimeout(() => this.#next(), durationOf(this.seconds, frame) / PACES[this.#pace]);
    this.#say();
  }

  #slower() {
    this.#pace = (this.#pace + 1) % PACES.length;
    this.#say();
  }

  #say() {
    say(this.button, this.isPlaying ? "❚❚ Pause" : "▶ Play");
    this.button.setAttribute("aria-pressed", String(this.isPlaying));
    this.following.setAttribute("aria-pressed", String(this.follows));
    say(this.pace, PACE_WORDS[this.#pace]);
  }
}

/** Milliseconds that a frame is on the screen; the last one as long as the median of the others. */
export function durationOf(seconds, frame) {
  const gaps = seconds.slice(1).map((second, i) => second - seconds[i]);
  const median = [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)];
  return Math.max(1000 * (gaps[frame] ?? median), LEAST_MS);
}
