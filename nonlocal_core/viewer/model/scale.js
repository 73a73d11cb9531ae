// One colour scale per answer. What it leaves out, and when it says "nearly flat" instead of stretching noise.

/** An answer whose strongest cell is below this many times the mean is called nearly flat. */
const FLAT_BELOW = 2;

export const SCALES = ["others", "all", "each"];

/**
 * What belongs to the asked position itself: its whole frame where others can answer, else the cells around it.
 * `holds(index)` tells for a cell of the answer's grid, `ownsFrame(t)` for a temporal cell; `share` is its part of the mass.
 */
export function ownOf(block, answer, cell) {
  const { grid, values, mass } = answer;
  const perFrame = grid.rows * grid.cols;
  const at = placeOn(block, answer, cell);
  const kind = grid.frames > 1 && block.scope !== "space" && grid.frames > block.temporal_groups ? "frame" : "place";
  const inside = ([start, stop], value) => value >= start && value < stop;
  const ownsFrame = (t) => inside(at.t, t);
  const near = (within) => inside(at.y, (within / grid.cols) | 0) && inside(at.x, within % grid.cols);
  const holds = kind === "frame"
    ? (index) => ownsFrame((index / perFrame) | 0)
    : (index) => ownsFrame((index / perFrame) | 0) && near(index % perFrame);
  let held = 0;
  for (let i = at.t[0] * perFrame; i < at.t[1] * perFrame; i++) if (holds(i)) held += Math.abs(values[i]);
  return { kind, t: at.t[0], ownsFrame, holds, share: mass > 0 ? held / mass : 0 };
}

/** The asked cell and its neighbours as [start, stop) of frames, rows and columns on the grid of the answer. */
function placeOn(block, answer, cell) {
  if (answer.direction === "row") {
    const own = block.ownKey(cell);
    return { t: [own.t, own.t + 1], y: [own.y - 1, own.y + 2], x: [own.x - 1, own.x + 2] };
  }
  const [kt, kh, kw] = block.subsample;
  const { frames, rows, cols } = block.key_grid;
  // The last key also stands for the odd queries that pooling dropped.
  const stop = (index, kernel, count, all) => (index === count - 1 ? all : (index + 1) * kernel);
  return {
    t: [cell.t * kt, stop(cell.t, kt, frames, block.query_grid.frames)],
    y: [(cell.y - 1) * kh, stop(cell.y, kh, rows, block.query_grid.rows) + kh],
    x: [(cell.x - 1) * kw, stop(cell.x, kw, cols, block.query_grid.cols) + kw],
  };
}

/**
 * The scale of an answer: `peaks[t]` is the weight that gets the full colour in temporal cell t, `shared` the one for all.
 * `beyond` is the largest weight above the scale (what is left out may be), 0 if none. A nearly flat answer is not
 * stretched: its scale still reaches to FLAT_BELOW times the mean.
 */
export function scaleOf(answer, own, choice) {
  const { grid, values } = answer;
  const perFrame = grid.rows * grid.cols;
  const within = new Float64Array(grid.frames);
  let leftOut = { peak: 0, mass: 0, cells: 0 };
  for (let i = 0; i < values.length; i++) {
    const weight = Math.abs(values[i]);
    if (choice === "others" && own.holds(i)) {
      leftOut.peak = Math.max(leftOut.peak, weight);
      leftOut.mass += weight;
      leftOut.cells += weight > 0;
    } else if (weight > within[(i / perFrame) | 0]) within[(i / perFrame) | 0] = weight;
  }
  if (Math.max(...within) === 0) {
    within[own.t] = leftOut.peak;
    leftOut = { peak: 0, mass: 0, cells: 0 };
  }
  const peak = Math.max(...within);
  const floor = (FLAT_BELOW * (answer.mass - leftOut.mass)) / Math.max(answer.count - leftOut.cells, 1);
  const shared = Math.max(peak, floor);
  return {
    peak, shared,
    flat: peak > 0 && peak < floor,
    flatness: (FLAT_BELOW * peak) / floor,
    peaks: choice === "each" ? within.map((weight) => Math.max(weight, floor)) : within.map(() => shared),
    beyond: leftOut.peak > shared ? leftOut.peak : 0,
  };
}
