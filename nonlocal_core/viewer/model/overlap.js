// Weight on one grid, carried to another by what their cells cover of each other: what nonlocal_core/geometry/overlap.py does.

/** Part of a cell below which an overlap is the rounding of two edges that meet. */
const ROUNDING = 1e-9;

/** The values of the cells of one grid on another of the same clip; their sum stays. */
export function carried(values, source, target) {
  if (gridName(source) === gridName(target)) return Float64Array.from(values);
  const times = partsOf(source.frame_spans, target.frame_spans);
  const rows = partsOf(edgesOf(source.box[1], source.box[3], source.rows), edgesOf(target.box[1], target.box[3], target.rows));
  const cols = partsOf(edgesOf(source.box[0], source.box[2], source.cols), edgesOf(target.box[0], target.box[2], target.cols));
  const out = new Float64Array(target.frames * target.rows * target.cols);
  let index = 0;
  for (const overT of times) {
    for (const overY of rows) {
      for (const overX of cols) {
        const value = values[index++];
        if (value === 0) continue;
        for (const [t, partT] of overT) for (const [y, partY] of overY) for (const [x, partX] of overX) {
          out[(t * target.rows + y) * target.cols + x] += value * partT * partY * partX;
        }
      }
    }
  }
  return out;
}

function gridName({ frames, rows, cols, box, frame_spans: spans }) {
  return [frames, rows, cols, ...box, ...spans].join();
}

function edgesOf(start, stop, count) {
  return Array.from({ length: count }, (_, n) => [n, n + 1].map((edge) => start + ((stop - start) * edge) / count));
}

/** For each interval the others that cover it, as [index, part]; one that none covers goes to the nearest. */
function partsOf(source, target) {
  return source.map(([start, stop]) => {
    const found = target.map(([low, high], n) => [n, Math.min(stop, high) - Math.max(start, low)]).filter(([, cover]) => cover >= ROUNDING * (stop - start));
    const total = found.reduce((sum, [, cover]) => sum + cover, 0);
    if (total > 0) return found.map(([n, cover]) => [n, cover / total]);
    const away = target.map(([low, high]) => Math.abs(start + stop - low - high));
    return [[away.indexOf(Math.min(...away)), 1]];
  });
}
