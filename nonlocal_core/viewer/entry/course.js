// The exported course, or one step of it: the words, bundles and facts of all steps stand in the page itself.
//
// <script id="course"> is { steps, words, missing }: each step is { lesson, clip, name, bundle, block, facts, guesses, scribbles }, with the
// number of its bundle, whose text stands in <script id="bundle-N">. The step that is shown stands in the address, as #gaussian.

import { el, say } from "../drawing/dom.js";
import { factsOf } from "../controls/facts.js";
import { Guess } from "../controls/guess.js";
import { Lesson } from "../controls/lesson.js";
import { Scribbles } from "../controls/scribbles.js";
import { fromBase64, openBundle } from "./load.js";
import { Viewer } from "./viewer.js";

class Course {
  constructor(host, { steps, words }) {
    Object.assign(this, { host, steps, words, pins: new Map(), turn: 0, bundle: null });
    this.status = el("p", { class: "nlv-status", role: "status" }, "Opening the picture.");
    this.facts = el("div", { class: "nlv-taught" });
    this.guess = new Guess(() => {});
    this.another = el("button", { type: "button", class: "nlv-button", onclick: () => this.#turn() }, words.another);
    this.asking = el("div", { class: "nlv-taught", hidden: true }, this.guess.root, this.another);
    this.scribbles = new Scribbles();
    this.scribbled = el("div", { class: "nlv-taught", hidden: true }, this.scribbles.root);
    this.viewer = new Viewer(host, { onpin: (pin) => this.#keep(pin) });
    this.lesson = new Lesson(this.viewer, (id) => { window.location.hash = id; }); // so that Back leads to the step before
    this.viewer.root.hidden = true;
    host.append(this.status, this.scribbled, this.facts, this.asking);
    window.addEventListener("hashchange", () => this.show());
  }

  /** Show the step that the address names, or the first; a step that cannot be opened says why. */
  async show() {
    const wanted = window.location.hash.slice(1);
    const step = this.wanted = this.steps.find(({ lesson }) => lesson.id === wanted) ?? this.steps[0];
    try {
      const opened = this.bundle === step.bundle ? null : await openBundle(fromBase64(document.getElementById(`bundle-${step.bundle}`).textContent.trim()));
      if (this.wanted !== step) return opened?.photos.close();
      this.viewer.root.hidden = false;
      this.#write(step);
      if (opened) this.viewer.open(opened.bundle, opened.photos, { tour: [] });
      this.bundle = step.bundle;
      this.viewer.adopt(this.pins.get(step.clip) ?? null);
      if (step.block) this.viewer.showBlock(step.block);
      say(this.status, "");
    } catch (error) {
      say(this.status, `This step could not be opened. ${error.message}`);
    }
    this.status.hidden = this.status.textContent === "";
  }

  #write(step) {
    this.step = step;
    document.title = step.lesson.title;
    say(document.querySelector("header p"), step.name);
    this.lesson.open({ ...step.lesson, steps: this.steps.map(({ lesson: { id, title } }) => ({ id, title })) });
    this.facts.replaceChildren(...factsOf(step.facts));
    this.#ask();
    this.scribbled.hidden = !step.scribbles;
    if (step.scribbles) this.scribbles.open(step.scribbles);
    else this.scribbles.close();
  }

  /** A pin is kept as a place, since blocks differ from step to step. */
  #keep(pin) {
    this.pins.set(this.step.clip, pin && { frame: pin.frame, x: pin.x, y: pin.y });
  }

  #ask() {
    const { guesses } = this.step;
    this.asking.hidden = guesses.length === 0;
    if (guesses.length) this.guess.open({ ...guesses[this.turn % guesses.length], words: { ...this.words, ...guesses[this.turn % guesses.length].words }, room: null });
  }

  #turn() {
    this.turn += 1;
    this.#ask();
  }
}

async function start() {
  const host = document.getElementById("viewer");
  try {
    const course = JSON.parse(document.getElementById("course").textContent);
    host.replaceChildren();
    await new Course(host, course).show();
  } catch (error) {
    host.replaceChildren(el("p", { role: "alert", class: "nlv-failed" }, `The course could not be opened. ${error.message}`));
  }
}

start();
