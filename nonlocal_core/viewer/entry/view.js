// What every view of answers is: pictures under one pointer and one keyboard, a state, and one draw per screen frame.
//
// A view says: isOpen, awaitsColumns, shownFrame (the frame that the keys step from), state, photos (to be closed),
// take(action, to), asking(question), message(), asked(found) with the grid and the index of the asked cell, layout(), draw(),
// locate(event) for the pointer (controls/pointer.js), read(at, event); and, where it has to, the methods that are empty here.

import { actionOf, presenterActionOf } from "../controls/keys.js";
import { Pointer } from "../controls/pointer.js";
import { Presenter } from "../controls/present.js";
import { el } from "../drawing/dom.js";
import { Tip } from "../drawing/tip.js";
import { cellAt, indexOf } from "../model/grid.js";
import { turnIn } from "../model/state.js";
import { Pace, Speaker, Teller } from "./pace.js";

/** Keys that mean the pictures while nothing on the page has the focus: letters, for arrows and the space bar scroll. */
const LETTER = /^[a-z?]$/;

export class View {
  #pageKey = (event) => event.target === document.body && LETTER.test(event.key) && !event.defaultPrevented && this.#key(event);

  /** `panel` is what is chosen beside the pictures, `field` attributes and children of their element. */
  constructor(panel, { onpin, field: [attributes, ...pictures] }) {
    this.panel = panel;
    this.pace = new Pace({ layout: () => this.layout(), draw: () => this.draw() });
    this.teller = new Teller(onpin);
    this.speaker = new Speaker();
    this.field = el("div", { role: "application", tabindex: "0", onkeydown: (event) => event.target === this.field && this.#key(event), ...attributes }, ...pictures);
  }

  /** Stand in `parent`, as an element of that class with these children. */
  mount(parent, name, ...children) {
    const { help, leave } = this.panel;
    this.root = el("div", { class: name }, ...children, help.root, leave, this.speaker.root);
    this.tip = new Tip(this.root);
    parent.append(this.root);
    this.presenter = new Presenter(this.root, { onkey: (event) => this.#presenterKey(event), onchange: (on) => this.#presenting(on) });
    this.pointer = new Pointer(this.field, {
      locate: (event) => this.locate(event),
      isPinned: () => this.state?.pinned ?? false,
      strokes: () => this.isOpen && this.state.tool !== "point",
      stroke: (phase, found, event) => this.act(phase === "undo" ? { type: "undo" } : { type: "stroke", phase, at: found?.at, add: event.shiftKey }),
      zoomed: () => this.isOpen && this.state.zoom.scale > 1,
      zoom: (by, at) => this.act({ type: "zoom", by, at }),
      pan: (dx, dy) => this.act({ type: "pan", dx, dy }),
      ask: (at, { clip }) => this.act({ type: "ask", at }, { clip }),
      pin: (found, event) => this.#click(found, event),
      read: (at, event) => this.read(at, event),
      leave: () => this.read(null),
      hold: (frame, bar) => this.act({ type: "hold", frame }, { clip: this.clipOf(bar) }),
    });
    this.resized = new ResizeObserver((entries) => this.#resized(entries));
    for (const element of [this.root, this.field]) this.resized.observe(element);
    document.addEventListener("keydown", this.#pageKey);
    // What is told after a click on a link to another page would lead back to this one.
    this.root.addEventListener("focusout", (event) => !this.root.contains(event.relatedTarget) && this.teller.tellNow());
  }

  /** The bundle knows more than before: turn, if that was asked for too early, and draw again. */
  refresh() {
    if (!this.isOpen) return;
    if (this.early) this.act(this.early);
    this.pace.drawSoon();
  }

  /** Take over a pinned question that somebody else set: { frame, x, y, block?, direction?, view? }, or null for none. */
  adopt(asked) {
    this.become(asked ? this.asking(asked) : { ...this.state, pinned: false }, false);
  }

  /** Change the state. `to`: the clip that is meant, and whether the strip scrolls to the frame that was chosen. */
  act(action, to = {}) {
    if (!this.isOpen || this.ignores(action)) return;
    this.early = this.awaitsColumns ? turnIn(this.state, action) : null;
    if (this.early === action) return;
    if (action.type === "help") return this.panel.help.toggle();
    if (action.type === "present") return this.presenter.toggle();
    this.take(action, to);
  }

  become(state, tells) {
    if (state === this.state) return;
    if (tells) this.root.classList.add("is-used");
    const before = this.state;
    this.state = state;
    this.changed(before);
    this.read(null);
    tells ? this.teller.tellSoon(this.message()) : this.teller.knows(this.message());
    this.pace.drawSoon();
  }

  destroy() {
    this.resized.disconnect();
    document.removeEventListener("keydown", this.#pageKey);
    this.speaker.stop();
    this.presenter.leave();
    this.teller.stop();
    this.pace.stop();
    this.closePhotos();
    this.root.remove();
  }

  closePhotos() {
    this.photos?.close();
  }

  /** Whether an action means nothing here, so that its key is left to the page. */
  ignores() {
    return false;
  }

  /** Whether a key of the presenter means the usual here. */
  keeps() {
    return false;
  }

  changed() {}

  presents() {}

  clipOf() {}

  /** Lay out for another size of the pictures. A longer sentence above them changes that of the whole alone, which counts while they fill it. */
  #resized(entries) {
    if (this.isOpen && entries.some(({ target }) => target === this.field || this.presenter.on)) this.pace.layoutSoon();
  }

  #key(event) {
    if (!this.isOpen) return;
    const action = actionOf(event, this.state, this.shownFrame);
    if (action && !this.ignores(action)) this.#takeKey(event, action);
  }

  /** Keys of the presenter come before all others; an open dialog keeps its own. */
  #presenterKey(event) {
    if (this.panel.help.root.open || this.keeps(event.key)) return;
    const action = presenterActionOf(event, this.state, this.state.tour.length);
    if (action) this.#takeKey(event, action);
  }

  #takeKey(event, action) {
    event.preventDefault();
    event.stopPropagation();
    this.act(action, { reveals: true });
  }

  #presenting(on) {
    if (!this.isOpen) return;
    this.presents(on);
    this.field.focus({ preventScroll: true });
    this.pace.layoutSoon();
  }

  /** Pin what was clicked; a click on the pinned cell lets go. */
  #click(found, event) {
    if (event.pointerType !== "touch") this.field.focus({ preventScroll: true });
    const { grid, index } = this.asked(found);
    const cell = cellAt(grid, found.at);
    const again = this.state.pinned && cell && indexOf(grid, cell) === index;
    this.act(again ? { type: "unpin" } : { type: "pin", at: found.at }, found);
    this.teller.tellNow();
  }
}
