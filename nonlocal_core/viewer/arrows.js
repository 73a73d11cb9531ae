// Arrows from the asked position to the cells that weigh most, as in Figure 3 of the paper.

import { inkOf, toneOf } from "./colour.js";

/** Lines below this tone are thin and faded: what matters is seen first, and twenty lines are no cobweb. */
const FAINT = 0.35;
/** The darkest colours of the map would be lost as lines; arrows use the rest of it. */
const DARKEST = 0.4;
/** Pixels that stay free above the highest curve. */
const HEADROOM = 3;

/**
 * Draw arrows on a cleared canvas. `lines` are { from, to, weight, start, gap } in CSS pixels, strongest first; an arrow
 * starts and stops that far from its ends.
 * Reverse arrows point at the asked position instead.
 */
export function drawArrows(context, lines, { ratio, peak, lift, reverse, origin }) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineCap = "round";
  for (const line of [...lines].reverse()) drawArrow(context, line, toneOf(line.weight, peak, lift), reverse);
  if (origin && lines.length) drawOrigin(context, origin);
}

function drawArrow(context, { from: origin, to: target, start, gap, weight }, tone, reverse) {
  const bend = bendOf(origin, target);
  const from = short(bend, origin, start);
  const to = short(bend, target, gap);
  const width = 1 + 1.6 * tone;
  const ink = inkOf((DARKEST + (1 - DARKEST) * tone) * Math.sign(weight));
  context.globalAlpha = tone < FAINT ? 0.2 + tone : 0.45 + 0.55 * tone;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.quadraticCurveTo(bend.x, bend.y, to.x, to.y);
  if (tone >= FAINT) stroke(context, "rgb(0 0 0 / 0.45)", width + 2);
  stroke(context, ink, width);
  const [tip, tail] = reverse ? [from, bend] : [to, bend];
  drawHead(context, tip, Math.atan2(tip.y - tail.y, tip.x - tail.x), 4 + 2.5 * tone, ink);
  context.globalAlpha = 1;
}

/** Curves rise above the straight line, more for a longer way, so that neighbours part; never past the top of the canvas. */
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

function drawHead(context, tip, angle, size, ink) {
  context.beginPath();
  context.moveTo(tip.x, tip.y);
  for (const side of [0.45, -0.45]) context.lineTo(tip.x - size * Math.cos(angle + side), tip.y - size * Math.sin(angle + side));
  context.closePath();
  context.fillStyle = ink;
  stroke(context, "rgb(0 0 0 / 0.45)", 1);
  context.fill();
}

function drawOrigin(context, { x, y }) {
  context.beginPath();
  context.arc(x, y, 4, 0, 2 * Math.PI);
  context.fillStyle = "#fff";
  context.fill();
  stroke(context, "#111", 1.5);
}

function stroke(context, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}
