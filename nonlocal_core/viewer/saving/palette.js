// The colours of a GIF: up to 256 for all pictures together, so that the same heat has the same colour in each, by the rule of
// nonlocal_core/render/movies.py; and the pixels of a picture as places in them.

const MOST_COLOURS = 256;
/** Pixels that are looked at in all. */
const PALETTE_PIXELS = 200_000;
/** One pixel in so many has a colour that is kept as it is, and the most of such colours. */
const [COMMON, MOST_COMMON] = [2000, 200];
/** Bits of each channel that the median cut tells apart, and those by which the nearest colour is looked up. */
const [CUT_BITS, NEAR_BITS] = [5, 6];
/** Parts of 16 of an error that go right, and below left, below and below right (Floyd and Steinberg, 1976). */
const [RIGHT, BELOW] = [7, [3, 5, 1]];

const channelsOf = (code) => [code >> 16, (code >> 8) & 255, code & 255];

/**
 * Colours [red, green, blue] for ImageData of one size. Those that many pixels have are kept as they are. Pixels of the others are
 * weighted by the square of their chroma: a plain median cut would spend the palette on the grey frames instead of the small, colourful heat.
 */
export function sharedPalette(pictures) {
  const counted = countedCodes(pictures);
  const seen = counted.reduce((sum, [, count]) => sum + count, 0);
  const common = [...counted].sort(([, one], [, other]) => other - one).slice(0, MOST_COMMON).filter(([, count]) => count * COMMON >= seen);
  const kept = new Set(common.map(([code]) => code));
  return [...[...kept].map(channelsOf), ...medianCut(counted.filter(([code]) => !kept.has(code)), MOST_COLOURS - kept.size)];
}

/** [code, count] of the colours of pixels that are spread over all pictures. */
function countedCodes(pictures) {
  const all = pictures.reduce((sum, { data }) => sum + data.length / 4, 0);
  const step = Math.max(1, Math.floor(all / PALETTE_PIXELS));
  const codes = new Uint32Array(pictures.reduce((sum, { data }) => sum + Math.ceil(data.length / 4 / step), 0));
  let n = 0;
  for (const { data } of pictures) for (let i = 0; i < data.length; i += 4 * step) codes[n++] = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
  const counted = [];
  for (const code of codes.sort()) {
    if (counted.at(-1)?.[0] === code) counted.at(-1)[1]++;
    else counted.push([code, 1]);
  }
  return counted;
}

function medianCut(counted, count) {
  if (counted.length <= count) return counted.map(([code]) => channelsOf(code));
  const boxes = [cutBox(binsOf(counted))];
  while (boxes.length < count) {
    const widest = boxes.reduce((best, box) => (box.weight * box.side > best.weight * best.side ? box : best));
    if (widest.side === 0) break;
    boxes.splice(boxes.indexOf(widest), 1, ...halvesOf(widest));
  }
  return boxes.map(({ bins, weight }) => [0, 1, 2].map((axis) => Math.round(bins.reduce((sum, bin) => sum + bin.weight * bin.mean[axis], 0) / weight)));
}

/** Colours that are alike in their first bits as one, { weight, mean }. */
function binsOf(counted) {
  const bins = new Map();
  for (const [code, count] of counted) {
    const parts = channelsOf(code);
    const name = parts.reduce((before, part) => (before << CUT_BITS) | (part >> (8 - CUT_BITS)), 0);
    if (!bins.has(name)) bins.set(name, { weight: 0, mean: [0, 0, 0] });
    const bin = bins.get(name);
    const weight = count * (Math.max(...parts) - Math.min(...parts) + 10) ** 2;
    bin.weight += weight;
    parts.forEach((part, axis) => { bin.mean[axis] += (part - bin.mean[axis]) * (weight / bin.weight); });
  }
  return [...bins.values()];
}

function cutBox(bins) {
  const sides = [0, 1, 2].map((axis) => {
    let [low, high] = [255, 0];
    for (const { mean } of bins) [low, high] = [Math.min(low, mean[axis]), Math.max(high, mean[axis])];
    return high - low;
  });
  const side = Math.max(...sides);
  return { bins, side: bins.length > 1 ? side : 0, axis: sides.indexOf(side), weight: bins.reduce((sum, { weight }) => sum + weight, 0) };
}

/** Two boxes of as much weight each, parted across the longest side. */
function halvesOf({ bins, axis, weight }) {
  const sorted = [...bins].sort((one, other) => one.mean[axis] - other.mean[axis]);
  let [before, cut] = [sorted[0].weight, 1];
  while (cut < sorted.length - 1 && before + sorted[cut].weight <= weight / 2) before += sorted[cut++].weight;
  return [cutBox(sorted.slice(0, cut)), cutBox(sorted.slice(cut))];
}

/** What gives the pixels of ImageData their places in a palette, one byte for each: dithered where it has other colours. */
export function indexerOf(palette) {
  const exact = new Map(palette.map(([red, green, blue], index) => [(red << 16) | (green << 8) | blue, index]));
  const nearest = nearestIn(palette);
  return ({ data, width, height }) => {
    const indices = new Uint8Array(width * height);
    let [here, next] = [0, 1].map(() => new Float32Array(3 * (width + 2)));
    const wanted = [0, 0, 0];
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const known = exact.get((data[4 * i] << 16) | (data[4 * i + 1] << 8) | data[4 * i + 2]);
        if (known !== undefined) {
          indices[i] = known;
          continue;
        }
        for (let axis = 0; axis < 3; axis++) wanted[axis] = Math.min(Math.max(data[4 * i + axis] + here[3 * (x + 1) + axis] / 16, 0), 255);
        const found = indices[i] = nearest(wanted);
        for (let axis = 0; axis < 3; axis++) {
          const error = wanted[axis] - palette[found][axis];
          here[3 * (x + 2) + axis] += RIGHT * error;
          for (let part = 0; part < 3; part++) next[3 * (x + part) + axis] += BELOW[part] * error;
        }
      }
      [here, next] = [next, here.fill(0)];
    }
    return indices;
  };
}

/** What finds the place of the nearest colour, by the first bits of each channel. */
function nearestIn(palette) {
  const found = new Int16Array(1 << (3 * NEAR_BITS)).fill(-1);
  const shift = 8 - NEAR_BITS;
  return (colour) => {
    const place = (((colour[0] >> shift) << (2 * NEAR_BITS)) | ((colour[1] >> shift) << NEAR_BITS) | (colour[2] >> shift));
    if (found[place] >= 0) return found[place];
    let [best, least] = [0, Infinity];
    palette.forEach((known, index) => {
      const apart = (known[0] - colour[0]) ** 2 + (known[1] - colour[1]) ** 2 + (known[2] - colour[2]) ** 2;
      if (apart < least) [best, least] = [index, apart];
    });
    return found[place] = best;
  };
}
