// From the planes of a decoded video frame to its pixels at a size, as nonlocal_core/media/frame_view.py has swscale make them, within
// two levels of 255: each plane is scaled by a cubic filter, and then luma and colour differences become red, green and blue.

/** Columns and rows of luma over one of colour differences, by the names that WebCodecs gives to orders of planes. */
export const SUBSAMPLED = { I420: [2, 2], NV12: [2, 2], I422: [2, 1], I444: [1, 1] };
/** Parts of red and of blue in luma (ITU-T H.273), by WebCodecs' names; what is not told is BT.709 from so many rows on, and BT.601 below. */
const MATRICES = { bt709: [0.2126, 0.0722], "bt2020-ncl": [0.2627, 0.0593], smpte170m: [0.299, 0.114], bt470bg: [0.299, 0.114] };
const HD_ROWS = 720;
const REACH = 2;
/** The cubic of swscale, whose a is -0.6. */
const SHARPNESS = -0.6;

/**
 * Pixels R, G, B, A. `planes` are of luma and of the two colour differences, { bytes, width, height } each; `matrix` is undefined where none
 * is told; `isFull`: bytes go from 0 to 255; `isCentred`: colour differences lie between the columns of luma, not on the left one.
 */
export function pixelsOfPlanes({ planes: [luma, ...differences], matrix, isFull, isCentred }, [rows, columns]) {
  const light = scaledPlane(luma, [rows, columns], 0.5);
  const [blueness, redness] = differences.map((plane) => scaledPlane(plane, [rows, columns], isCentred ? 0.5 : 0.5 / Math.round(luma.width / plane.width)));
  const [ofRed, ofBlue] = MATRICES[matrix] ?? (luma.height >= HD_ROWS ? MATRICES.bt709 : MATRICES.smpte170m);
  const [black, steep, wide] = isFull ? [0, 1, 1] : [16, 255 / 219, 255 / 224];
  const [red, blue] = [2 * (1 - ofRed) * wide, 2 * (1 - ofBlue) * wide];
  const [lessRed, lessBlue] = [(red * ofRed) / (1 - ofRed - ofBlue), (blue * ofBlue) / (1 - ofRed - ofBlue)];
  const pixels = new Uint8ClampedArray(4 * rows * columns);
  for (let i = 0, to = 0; i < light.length; i++, to += 4) {
    const [level, u, v] = [steep * (light[i] - black), blueness[i] - 128, redness[i] - 128];
    pixels[to] = level + red * v;
    pixels[to + 1] = level - lessBlue * u - lessRed * v;
    pixels[to + 2] = level + blue * u;
    pixels[to + 3] = 255;
  }
  return pixels;
}

/** A plane at a size; `at`: where its samples lie, as a part of the way from the left side of each to the right one. */
function scaledPlane({ bytes, width, height }, [rows, columns], at) {
  const across = tapsOf(width, columns, at);
  const down = tapsOf(height, rows, 0.5);
  const between = new Float32Array(height * columns);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < columns; x++, to++) {
      let sum = 0;
      for (let tap = across.starts[x]; tap < across.starts[x + 1]; tap++) sum += across.weights[tap] * bytes[y * width + across.places[tap]];
      between[to] = sum;
    }
  }
  const out = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let tap = down.starts[y]; tap < down.starts[y + 1]; tap++) {
      const [weight, from] = [down.weights[tap], down.places[tap] * columns];
      for (let x = 0, to = y * columns; x < columns; x++, to++) out[to] += weight * between[from + x];
    }
  }
  return out;
}

/** The samples that each output takes, from `starts[i]` to `starts[i + 1]`: their places, at the edge those of the last one, and their weights. */
function tapsOf(inputs, outputs, at) {
  const scale = inputs / outputs;
  const wide = Math.max(scale, 1);
  const [starts, places, weights] = [[0], [], []];
  for (let i = 0; i < outputs; i++) {
    const centre = (i + 0.5) * scale - at;
    const first = Math.ceil(centre - REACH * wide);
    const own = Array.from({ length: Math.floor(centre + REACH * wide) - first + 1 }, (_, k) => cubicOf((first + k - centre) / wide));
    const total = own.reduce((sum, weight) => sum + weight, 0);
    own.forEach((weight, k) => {
      if (weight === 0) return;
      places.push(Math.min(Math.max(first + k, 0), inputs - 1));
      weights.push(weight / total);
    });
    starts.push(places.length);
  }
  return { starts: Int32Array.from(starts), places: Int32Array.from(places), weights: Float32Array.from(weights) };
}

function cubicOf(x) {
  const distance = Math.abs(x);
  if (distance < 1) return ((SHARPNESS + 2) * distance - (SHARPNESS + 3)) * distance * distance + 1;
  return distance < 2 ? SHARPNESS * (((distance - 5) * distance + 8) * distance - 4) : 0;
}
