// What zooms the pictures by hand: the wheel with Ctrl, as a trackpad's pinch also arrives, and two fingers.

/** Larger for each unit of the wheel; a notch has about 100, a trackpad's pinch a few, and one event counts at most so many. */
const PER_UNIT = 0.01;
const MOST_UNITS = 25;
/** Units of a wheel that counts in lines. */
const LINE = 16;

export class Zooming {
  #fingers = new Map();
  #picture = null;

  /** Calls zoom(by, at), pan(dx, dy) in parts of the picture, and begin(event) where a second finger comes to the first. */
  constructor(field, { locate, zoom, pan, begin }) {
    Object.assign(this, { locate, zoom, pan, begin });
    field.addEventListener("wheel", (event) => {
      const found = event.ctrlKey || event.metaKey ? locate(event) : null;
      if (!found) return;
      event.preventDefault();
      zoom(largerBy(event), found.at);
    }, { passive: false });
    field.addEventListener("touchstart", (event) => {
      if (event.touches.length > 1 && locate(event.touches[0])) event.preventDefault(); // the page neither scrolls nor zooms
    }, { passive: false });
  }

  /** Whether an event of the pointer belongs to two fingers, until both are gone. */
  takes(event) {
    if (event.pointerType !== "touch") return false;
    const { type, pointerId } = event;
    const before = this.#picture && [...this.#fingers.values()];
    if (type === "pointerdown") this.#down(event);
    if (!this.#fingers.has(pointerId)) return this.#picture !== null;
    this.#fingers.set(pointerId, { x: event.clientX, y: event.clientY });
    if (type === "pointermove" && before?.length === 2) this.#pinch(before, [...this.#fingers.values()]);
    const taken = this.#picture !== null;
    if (type === "pointerup" || type === "pointercancel") this.#fingers.delete(pointerId);
    if (this.#fingers.size === 0) this.#picture = null;
    return taken;
  }

  #down(event) {
    const found = this.locate(event);
    if (event.isPrimary) this.#fingers.clear(); // a finger that left unseen
    if (event.isPrimary) this.#picture = null;
    if (found && this.#fingers.size < 2) this.#fingers.set(event.pointerId, null);
    if (this.#fingers.size < 2 || this.#picture) return;
    this.#picture = found.picture;
    this.begin(event);
  }

  #pinch(before, now) {
    const { width, height } = this.#picture.getBoundingClientRect();
    const [from, to] = [middle(before), middle(now)];
    this.zoom(apart(now) / Math.max(apart(before), 1), this.locate({ target: this.#picture, clientX: from.x, clientY: from.y }).at);
    this.pan((to.x - from.x) / width, (to.y - from.y) / height);
  }
}

/** How many times larger a turn of the wheel makes the pictures. */
export function largerBy({ deltaY, deltaMode }) {
  const units = deltaMode === 0 ? deltaY : LINE * deltaY;
  return Math.exp(-PER_UNIT * Math.min(Math.max(units, -MOST_UNITS), MOST_UNITS));
}

function middle([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function apart([a, b]) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
