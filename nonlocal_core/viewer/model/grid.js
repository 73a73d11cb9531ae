// Grids and cells, as nonlocal_core/geometry/grid.py defines them: index = (t * rows + y) * cols + x, box in units of the frame.

export function indexOf(grid, cell) {
  return (cell.t * grid.rows + cell.y) * grid.cols + cell.x;
}

export function cellOf(grid, index) {
  const within = index % (grid.rows * grid.cols);
  return { t: Math.floor(index / (grid.rows * grid.cols)), y: Math.floor(within / grid.cols), x: within % grid.cols };
}

/** The temporal cell of a frame: the last one that starts at or before it; -1 past the end of the grid. */
export function temporalCell(grid, frame) {
  if (frame >= grid.frame_spans[grid.frames - 1][1]) return -1;
  let found = -1;
  grid.frame_spans.forEach(([start], t) => { if (start <= frame) found = t; });
  return found;
}

/** The cell under a point of the shown frame, or null where the network did not see. */
export function cellAt(grid, { frame, x, y }) {
  const [x0, y0, x1, y1] = grid.box;
  const t = temporalCell(grid, frame);
  if (t < 0 || x < 0 || x > 1 || y < 0 || y > 1 || x < x0 || x > x1 || y < y0 || y > y1) return null;
  return {
    t,
    y: Math.min(Math.floor(((y - y0) / (y1 - y0)) * grid.rows), grid.rows - 1),
    x: Math.min(Math.floor(((x - x0) / (x1 - x0)) * grid.cols), grid.cols - 1),
  };
}

/** The cell under a point, or the nearest one where the network did not see the point itself. */
export function nearestCell(grid, { frame, x, y }) {
  const [x0, y0, x1, y1] = grid.box;
  const within = (value, low, high) => Math.min(Math.max(value, low, 0), high, 1);
  const last = grid.frame_spans[grid.frames - 1][1] - 1;
  return cellAt(grid, { frame: Math.min(frame, last), x: within(x, x0, x1), y: within(y, y0, y1) });
}

/** The part of the frame that a cell covers, cut at the frame's edge. */
export function boundsOf(grid, cell) {
  const [x0, y0, x1, y1] = grid.box;
  const width = (x1 - x0) / grid.cols;
  const height = (y1 - y0) / grid.rows;
  const left = Math.max(x0 + cell.x * width, 0);
  const top = Math.max(y0 + cell.y * height, 0);
  return {
    left, top,
    width: Math.min(x0 + (cell.x + 1) * width, 1) - left,
    height: Math.min(y0 + (cell.y + 1) * height, 1) - top,
  };
}

/** The middle of the visible part of a cell, in the first frame of its span. */
export function pointOf(grid, cell) {
  const { left, top, width, height } = boundsOf(grid, cell);
  return { frame: grid.frame_spans[cell.t][0], x: left + width / 2, y: top + height / 2 };
}

/** Width of a cell that no edge of the frame cuts, in units of the frame. */
export function widthOf({ box: [x0, , x1], cols }) {
  return (x1 - x0) / cols;
}

/** The middle of cells, as far as they lie in the step of the first; in the first frame of its span. */
export function centreOf(grid, cells) {
  const points = cells.filter(({ t }) => t === cells[0].t).map((cell) => pointOf(grid, cell));
  const mean = (axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return { frame: points[0].frame, x: mean("x"), y: mean("y") };
}

/** The key cell over a query cell; an odd edge that pooling dropped takes the last one. */
export function ownKey(block, cell) {
  const [kt, kh, kw] = block.subsample;
  const keys = block.key_grid;
  return {
    t: Math.min(Math.floor(cell.t / kt), keys.frames - 1),
    y: Math.min(Math.floor(cell.y / kh), keys.rows - 1),
    x: Math.min(Math.floor(cell.x / kw), keys.cols - 1),
  };
}
