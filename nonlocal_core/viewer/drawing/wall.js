// All blocks, and all heads, of a network for the question on screen: a small picture each; a click opens one.

import { boxOf, el, place, say } from "./dom.js";
import { fit, HeatPainter, putHeat } from "./paint.js";
import { drawPhoto } from "./photograph.js";
import { temporalCell } from "../model/grid.js";
import { percent } from "../model/words.js";
import { seen } from "../model/zoom.js";

/** Milliseconds that a question rests before all blocks are asked. */
const REST_MS = 150;
const WIDE = 132;

export class Wall {
  #waiting = null;

  /** `open(block)` shows a block large; `ask(block)` returns its answer, heat and strongest temporal cell for the question on screen. */
  constructor({ open, ask }) {
    Object.assign(this, { ask, choose: open, panes: [] });
    this.tiles = el("div", { class: "nlv-tiles" });
    this.root = el("details", { class: "nlv-wall", ontoggle: () => this.showSoon() }, el("summary", {}), this.tiles);
  }

  open(bundle, photos, look) {
    Object.assign(this, { bundle, photos });
    const { blocks, media: { shown_hw: [height, width] } } = bundle;
    this.root.hidden = blocks.length < 2;
    const [means, own] = [true, false].map((isMean) => blocks.filter(({ heads }) => Boolean(heads) === isMean).length);
    say(this.root.firstChild, `All ${own} blocks${means ? `, and the means of their heads` : ""}`);
    this.size = { width: WIDE, height: Math.round((WIDE * height) / width) };
    this.panes = blocks.map((block, index) => {
      const [photo, heat] = [el("canvas", { class: "nlv-photo" }), el("canvas", { class: "nlv-heat" })];
      const words = el("span", {});
      const root = el("button", { type: "button", class: "nlv-tile", onclick: () => this.choose(index) },
        el("span", { class: "nlv-picture" }, photo, heat), el("span", { class: "nlv-lead" }, block.title), words);
      return { root, photo, heat, words, painter: new HeatPainter(look) };
    });
    this.tiles.replaceChildren(...this.panes.map(({ root }) => root));
    this.showSoon();
  }

  /** Take the same blocks' later answers. */
  renew(bundle, photos) {
    Object.assign(this, { bundle, photos });
  }

  /** Ask every block, once the question has rested; nothing is computed while the wall is closed. */
  showSoon() {
    clearTimeout(this.#waiting);
    if (this.root.open && !this.root.hidden) this.#waiting = setTimeout(() => this.#show(), REST_MS);
  }

  stop() {
    clearTimeout(this.#waiting);
  }

  #show() {
    this.panes.forEach((pane, index) => {
      const { block, answer, heat, shares, strongest, state } = this.ask(index);
      const frame = state.held ?? answer.grid.frame_spans[strongest][0];
      const t = temporalCell(answer.grid, frame);
      drawPhoto(fit(pane.photo, this.size.width, this.size.height, devicePixelRatio || 1), this.photos.of(frame, !state.plain), state.zoom, block.query_grid.box);
      pane.heat.hidden = t < 0;
      if (t >= 0) putHeat(pane.heat, pane.painter.paint(answer, heat, state)[t]);
      place(pane.heat, seen(state.zoom, boxOf(answer.grid)));
      say(pane.words, this.bundle.frames.length > 1 ? `frame ${frame + 1}, ${percent(shares[Math.max(t, 0)])}` : "");
      pane.root.setAttribute("aria-pressed", String(index === state.block));
    });
  }
}
