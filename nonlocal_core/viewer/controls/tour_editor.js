// The list of the tour's stops: write what is said at each, order them, remove them, add the pinned one.

import { el, say } from "../drawing/dom.js";
import { LONGEST_CAPTION, MOST_STOPS, stopWords } from "../model/tour.js";

export class TourEditor {
  /** `onwritten()`: a caption was finished by a key. `lasts` says how long the tour is kept. */
  constructor(act, { onwritten, lasts }) {
    Object.assign(this, { act, onwritten, lasts, rows: [], wanted: null });
    this.title = el("strong", {});
    this.note = el("p", { class: "nlv-note", role: "status" });
    this.list = el("ol", {});
    this.clear = el("button", { type: "button", class: "nlv-button" });
    this.root = el("section", { class: "nlv-tour", "aria-label": "The tour's stops", onkeydown: (event) => event.stopPropagation() },
      el("header", {}, this.title, el("span", { class: "nlv-gap" }), this.clear,
        el("button", { type: "button", class: "nlv-button", onclick: () => act({ type: "set", values: { editing: false } }) }, "Close")),
      this.list, this.note);
  }

  /** Let the caption of a stop be written as soon as it is drawn. */
  write(stop) {
    this.wanted = { stop, part: "caption" };
  }

  show(bundle, { tour, stop, editing, block }) {
    this.root.hidden = !editing;
    if (!editing) return;
    const count = tour.length;
    say(this.title, count === 0 ? "This tour has no stops yet" : `Tour, ${count} ${count === 1 ? "stop" : "stops"}`);
    while (this.rows.length < count) this.#append();
    while (this.rows.length > count) this.rows.pop().root.remove();
    this.rows.forEach((row, index) => this.#showRow(row, tour[index], { index, count, shown: index === stop, words: stopWords(bundle, tour[index], block) }));
    this.#showClear(bundle.view.tour, count);
    this.#say(count === MOST_STOPS ? `A tour has up to ${MOST_STOPS} stops: remove one to add another.` : count === 0 ? "Pin a position, then press “Add to tour”." : this.lasts);
    this.#focus();
  }

  #append() {
    const index = this.rows.length;
    const edit = (change) => this.act({ type: "edit", stop: index, ...change });
    const button = (text, label, onclick) => el("button", { type: "button", class: "nlv-button nlv-round", "aria-label": `${label} ${index + 1}`, title: label, onclick }, text);
    const row = {
      number: button(String(index + 1), "Show stop", () => this.act({ type: "tour", stop: index })),
      caption: el("input", {
        type: "text", maxlength: LONGEST_CAPTION, placeholder: "What is to be seen here?", "aria-label": `Caption of stop ${index + 1}`,
        onchange: () => edit({ edit: "caption", caption: row.caption.value }),
        oninput: () => this.#say(row.caption.value.length >= LONGEST_CAPTION ? `A caption has up to ${LONGEST_CAPTION} characters.` : this.lasts),
        onkeydown: (event) => ["Enter", "Escape"].includes(event.key) && !event.isComposing && this.onwritten(),
      }),
      words: el("span", { class: "nlv-where" }),
      earlier: button("↑", "Earlier: stop", () => this.#shift(index, -1)),
      later: button("↓", "Later: stop", () => this.#shift(index, 1)),
      remove: button("×", "Remove stop", () => {
        this.wanted = { stop: Math.max(Math.min(index, this.rows.length - 2), 0), part: "remove" };
        edit({ edit: "remove" });
      }),
    };
    row.root = el("li", {}, row.number, row.caption, row.words, row.earlier, row.later, row.remove);
    this.rows.push(row);
    this.list.append(row.root);
  }

  #showRow(row, { caption }, { index, count, shown, words }) {
    row.root.classList.toggle("is-here", shown);
    row.number.setAttribute("aria-current", String(shown));
    if (row.caption !== row.root.getRootNode().activeElement || this.wanted) row.caption.value = caption;
    say(row.words, words);
    row.earlier.disabled = index === 0;
    row.later.disabled = index + 1 === count;
  }

  /** One button takes all away; with nothing left it brings back the tour that came with the clip. */
  #showClear(first, count) {
    say(this.clear, count > 0 ? "Remove all" : "Bring back the clip's own tour");
    this.clear.hidden = count === 0 && first.length === 0;
    this.clear.onclick = () => this.act({ type: "edit", edit: "replace", stops: count > 0 ? [] : first });
  }

  #shift(index, by) {
    this.wanted = { stop: index + by, part: by < 0 ? "earlier" : "later" };
    this.act({ type: "edit", edit: "shift", stop: index, by });
  }

  #say(text) {
    say(this.note, text);
  }

  /** Where the keyboard goes on after a change; the caption, where the button that was pressed means nothing now. */
  #focus() {
    const row = this.wanted && this.rows[this.wanted.stop];
    if (row) (row[this.wanted.part].disabled ? row.caption : row[this.wanted.part]).focus();
    this.wanted = null;
  }
}
