// Filters over pixels in the page: theta and phi of the pixels of a clip, as nonlocal_core/ancestors/vectors.py makes them.

/** Rows and columns of the grid: those of the input, or fewer of the same shape, at most so many cells over all frames. */
export function pixelGrid(frames, [height, width], most) {
  const shrink = Math.min(1, Math.sqrt(most / (frames * height * width)));
  return [height, width].map((side) => Math.max(1, Math.floor(side * shrink)));
}

/** The pixels of a frame, bytes (h, w, 3), on the grid: parts of 1, each the mean of those that it covers. */
export function pooledPixels(bytes, [height, width], [rows, cols]) {
  const found = new Float64Array(rows * cols * 3);
  const edge = (index, cells, side) => [Math.floor((index * side) / cells), Math.ceil(((index + 1) * side) / cells)];
  for (let row = 0, at = 0; row < rows; row++) {
    const [top, bottom] = edge(row, rows, height);
    for (let col = 0; col < cols; col++, at += 3) {
      const [left, right] = edge(col, cols, width);
      for (let y = top; y < bottom; y++) {
        for (let x = left, from = 3 * (y * width + left); x < right; x++, from += 3) {
          for (let channel = 0; channel < 3; channel++) found[at + channel] += bytes[from + channel];
        }
      }
      for (let channel = 0; channel < 3; channel++) found[at + channel] /= 255 * (bottom - top) * (right - left);
    }
  }
  return found;
}

/**
 * Theta and phi of one affinity, { values, rows, hw } each: exp(-|a_i - a_j|^2 / 2) as an embedded Gaussian. `frames` are pixels on
 * the grid `hw`; `vectors` is { patch, h } for patches, or { space, steps, colour } for places, colour null where it does not count.
 */
export function pixelTables(frames, hw, vectors) {
  const made = vectors.patch ? patchVectors(frames, hw, vectors) : placeVectors(frames, hw, vectors);
  return embeddedGaussian(made, frames.length * hw[0] * hw[1], hw);
}

function embeddedGaussian(vectors, rows, hw) {
  const size = vectors.length / rows;
  const mean = new Float64Array(size); // differences do not change with the origin, and small numbers keep more digits
  for (let i = 0; i < vectors.length; i++) mean[i % size] += vectors[i] / rows;
  const [theta, phi] = [0, 1].map(() => new Float32Array(rows * (size + 1)));
  for (let row = 0; row < rows; row++) {
    let square = 0;
    for (let channel = 0; channel < size; channel++) {
      const value = vectors[row * size + channel] - mean[channel];
      theta[row * (size + 1) + channel] = phi[row * (size + 1) + channel] = value;
      square += value * value;
    }
    theta[row * (size + 1) + size] = 1;
    phi[row * (size + 1) + size] = -square / 2;
  }
  return { theta: { values: theta, rows, hw }, phi: { values: phi, rows, hw } };
}

/** |a_i - a_j|^2 / 2 is the mean square difference of two patches over h^2, weighed by a Gaussian; edges are mirrored. */
function patchVectors(frames, [rows, cols], { patch, h }) {
  const half = Math.floor(patch / 2);
  const along = Array.from({ length: patch }, (_, at) => (half ? Math.exp(-((at - half) ** 2) / (2 * ((patch - 1) / 4) ** 2)) : 1));
  const total = along.reduce((sum, weight) => sum + weight, 0);
  const [down, across] = [rows, cols].map((length) => Array.from({ length: length + 2 * half }, (_, at) => mirror(at - half, length)));
  const found = new Float64Array(frames.length * rows * cols * patch * patch * 3);
  let to = 0;
  for (const pixels of frames) {
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        for (let y = 0; y < patch; y++) {
          for (let x = 0; x < patch; x++) {
            const factor = Math.sqrt((2 * along[y] * along[x]) / (3 * total * total)) / h;
            const from = 3 * (down[row + y] * cols + across[col + x]);
            for (let channel = 0; channel < 3; channel++) found[to++] = factor * pixels[from + channel];
          }
        }
      }
    }
  }
  return found;
}

/** Place in the picture, in its short sides, and in time, in frames; and colour where it counts. */
function placeVectors(frames, [rows, cols], { space, steps, colour }) {
  const short = Math.min(rows, cols);
  const size = colour === null ? 3 : 6;
  const found = new Float64Array(frames.length * rows * cols * size);
  let to = 0;
  for (const [frame, pixels] of frames.entries()) {
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        found.set([frame / steps, row / short / space, col / short / space], to);
        if (colour !== null) for (let channel = 0; channel < 3; channel++) found[to + 3 + channel] = pixels[3 * (row * cols + col) + channel] / colour;
        to += size;
      }
    }
  }
  return found;
}

/** The index of a line with both ends mirrored, the last cell not repeated. */
function mirror(at, length) {
  const period = Math.max(2 * (length - 1), 1);
  const back = ((at % period) + period) % period;
  return length > 1 ? Math.min(back, period - back) : 0;
}
