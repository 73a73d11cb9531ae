// When things happen: drawing once per screen frame, telling Python and a screen reader once a question has rested.

import { el, say } from "../drawing/dom.js";

/** Python is told when the pin has rested this long: an arrow key held down is one message. A click is told at once. */
const TELL_AFTER_MS = 200;
const SPEAK_AFTER_MS = 350;

/** Draws at most once per screen frame; after a change of size it lays out, which is to draw as well. */
export class Pace {
  constructor({ layout, draw }) {
    this.layout = layout;
    this.draw = draw;
    this.outgrown = false;
    this.waiting = null;
  }

  drawSoon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      const { outgrown } = this;
      this.outgrown = false;
      outgrown ? this.layout() : this.draw();
    });
  }

  layoutSoon() {
    this.outgrown = true;
    this.drawSoon();
  }

  stop() {
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
  }
}

/** Passes on what differs from what the other side knows already, once it has rested. */
export class Teller {
  constructor(send) {
    this.send = send;
    this.known = "null";
  }

  /** What the other side has, because it set it. */
  knows(message) {
    this.stop();
    this.known = JSON.stringify(message);
  }

  tellSoon(message) {
    clearTimeout(this.waiting);
    this.message = message;
    this.waiting = setTimeout(() => this.tellNow(), TELL_AFTER_MS);
  }

  /** Tell what waits to be told. */
  tellNow() {
    if (this.message === undefined) return;
    const { message } = this;
    this.stop();
    const text = JSON.stringify(message);
    if (text === this.known) return;
    this.known = text;
    this.send(message);
  }

  stop() {
    clearTimeout(this.waiting);
    this.message = undefined;
  }
}

/** What a screen reader hears. */
export class Speaker {
  constructor() {
    this.root = el("div", { class: "nlv-spoken", "aria-live": "polite" });
  }

  /** `words()` are asked for once the question has rested: at every move of the pointer nobody hears them. */
  speakSoon(words) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => say(this.root, words()), SPEAK_AFTER_MS);
  }

  stop() {
    clearTimeout(this.waiting);
  }
}
