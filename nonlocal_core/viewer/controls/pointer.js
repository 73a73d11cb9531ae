// The pointer: where it is, and what it means there.
//
// Over the frame that is asked from, and over the strip, pointing asks; a click or a tap pins. Over the answer, and
// everywhere once a question is pinned, pointing reads the weight of the cell underneath, so that the answer holds
// still while it is read; a click asks from there.

const TAP_PIXELS = 8;

/**
 * Watch the pictures; calls ask(at, found), pin(found, event), read(at, event), leave(), hold(frame, bar), and, where a drag
 * takes in cells, stroke(phase, found, event). `locate(event)` finds { at, asks }.
 */
export class Pointer {
  #pressed = null;

  constructor(field, { locate, isPinned, strokes = () => false, stroke, ask, pin, read, leave, hold }) {
    const on = (name, handler) => field.addEventListener(name, handler);
    const act = (event) => {
      const found = locate(event);
      if (!found) return leave();
      const dragging = event.pointerType === "touch" && this.#pressed?.asks;
      found.asks && (dragging || !isPinned()) ? ask(found.at, found) : read(found.at, event);
    };
    on("pointermove", (event) => {
      if (this.#pressed?.bar) return this.#scrub(field, event, hold);
      if (this.#pressed?.strokes) return this.#draw(locate(event), event, stroke);
      if (event.pointerType === "touch" && !this.#moved(event)) return;
      act(event);
    });
    on("pointerdown", (event) => {
      if (event.button !== 0) return;
      const bar = event.target.closest("[data-bar]") !== null;
      const found = locate(event);
      this.#pressed = { x: event.clientX, y: event.clientY, bar, asks: found?.asks ?? false };
      if (!bar && found?.asks && strokes()) {
        this.#pressed.strokes = true;
        stroke("start", found, event);
      }
      if (bar) this.#scrub(field, event, hold);
    });
    on("pointerup", (event) => {
      const found = locate(event);
      if (this.#pressed?.strokes) stroke("end", found, event);
      else if (this.#pressed && !this.#pressed.bar && found && !this.#moved(event)) {
        pin(found, event);
      }
      this.#pressed = null;
    });
    on("pointercancel", (event) => {
      if (this.#pressed?.strokes) stroke("end", null, event);
      this.#pressed = null;
    });
    on("pointerleave", (event) => {
      if (this.#pressed?.strokes) stroke("end", null, event);
      this.#pressed = null;
      leave();
    });
  }

  #draw(found, event, stroke) {
    if (found?.asks) stroke("move", found, event);
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
