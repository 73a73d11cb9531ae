// What lies over the asked positions on the grid of the answer: their cells, the cells around them, their temporal cells.

const [NEAR, IS] = [1, 2];

/**
 * { is(index), near(index), steps(t), cellShare, stepShare } of an answer to cells: whether an index is over an asked cell,
 * whether it is that or beside one, whether a temporal cell is asked, and what the two hold of the positive weight.
 */
export function ownOf(block, answer, cells) {
  const { grid, values, positive } = answer;
  const marks = new Uint8Array(values.length);
  const asked = new Uint8Array(grid.frames);
  for (const cell of cells) {
    const { t, y, x, nearY, nearX } = answer.direction === "row" ? overQuery(block, cell) : overKey(block, cell);
    for (let step = t[0]; step < Math.min(t[1], grid.frames); step++) {
      asked[step] = 1;
      mark(marks, grid, step, nearY, nearX, NEAR);
      mark(marks, grid, step, y, x, IS);
    }
  }
  const perFrame = grid.rows * grid.cols;
  let [inCells, inSteps] = [0, 0];
  for (let t = 0; t < grid.frames; t++) {
    if (!asked[t]) continue;
    for (let i = t * perFrame; i < (t + 1) * perFrame; i++) {
      if (values[i] <= 0) continue;
      inSteps += values[i];
      if (marks[i] === IS) inCells += values[i];
    }
  }
  return {
    is: (index) => marks[index] === IS, near: (index) => marks[index] !== 0, steps: (t) => asked[t] === 1,
    cellShare: positive ? inCells / positive : 0, stepShare: positive ? inSteps / positive : 0,
  };
}

function mark(marks, { rows, cols }, t, [top, bottom], [left, right], value) {
  for (let y = Math.max(top, 0); y < Math.min(bottom, rows); y++) {
    for (let x = Math.max(left, 0); x < Math.min(right, cols); x++) {
      const index = (t * rows + y) * cols + x;
      if (marks[index] < value) marks[index] = value;
    }
  }
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
