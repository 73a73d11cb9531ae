// The pointer: where it is, and what it means there.
//
// Over the frame that is asked from, and over the strip, pointing asks; a click or a tap pins. Over the answer, and
// everywhere once a question is pinned, pointing reads the weight of the cell underneath, so that the answer holds
// still while it is read; a click asks from there. While the pictures are zoomed, a drag that takes in no cells moves them.

import { Zooming } from "./zooming.js";

const TAP_PIXELS = 8;

/**
 * Watch the pictures; calls ask(at, found), pin(found, event), read(at, event), leave(), hold(frame, bar), where a drag
 * takes in cells, stroke(phase, found, event), and pan(dx, dy) in parts of a picture and zoom(by, at). `locate(event)` finds
 * { at, asks, picture }.
 */
export class Pointer {
  #pressed = null;

  constructor(field, { locate, isPinned, strokes = () => false, stroke, ask, pin, read, leave, hold, zoomed = () => false, zoom, pan }) {
    const on = (name, handler) => field.addEventListener(name, handler);
    const act = (event) => {
      const found = locate(event);
      if (!found) return leave();
      const dragging = event.pointerType === "touch" && this.#pressed?.asks;
      found.asks && (dragging || !isPinned()) ? ask(found.at, found) : read(found.at, event);
    };
    const end = (found, event) => {
      if (this.#pressed?.strokes) stroke("end", found, event);
      field.classList.remove("is-panning");
      this.#pressed = null;
    };
    const zooming = new Zooming(field, {
      locate, zoom, pan,
      begin: (event) => {
        const draws = this.#pressed?.strokes;
        end(null, event);
        if (draws) stroke("undo", null, event); // the first of two fingers asks nothing
      },
    });
    on("pointermove", (event) => {
      if (zooming.takes(event)) return;
      if (this.#pressed?.bar) return this.#scrub(field, event, hold);
      if (this.#pressed?.strokes) return this.#draw(locate(event), event, stroke);
      if (this.#pressed?.pans) return this.#pan(field, event, pan);
      if (event.pointerType === "touch" && !this.#moved(event)) return;
      act(event);
    });
    on("pointerdown", (event) => {
      if (zooming.takes(event) || event.button !== 0) return;
      const bar = event.target.closest("[data-bar]") !== null;
      const found = locate(event);
      const draws = !bar && found?.asks && strokes();
      this.#pressed = { x: event.clientX, y: event.clientY, bar, asks: found?.asks ?? false, strokes: draws, pans: !draws && found && zoomed() ? found.picture : null };
      if (draws) stroke("start", found, event);
      if (bar) this.#scrub(field, event, hold);
    });
    on("pointerup", (event) => {
      if (zooming.takes(event)) return;
      const found = locate(event);
      const { strokes, bar, last } = this.#pressed ?? {};
      const clicks = this.#pressed && found && !strokes && !bar && !last && !this.#moved(event);
      end(found, event);
      if (clicks) pin(found, event);
    });
    on("pointercancel", (event) => {
      if (!zooming.takes(event)) end(null, event);
    });
    on("pointerleave", (event) => {
      end(null, event);
      leave();
    });
  }

  #draw(found, event, stroke) {
    if (found?.asks) stroke("move", found, event);
  }

  /** Move what the pictures show with the pointer, once it has moved too far for a click. */
  #pan(field, event, pan) {
    const { pans: picture, last } = this.#pressed;
    if (!last && !this.#moved(event)) return;
    if (!last) {
      field.setPointerCapture(event.pointerId);
      field.classList.add("is-panning");
    }
    const from = last ?? this.#pressed;
    const { width, height } = picture.getBoundingClientRect();
    pan((event.clientX - from.x) / width, (event.clientY - from.y) / height);
    this.#pressed.last = { x: event.clientX, y: event.clientY };
  }

  #moved(event) {
    return this.#pressed === null || Math.hypot(event.clientX - this.#pressed.x, event.clientY - this.#pressed.y) > TAP_PIXELS;
  }

  #scrub(field, event, hold) {
    const under = field.getRootNode().elementFromPoint(event.clientX, event.clientY)?.closest("[data-bar]");
    if (under) hold(Number(under.dataset.bar), under);
  }
}

/** The pointer's place in a picture: x and y in 0..1 of it. */
export function pointIn(picture, event) {
  const box = picture.getBoundingClientRect();
  const within = (value) => Math.min(Math.max(value, 0), 1);
  return { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) };
}
