// The figure of a drawn answer on a canvas, for a file: film strip, shares, arrows, colour bar and words, as
// nonlocal_core/render/figure.py draws it. `drawn` is what Viewer.drawn gives.

import { cssOf, opacityOf } from "./colour.js";
import { figureLayout, FIGURE_WIDTH } from "../model/figure_layout.js";
import { cautionWords, fileNotes, fileQuestion, networkWords, threeDigits } from "../model/figure_words.js";
import { boundsOf, centreOf, temporalCell } from "../model/grid.js";
import { barHeights, ticksOf } from "../model/heat.js";
import { strongestOf } from "../model/answer.js";
import { LETTERS, answerWords, percent } from "../model/words.js";
import { putHeat } from "./paint.js";
import { drawPhoto } from "./photograph.js";

const [INK, FAINT_INK, RIM, WHITE, BAR_INK, WARNING_INK, MINUS_INK] = ["#18181c", "#686872", "#0e0e12", "#ffffff", "#626270", "#a83e14", "#6ecdff"];
const FACE = "system-ui, 'DejaVu Sans', sans-serif";
const NOTE_SIZE = 25;
const PEN = 4.2;
const [GLOW_INK, PALE_INK, STRIPE_INK, STRIPES_APART, LETTER_MARK] = ["#ff9142", "#ffc397", "#b0b0b8", 12, 26];
const [BAR_GREY, LETTER_BOX, PINS_FROM, PIN_LINES] = [128, 60, 132, 84];
const WHOLE_PHOTO = { scale: 1, x: 0, y: 0 };

/** Draw the figure and return its canvas. */
export function figureOf(drawn) {
  const { bundle, pins, heats, state, targets, photos } = drawn;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const room = figureLayout(1, [1, 1]);
  const lines = [
    ...linesOf(pen, cautionWords(pins.at(-1), bundle.media), NOTE_SIZE, FIGURE_WIDTH - 2 * room.margin).map((text) => [text, WARNING_INK]),
    ...linesOf(pen, fileNotes(pins, heats, state, Math.max(...targets.map(({ length }) => length))).join(" "), NOTE_SIZE, FIGURE_WIDTH - 2 * room.margin).map((text) => [text, FAINT_INK]),
  ];
  const [{ width, height }] = photos.bitmaps;
  const layout = figureLayout(bundle.frames.length, [height, width], { notes: lines.length, pins: pins.length });
  Object.assign(canvas, { width: FIGURE_WIDTH, height: layout.height });
  pen.fillStyle = WHITE;
  pen.fillRect(0, 0, FIGURE_WIDTH, layout.height);
  layout.tiles.forEach((tile, frame) => drawTile(pen, tile, frame, drawn));
  pins.forEach(({ asked, cells, taken, block }, pin) => {
    if (block.asker) return;
    const from = (some) => figurePlace(layout, asked, { ...centreOf(asked, some), t: some[0].t });
    const [plus, less] = taken.length ? [false, true].map((cold) => targets[pin].filter((target) => target.less === cold)) : [targets[pin], []];
    if (less.length) drawArrows(pen, layout, { from: from(taken), targets: less, drawn, dot: MINUS_INK });
    drawArrows(pen, layout, { from: from(cells), targets: plus, drawn, dot: pinColour(drawn, pin) });
  });
  drawHeading(pen, layout, drawn);
  drawLegend(pen, layout.legend, drawn);
  if (bundle.frames.length > 1) drawBars(pen, layout, drawn);
  layout.tiles.forEach((tile, frame) => drawLetters(pen, tile, frame, drawn, { size: LETTER_MARK, once: true }));
  lines.forEach(([text, colour], i) => writeText(pen, text, layout.margin, layout.notesTop + 24 + 38 * i, NOTE_SIZE, colour));
  return canvas;
}

/** A frame of the strip, with a border where it is asked. */
function drawTile(pen, tile, frame, drawn) {
  drawFrame(pen, tile, frame, drawn);
  const asked = drawn.pins.some(({ block, asked: grid, cells }) => !block.asker && cells.some(({ t }) => temporalCell(grid, frame) === t));
  if (!asked) return;
  Object.assign(pen, { strokeStyle: INK, lineWidth: 4 });
  pen.strokeRect(tile.left - 2, tile.top - 2, tile.width + 4, tile.height + 4);
}

/** Draw one frame into a box: the photograph, its heat, the asked cells. */
export function drawFrame(pen, { left, top, width, height }, frame, drawn) {
  const { photos, images, pins, state } = drawn;
  const { block, answer: { grid } } = pins.at(-1);
  const tile = document.createElement("canvas");
  Object.assign(tile, { width: Math.round(width), height: Math.round(height) });
  const context = tile.getContext("2d");
  drawPhoto(context, photos.of(frame, !state.plain), WHOLE_PHOTO, block.query_grid.box);
  const t = temporalCell(grid, frame);
  if (t >= 0) {
    const [x0, y0, x1, y1] = grid.box;
    context.imageSmoothingEnabled = state.smooth;
    const heat = document.createElement("canvas");
    putHeat(heat, images[t]);
    context.drawImage(heat, x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
  }
  pen.drawImage(tile, left, top);
  pins.forEach(({ asked, cells, taken, block }, pin) => {
    for (const cell of taken) drawCell(pen, { left, top, width, height }, asked, cell, frame, MINUS_INK);
    if (!block.asker) for (const cell of cells) drawCell(pen, { left, top, width, height }, asked, cell, frame, pinColour(drawn, pin));
  });
}

/** Letters of several pins, or of both sides of a difference, at their first cells; `once`: in the first frame of a step alone. */
export function drawLetters(pen, tile, frame, { pins, look }, { size, once = false }) {
  const [first] = pins;
  const groups = pins.length > 1 ? pins.map(({ block, cells }) => (block.asker ? [] : cells)) : first.taken.length ? [first.cells, first.taken] : [];
  groups.forEach(([cell], i) => {
    if (!cell || temporalCell(first.asked, frame) !== cell.t || (once && first.asked.frame_spans[cell.t][0] !== frame)) return;
    const bounds = boundsOf(first.asked, cell);
    const [x, y] = [tile.left + bounds.left * tile.width, tile.top + bounds.top * tile.height];
    pen.fillStyle = cssOf(look.ramps.pins[i][look.recipe.pin_tone]);
    pen.fillRect(x - size / 2, y - size / 2, size, size);
    writeText(pen, LETTERS[i], x, y + 0.32 * size, Math.round(0.85 * size), RIM, "center");
  });
}

function drawCell(pen, tile, grid, cell, frame, colour) {
  if (temporalCell(grid, frame) !== cell.t) return;
  const bounds = boundsOf(grid, cell);
  const box = [tile.left + bounds.left * tile.width, tile.top + bounds.top * tile.height, bounds.width * tile.width, bounds.height * tile.height];
  for (const [stroke, width] of [[RIM, 2 * PEN], [colour, PEN]]) {
    Object.assign(pen, { strokeStyle: stroke, lineWidth: width });
    pen.strokeRect(...box);
  }
}

function pinColour({ pins, look }, pin) {
  return pins.length === 1 ? WHITE : cssOf(look.ramps.pins[pin][look.recipe.pin_tone]);
}

function drawHeading(pen, layout, { bundle, pins, look }) {
  const { margin: left, margin: top } = layout;
  const { media, model } = bundle;
  const room = layout.legend.left - left - 40;
  const asks = (answered) => fileQuestion(answered, bundle.frames.length, media.pts_seconds[answered.asked.frame_spans[answered.cell.t][0]]);
  const network = networkWords(model, pins.at(-1).block);
  writeOnPaper(pen, shortened(pen, media.name, 44, room), left, top + 36, 44, INK);
  if (pins.length === 1) {
    const said = linesOf(pen, answerWords(pins[0]), 36, room).slice(0, 2);
    writeOnPaper(pen, shortened(pen, asks(pins[0]), 27, room), left, top + 76, 27, FAINT_INK);
    said.forEach((text, i) => writeOnPaper(pen, text, left, top + 126 + 44 * i, 36, INK));
    writeOnPaper(pen, shortened(pen, network, 27, room), left, top + 120 + 44 * said.length, 27, FAINT_INK);
    return;
  }
  writeOnPaper(pen, shortened(pen, network, 27, room), left, top + 76, 27, FAINT_INK);
  pins.forEach((answered, pin) => {
    const above = top + PINS_FROM - 16 + PIN_LINES * pin;
    pen.fillStyle = pinColour({ pins, look }, pin);
    pen.fillRect(left, above, LETTER_BOX, LETTER_BOX);
    writeText(pen, LETTERS[pin], left + LETTER_BOX / 2, above + 0.76 * LETTER_BOX, 40, RIM, "center");
    writeOnPaper(pen, asks(answered), left + LETTER_BOX + 16, above + 20, 25, FAINT_INK);
    writeOnPaper(pen, answerWords(answered), left + LETTER_BOX + 16, above + 56, 34, INK);
  });
}

/** The colour bar over grey, with times an even share under it and weights above it. */
function drawLegend(pen, area, { heats, state, look, pins }) {
  const heat = heats.at(-1);
  const signed = heat.negatives;
  const several = pins.length > 1;
  const [left, right, top, height] = [area.left + 150, area.left + area.width - 34, area.top + (several ? 36 : 60), several ? 48 : 30];
  const width = right - left;
  const ramps = several ? look.ramps.pins.slice(0, pins.length) : [look.ramps.warm];
  ramps.forEach((warm, row) => {
    const [from, until] = [row, row + 1].map((at) => top + Math.round((at * height) / ramps.length));
    if (several) writeOnPaper(pen, LETTERS[row], left - 8, top + ((row + 0.5) * height) / ramps.length + 6, 18, INK, "right");
    for (let x = 0; x < width; x++) {
      const tone = signed ? (2 * x) / (width - 1) - 1 : x / (width - 1);
      const opacity = opacityOf(Math.abs(tone), state.strength, look.recipe);
      const colour = (tone < 0 ? look.ramps.cold : warm)[Math.round(255 * Math.abs(tone))];
      pen.fillStyle = cssOf(colour.map((part) => Math.round(BAR_GREY + opacity * (part - BAR_GREY))));
      pen.fillRect(left + x, from, 1, until - from);
    }
  });
  const alike = heats.every(({ unit }) => Math.abs(unit - heat.unit) <= 1e-5 * heat.unit);
  const each = state.scale === "each";
  const ticks = each ? [[0, "1"], [1, "its frame's strongest"]] : heat.largest ? ticksOf(heat, heat.tops[0], look.recipe, signed ? 2 : 1) : [];
  const marks = signed ? [...ticks.slice(1).reverse().map(([tone, times]) => [-tone, each ? `-${times}` : -times]), ...ticks] : ticks;
  let free = -Infinity;
  for (const [tone, times] of marks) {
    const x = left + ((tone + (signed ? 1 : 0)) / (signed ? 2 : 1)) * width;
    pen.fillStyle = FAINT_INK;
    pen.fillRect(x - 1, top - 8, 2, 8);
    pen.fillRect(x - 1, top + height, 2, 8);
    writeOnPaper(pen, String(times), String(times).length > 9 ? Math.min(x, right - 110) : x, top + height + 32, NOTE_SIZE, INK, "center");
    const weight = each || !alike ? "" : threeDigits(times / heat.unit);
    const half = pen.measureText(weight).width / 2;
    if (weight && x - half > free) {
      writeOnPaper(pen, weight, x, top - 14, NOTE_SIZE, INK, "center");
      free = x + half + 16;
    }
  }
  writeOnPaper(pen, "x even share", left - 20, top + height + 32, NOTE_SIZE, FAINT_INK, "right");
  if (!each && alike) writeOnPaper(pen, "weight", left - 60, top - 14, NOTE_SIZE, FAINT_INK, "right");
}

/** Time and share under the frames; frames of one step share one bar for each pin. */
function drawBars(pen, layout, drawn) {
  const { bundle, pins, look } = drawn;
  const { grid, direction } = pins.at(-1).answer;
  const several = pins.length > 1;
  layout.tiles.forEach((tile, frame) => {
    const [middle, base] = [tile.left + tile.width / 2, tile.top + tile.height + layout.bar];
    writeOnPaper(pen, `${bundle.media.pts_seconds[frame].toFixed(2)} s`, middle, base + 68, 24, FAINT_INK, "center");
    if (temporalCell(grid, frame) < 0) writeOnPaper(pen, direction === "row" ? "no keys" : "no queries", middle, base + 36, 30, FAINT_INK, "center");
  });
  const { heights, cut } = barHeights(Float64Array.from(pins.flatMap(({ shares }) => [...shares])), look.recipe);
  const across = layout.tiles[0].width;
  const [width, size] = several ? [0.22 * across, Math.min(30, Math.round(0.1 * across))] : [0.4 * across, 30];
  grid.frame_spans.forEach(([start, stop], t) => {
    for (const tiles of rowsOf(layout, start, stop)) {
      const [left, right] = [tiles[0].left, tiles.at(-1).left + across];
      const base = tiles[0].top + tiles[0].height + layout.bar;
      pen.fillStyle = BAR_INK;
      pen.fillRect(left, base, right - left, 2);
      pins.forEach(({ shares }, pin) => {
        const middle = (left + right) / 2 + (pin - (pins.length - 1) / 2) * 0.32 * across;
        const at = pin * grid.frames + t;
        const height = (layout.bar - 12) * heights[at];
        if (!several && pins[0].own.steps(t)) drawStripes(pen, middle - width / 2, base, width, height);
        else {
          pen.fillStyle = several ? pinColour(drawn, pin) : t === strongestOf(pins[0]) ? GLOW_INK : PALE_INK;
          pen.fillRect(middle - width / 2, base - height, width, height);
        }
        if (at === cut) drawBreak(pen, middle, width, base - 0.72 * height);
        writeOnPaper(pen, percent(shares[t]), middle, base + 36, size, INK, "center");
      });
    }
  });
}

/** The slanted lines that fill a bar. */
function drawStripes(pen, left, base, width, height) {
  Object.assign(pen, { strokeStyle: STRIPE_INK, lineWidth: 4 });
  for (let along = STRIPES_APART / 2; along < width + height; along += STRIPES_APART) {
    pen.beginPath();
    pen.moveTo(left + Math.max(0, along - height), base - Math.min(along, height));
    pen.lineTo(left + Math.min(along, width), base - Math.max(0, along - width));
    pen.stroke();
  }
}

/** A white band across a bar: taller than is drawn. */
function drawBreak(pen, middle, width, low) {
  pen.fillStyle = WHITE;
  pen.beginPath();
  for (const [x, y] of [[-width / 2, 0], [width / 2, -9], [width / 2, -1], [-width / 2, 8]]) pen.lineTo(middle + x, low + y);
  pen.fill();
}

/** The tiles of a step, by row of the strip. */
function rowsOf({ tiles, columns }, start, stop) {
  const rows = new Map();
  for (let frame = start; frame < Math.min(stop, tiles.length); frame++) {
    const row = Math.floor(frame / columns);
    rows.set(row, [...(rows.get(row) ?? []), tiles[frame]]);
  }
  return [...rows.values()];
}

/** A place of a temporal cell on the figure, in the middle one of its frames. */
function figurePlace({ tiles }, grid, { t, x, y }) {
  const [start, stop] = grid.frame_spans[t];
  const tile = tiles[(start + stop - 1) >> 1];
  return { x: tile.left + x * tile.width, y: tile.top + y * tile.height };
}

/** Curved arrows, the strongest on top, with a dot at the asked cell. */
function drawArrows(pen, layout, { from, targets, drawn, dot }) {
  if (targets.length === 0) return;
  const { grid, direction } = drawn.pins.at(-1).answer;
  const bounds = boundsOf(grid, { t: 0, y: 0, x: 0 });
  const [tile] = layout.tiles;
  const gap = Math.min(bounds.width * tile.width, bounds.height * tile.height) / 2;
  for (const target of [...targets].reverse()) {
    const [start, stop] = direction === "row" ? [from, figurePlace(layout, grid, target)] : [figurePlace(layout, grid, target), from];
    drawArrow(pen, { start, stop, gap, reach: 0.8 * tile.height, tone: target.tone, ink: target.ink });
  }
  pen.globalAlpha = 1;
  pen.beginPath();
  pen.arc(from.x, from.y, 2.2 * PEN, 0, 2 * Math.PI);
  Object.assign(pen, { fillStyle: dot, strokeStyle: RIM, lineWidth: PEN / 2 });
  pen.fill();
  pen.stroke();
}

function drawArrow(pen, { start, stop, gap, reach, tone, ink }) {
  const [dx, dy] = [stop.x - start.x, stop.y - start.y];
  if (dx === 0 && dy === 0) return; // the middle of what is asked is looked at
  const length = Math.max(Math.hypot(dx, dy), 1);
  const rise = (2 * reach * 0.2 * length) / (reach + 0.2 * length);
  const side = dx < 0 || (dx === 0 && dy < 0) ? -1 : 1; // upwards, to the right where the chord is upright
  const control = { x: (start.x + stop.x) / 2 + (side * rise * dy) / length, y: (start.y + stop.y) / 2 - (side * rise * dx) / length };
  const away = Math.hypot(stop.x - control.x, stop.y - control.y);
  const toward = { x: (stop.x - control.x) / away, y: (stop.y - control.y) / away };
  const width = PEN * (0.5 + 0.5 * tone);
  const head = Math.min(5 * width, length / 2);
  const [tip, neck] = [gap, gap + 0.8 * head].map((back) => ({ x: stop.x - back * toward.x, y: stop.y - back * toward.y }));
  const opacity = 0.35 + 0.65 * tone;
  for (const [colour, thick, alpha, grown] of [[RIM, 2 * width, opacity / 2, 1.5], [ink, width, opacity, 1]]) {
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: thick, globalAlpha: alpha });
    pen.beginPath();
    pen.moveTo(start.x, start.y);
    pen.quadraticCurveTo(control.x, control.y, neck.x, neck.y);
    pen.stroke();
    const [long, point] = [grown * head, { x: tip.x + ((grown - 1) / 2) * head * toward.x, y: tip.y + ((grown - 1) / 2) * head * toward.y }];
    pen.beginPath();
    pen.moveTo(point.x, point.y);
    for (const turn of [1, -1]) pen.lineTo(point.x - long * (toward.x + 0.42 * turn * toward.y), point.y - long * (toward.y - 0.42 * turn * toward.x));
    pen.fill();
  }
}

/** Write a text on a piece of paper, since arrows pass there. */
function writeOnPaper(pen, text, x, y, size, colour, align = "left") {
  pen.font = `${size}px ${FACE}`;
  const wide = text === "" ? -8 : pen.measureText(text).width;
  pen.fillStyle = WHITE;
  pen.fillRect(x - { left: 0, center: 0.5, right: 1 }[align] * wide - 4, y - 0.8 * size, wide + 8, 1.05 * size);
  writeText(pen, text, x, y, size, colour, align);
}

/** Write a text on its base line. */
export function writeText(pen, text, x, y, size, colour, align = "left") {
  Object.assign(pen, { font: `${size}px ${FACE}`, fillStyle: colour, textAlign: align, textBaseline: "alphabetic" });
  pen.fillText(text, x, y);
}

/** A text in lines that fit, broken between words, but not before %. */
export function linesOf(pen, text, size, room) {
  pen.font = `${size}px ${FACE}`;
  const lines = [];
  for (const word of text.split(/\s+(?!%)/).filter(Boolean)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A text without its middle where it is too long: both ends of a file name matter. */
function shortened(pen, text, size, room) {
  pen.font = `${size}px ${FACE}`;
  let [shown, keep] = [text, text.length];
  while (keep > 4 && pen.measureText(shown).width > room) {
    keep -= 1;
    shown = `${text.slice(0, keep - (keep >> 1)).trimEnd()}…${text.slice(text.length - (keep >> 1)).trimStart()}`;
  }
  return shown;
}
