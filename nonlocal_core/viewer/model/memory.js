// The memory that runs in the page need, before they begin, and what this browser has for them. The constants are fitted to what Chromium's
// process takes for 4 to 20 frames of 224 x 224 to 224 x 960, of several networks and of all; benchmarks/page.py prints forecast and measure.

import { pixelGrid } from "./pixel_tables.js";

const MIB = 2 ** 20;
/** A page, its worker and the engine, before any clip; and what the engine takes more for each block with parameters. */
const LIBRARY_BYTES = 190 * MIB;
const ADDING_BYTES = 32 * MIB;
/** A photograph in the page, whole and muted, and what is drawn of it. */
const BYTES_SHOWN = 12;
/** What the trunk takes of one frame on its way, for each pixel that is fed. */
const BYTES_OF_PIXEL = 150;
/** What blocks take for each cell of stride 8 that they read, and what each takes for each pair of cells of stride 16. */
const BYTES_OF_CELL = 3_000;
const BYTES_OF_PAIR = 1;
/** What stays of a network for each cell of stride 8: tables in the page, and in the worker for columns. */
const BYTES_KEPT = 1_500;
const [FINE, COARSE] = [64, 256];
const FLOAT = 4;
/** WebAssembly of 32 bits reaches so much; and the part of a computer's memory that a page may take. */
const MOST_BYTES = 4 * 2 ** 30;
const PART = 0.5;

/**
 * Bytes that a page has in use at the peak of runs { frames, inputHw, filter, adds } one after the other; `adds`: how many
 * blocks of the network have parameters; `pixels`: of all frames as they are shown.
 */
export function runBytes(runs, pixels) {
  const parts = runs.map(({ filter, ...run }) => (filter ? ofFilter(run, filter) : ofTrunk(run)));
  return LIBRARY_BYTES + BYTES_SHOWN * pixels + Math.max(...parts.map(({ taken }) => taken)) + parts.reduce((sum, { kept }) => sum + kept, 0);
}

function ofTrunk({ frames, inputHw: [height, width], adds }) {
  const cells = (frames * height * width) / FINE;
  const adding = adds * (ADDING_BYTES + BYTES_OF_PAIR * ((frames * height * width) / COARSE) ** 2);
  return { taken: BYTES_OF_PIXEL * height * width + BYTES_OF_CELL * cells + adding, kept: BYTES_KEPT * cells };
}

/** Vectors of each cell in float64 on the way; theta and phi, here and in the worker, stay. */
function ofFilter({ frames, inputHw }, { most, vectors }) {
  const [rows, cols] = pixelGrid(frames, inputHw, most);
  const numbers = Object.values(vectors).reduce((sum, { patch }) => sum + frames * rows * cols * (patch ? 3 * patch ** 2 + 1 : 7), 0);
  return { taken: 2 * FLOAT * numbers, kept: 4 * FLOAT * numbers };
}

/** Bytes that a page has. `deviceGib`: memory of the computer as the browser tells it, undefined where it tells none. */
export function pageBytes(deviceGib) {
  return Math.min(MOST_BYTES, deviceGib === undefined ? MOST_BYTES : PART * deviceGib * 2 ** 30);
}

/** Why a run is not begun, empty where there is memory for it. */
export function memoryWords(needed, free) {
  if (needed <= free) return "";
  const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return `This run needs about ${gib(needed)} of memory, and this browser has ${gib(free)} for the page. Open a picture or a clip of fewer frames, choose another network, or open the page on a larger computer.`;
}
