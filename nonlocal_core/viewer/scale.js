// One colour scale per answer. What it leaves out, and when it says "nearly flat" instead of stretching noise.

/** An answer whose strongest cell is below this many times the mean is called nearly flat. */
export const FLAT_BELOW = 2;

export const SCALES = ["others", "all", "each"];

/**
 * What belongs to the asked position itself: its whole frame where others can answer, else the cells around it.
 * `holds(index)` tells for a cell of the answer's grid.
 */
export function ownOf(block, answer, cell) {
  const { grid } = answer;
  const perFrame = grid.rows * grid.cols;
  const at = placeOn(block, answer, cell);
  const spans = grid.frames > 1 && block.scope !== "space" && grid.frames > block.temporal_groups;
  if (spans) return { kind: "frame", t: at.t, holds: (index) => ((index / perFrame) | 0) === at.t };
  return {
    kind: "place",
    t: at.t,
    holds: (index) => {
      const within = index % perFrame;
      return ((index / perFrame) | 0) === at.t
        && Math.abs(((within / grid.cols) | 0) - at.y) <= at.reachY && Math.abs((within % grid.cols) - at.x) <= at.reachX;
    },
  };
}

/** The asked cell on the grid of the answer, with the reach of its neighbourhood. */
function placeOn(block, answer, cell) {
  if (answer.direction === "row") return { ...block.ownKey(cell), reachY: 1, reachX: 1 };
  const [kt, kh, kw] = block.subsample;
  const middle = (index, kernel, count) => Math.min(index * kernel + (kernel >> 1), count - 1);
  const { frames, rows, cols } = block.query_grid;
  return {
    t: middle(cell.t, kt, frames), y: middle(cell.y, kh, rows), x: middle(cell.x, kw, cols),
    reachY: kh + (kh >> 1), reachX: kw + (kw >> 1),
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
