// Mean field of two labels on a small picture, step after step, without its matrix: what nonlocal_core/ancestors/mean_field.py
// does for any number of labels. A test holds the two together.

/**
 * Pass labels on, from { rows, cols, colours, kernels } and a Map of (cell, label), 0 for the thing and 1 for the rest.
 * `colours`: red, green and blue of each pixel, from 0 to 255. A generator: it yields null after each row of pixels, so that a
 * page stays alive, and the probability of the thing at each pixel before the first step and after each.
 */
export function* meanField({ rows, cols, colours, kernels }, labels, steps) {
  const count = rows * cols;
  const known = Math.log(kernels.sure / (1 - kernels.sure));
  const energy = Float64Array.from({ length: count }, (_, cell) => (labels.has(cell) ? (labels.get(cell) === 0 ? known : -known) : 0));
  let thing = energy.map(probability);
  yield thing;
  for (let step = 0; step < steps; step++) {
    const odds = Float64Array.from(energy);
    for (const gathered of yield* gatheredBy({ rows, cols, colours, kernels }, thing)) {
      for (let cell = 0; cell < count; cell++) odds[cell] += gathered[cell];
    }
    thing = odds.map(probability);
    yield thing;
  }
}

function probability(odds) {
  return 1 / (1 + Math.exp(-odds));
}

/**
 * What both kernels gather at each pixel: their weight times the thing's part less the rest's, over all other pixels. Both kernels
 * are symmetric, so each pair is met once.
 */
function* gatheredBy({ rows, cols, colours, kernels: { space, colour, near, appearance, smoothness } }, thing) {
  const count = rows * cols;
  const short = Math.min(rows, cols);
  const far = Float64Array.from({ length: Math.max(rows, cols) }, (_, by) => Math.exp(-((by / short / space) ** 2) / 2));
  const close = Float64Array.from({ length: Math.max(rows, cols) }, (_, by) => Math.exp(-((by / short / near) ** 2) / 2));
  const narrow = 1 / (2 * (255 * colour) ** 2);
  const [farAll, farThing, closeAll, closeThing] = Array.from({ length: 4 }, () => new Float64Array(count));
  for (let i = 0; i < count; i++) {
    const [y, x] = [Math.floor(i / cols), i % cols];
    const red = colours[3 * i], green = colours[3 * i + 1], blue = colours[3 * i + 2]; // no lists within: they would take most of the time
    let j = i + 1;
    for (let row = y, column = x + 1; row < rows; row++, column = 0) {
      for (; column < cols; column++, j++) {
        const across = Math.abs(column - x);
        const r = colours[3 * j] - red, g = colours[3 * j + 1] - green, b = colours[3 * j + 2] - blue;
        const alike = far[row - y] * far[across] * Math.exp(-(r * r + g * g + b * b) * narrow);
        const nearby = close[row - y] * close[across];
        farAll[i] += alike;
        farAll[j] += alike;
        farThing[i] += alike * thing[j];
        farThing[j] += alike * thing[i];
        closeAll[i] += nearby;
        closeAll[j] += nearby;
        closeThing[i] += nearby * thing[j];
        closeThing[j] += nearby * thing[i];
      }
    }
    if (x === cols - 1) yield null;
  }
  const less = (all, part, weight) => all.map((sum, cell) => (sum > 0 ? weight * (2 * (part[cell] / sum) - 1) : 0));
  return [less(farAll, farThing, appearance), less(closeAll, closeThing, smoothness)];
}
