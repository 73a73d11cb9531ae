// What lies over the asked position on the grid of the answer: its cells, the cells around them, its temporal cell.

/**
 * { is(index), near(index), steps(t), cellShare, stepShare } of an answer to a cell: whether an index is over the asked
 * cell, whether it is that or beside it, whether a temporal cell is the asked one, and what the two hold of the positive weight.
 */
export function ownOf(block, answer, cell) {
  const { grid, values, positive } = answer;
  const perFrame = grid.rows * grid.cols;
  const { t, y, x, nearY, nearX } = answer.direction === "row" ? overQuery(block, cell) : overKey(block, cell);
  const inside = ([start, stop], value) => value >= start && value < stop;
  const steps = (step) => inside(t, step);
  const holds = (rows, cols) => (index) => {
    const within = index % perFrame;
    return steps((index / perFrame) | 0) && inside(rows, (within / grid.cols) | 0) && inside(cols, within % grid.cols);
  };
  const is = holds(y, x);
  let [inCells, inSteps] = [0, 0];
  for (let i = t[0] * perFrame; i < Math.min(t[1], grid.frames) * perFrame; i++) {
    if (values[i] <= 0) continue;
    inSteps += values[i];
    if (is(i)) inCells += values[i];
  }
  return { is, near: holds(nearY, nearX), steps, cellShare: positive ? inCells / positive : 0, stepShare: positive ? inSteps / positive : 0 };
}

/** The key over a query, as [start, stop) along each side. */
function overQuery(block, cell) {
  const own = block.ownKey(cell);
  const one = (value) => [value, value + 1];
  return { t: one(own.t), y: one(own.y), x: one(own.x), nearY: [own.y - 1, own.y + 2], nearX: [own.x - 1, own.x + 2] };
}

/** The queries over a key; the last key also stands for the odd queries that pooling dropped. */
function overKey(block, cell) {
  const [kt, kh, kw] = block.subsample;
  const { query_grid: queries, key_grid: keys } = block;
  const range = (from, to, kernel, count, all) => [from * kernel, to >= count ? all : to * kernel];
  return {
    t: range(cell.t, cell.t + 1, kt, keys.frames, queries.frames),
    y: range(cell.y, cell.y + 1, kh, keys.rows, queries.rows),
    x: range(cell.x, cell.x + 1, kw, keys.cols, queries.cols),
    nearY: range(cell.y - 1, cell.y + 2, kh, keys.rows, queries.rows),
    nearX: range(cell.x - 1, cell.x + 2, kw, keys.cols, queries.cols),
  };
}
