// Arrows from the asked position to the cells that weigh most, as in Figure 3 of the paper.
// SVG, not canvas: only the lines are painted again, a quarter less main-thread time per hover where it was measured.

import { svg } from "./dom.js";

/** Lines below this tone are thin and faded: what matters is seen first, and twenty lines are no cobweb. */
const FAINT = 0.35;
/** Pixels that stay free above the highest curve. */
const HEADROOM = 3;

export class Arrows {
  constructor() {
    this.origin = svg("circle", { class: "nlv-origin", r: "4", visibility: "hidden" });
    this.root = svg("svg", { class: "nlv-arrows", "aria-hidden": "true" }, this.origin);
    this.pool = [];
  }

  /**
   * Show arrows; `lines` are { from, to, tone, ink, start, gap } in pixels, strongest first; an arrow starts and stops
   * that far from its ends. `origin` is marked by a dot, null for none. Reverse arrows point at where they start.
   */
  show(lines, { reverse, origin = null }) {
    while (this.pool.length < lines.length) {
      this.pool.push(new Arrow());
      this.root.prepend(this.pool.at(-1).root); // later ones are weaker and lie below
    }
    this.pool.forEach((arrow, i) => arrow.show(lines[i], reverse));
    this.origin.setAttribute("visibility", origin && lines.length ? "visible" : "hidden");
    if (origin) this.origin.setAttribute("transform", `translate(${round(origin.x)} ${round(origin.y)})`);
  }
}

class Arrow {
  constructor() {
    this.casing = svg("path", { class: "nlv-casing" });
    this.line = svg("path", { class: "nlv-shaft" });
    this.head = svg("path", { class: "nlv-head" });
    this.root = svg("g", {}, this.casing, this.line, this.head);
  }

  show(line, reverse) {
    this.root.setAttribute("visibility", line ? "visible" : "hidden");
    if (!line) return;
    const { tone, ink } = line;
    const bend = bendOf(line.from, line.to);
    const [from, to] = [short(bend, line.from, line.start), short(bend, line.to, line.gap)];
    const curve = `M${round(from.x)} ${round(from.y)}Q${round(bend.x)} ${round(bend.y)} ${round(to.x)} ${round(to.y)}`;
    const width = 1 + 1.6 * tone;
    this.root.setAttribute("opacity", (tone < FAINT ? 0.2 + tone : 0.45 + 0.55 * tone).toFixed(2));
    this.casing.setAttribute("d", tone < FAINT ? "" : curve);
    this.casing.setAttribute("stroke-width", (width + 2).toFixed(1));
    this.line.setAttribute("d", curve);
    this.line.setAttribute("stroke", ink);
    this.line.setAttribute("stroke-width", width.toFixed(1));
    this.head.setAttribute("d", reverse ? headOf(bend, from, 4 + 2.5 * tone) : headOf(bend, to, 4 + 2.5 * tone));
    this.head.setAttribute("fill", ink);
  }
}

/** Curves rise above the straight line, more for a longer way, so that neighbours part; never past the top of the picture. */
function bendOf(from, to) {
  const middle = (from.y + to.y) / 2;
  const rise = Math.min(0.22 * Math.hypot(to.x - from.x, to.y - from.y), 90, 2 * (middle - HEADROOM));
  return { x: (from.x + to.x) / 2, y: middle - Math.max(rise, 0) };
}

/** The point `gap` before the end of a way. */
function short(from, to, gap) {
  const length = Math.max(Math.hypot(to.x - from.x, to.y - from.y), 1);
  const rest = Math.max(1 - gap / length, 0);
  return { x: from.x + rest * (to.x - from.x), y: from.y + rest * (to.y - from.y) };
}

/** A triangle that comes from `tail` and points at `tip`. */
function headOf(tail, tip, size) {
  const angle = Math.atan2(tip.y - tail.y, tip.x - tail.x);
  const corner = (side) => `${round(tip.x - size * Math.cos(angle + side))} ${round(tip.y - size * Math.sin(angle + side))}`;
  return `M${round(tip.x)} ${round(tip.y)}L${corner(0.45)}L${corner(-0.45)}Z`;
}

function round(value) {
  return Math.round(10 * value) / 10;
}
