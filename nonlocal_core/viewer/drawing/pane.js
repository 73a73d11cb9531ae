// One of several answers side by side: a large picture, the strip of all frames, and what is said about them.

import { el, say } from "./dom.js";
import { Film } from "./film.js";
import { insideWalls } from "../model/answer.js";
import { temporalCell } from "../model/grid.js";
import { HeatPainter } from "./paint.js";
import { Answer } from "./sides.js";

export class Pane {
  /** `look` has ramps and recipe of the bundle. */
  constructor(onrelease, look) {
    this.look = look;
    this.answer = new Answer({ onrelease });
    this.limit = el("div", { class: "nlv-limit" });
    this.answer.picture.append(this.limit);
    this.film = new Film();
    this.painter = new HeatPainter(look);
    this.root = el("section", { class: "nlv-pane" }, this.answer.root, this.film.root);
  }

  open(photos, media) {
    const [height, width] = media.shown_hw;
    this.root.style.setProperty("--aspect", width / height);
    this.answer.open(photos);
    this.film.open(photos, media);
  }

  layout(ratio) {
    this.answer.layout(ratio);
    this.film.layout(ratio);
  }

  /** Show an answer as its heat has it; `frame` is large, `asked` is marked on the strip, `windows` are answers whose walls are drawn. */
  show({ block, answer, own, shares, heat, state, frame, asked, windows = [{ block, answer }] }) {
    const images = this.painter.paint(answer, heat, state);
    const { grid } = answer;
    const { box } = windows[0].block.query_grid;
    this.answer.show({ frame, image: images[temporalCell(grid, frame)], grid, box, inside: insideWalls(windows, temporalCell(grid, frame)), state });
    this.film.draw(state, box);
    this.film.showHeat(images, grid, state);
    this.film.showWalls((t) => insideWalls(windows, t), grid, state);
    this.film.showShares([{ shares, own }], grid, this.look.recipe);
    this.film.mark([asked], frame);
  }

  /** Show no heat at all, and a sentence instead. */
  showNothing(frame, grid, box, state) {
    this.answer.show({ frame, image: undefined, grid, box, state });
    this.film.draw(state, box);
    this.film.hideHeat();
  }

  say(words) {
    this.root.setAttribute("aria-label", words.lead);
    this.answer.say(words);
    say(this.limit, words.limit);
  }

  /** The frame under an element of this pane: the large picture's, or that of the strip. */
  frameOf(picture, large) {
    return picture === this.answer.picture ? large : Number(picture.dataset.frame);
  }
}
