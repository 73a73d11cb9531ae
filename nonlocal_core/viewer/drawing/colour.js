// One colour map for every picture: cold for negative, nothing at zero, warm for positive; lighter is always more.
// The warm half is the map of the three instantiations whose weights are never negative.

const WARM = [[0, "#2b0b45"], [0.25, "#7a1d74"], [0.5, "#d83a5e"], [0.75, "#ff9142"], [1, "#fff3bf"]];
const COLD = [[0, "#06203f"], [0.25, "#0a4f9e"], [0.5, "#1f8fd6"], [0.75, "#74d3e6"], [1, "#effffb"]];
export const STEPS = 256;
/** Full cover from this tone on; below it the picture shines through. */
const COVER_FROM = 0.65;
const MOST_COVER = 0.9;

/** Packed RGBA words: STEPS warm ones, then STEPS cold ones. Written as a Uint32Array over ImageData. */
export const PALETTE = new Uint32Array([...ramp(WARM), ...ramp(COLD)]);

/** Position 0..1 of a weight on the scale; `lift` 0..1 raises faint weights. */
export function toneOf(weight, peak, lift) {
  return peak > 0 ? Math.min(Math.abs(weight) / peak, 1) ** exponentOf(lift) : 0;
}

export function exponentOf(lift) {
  return 1 - 0.75 * lift;
}

/** CSS colour of a tone without transparency, for lines; cold for a negative one. */
export function inkOf(tone) {
  const step = Math.round(Math.abs(tone) * (STEPS - 1)) + (tone < 0 ? STEPS : 0);
  const word = PALETTE[step];
  return `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
}

/** Colour (T * rows * cols) weights into words; one scale peak for each temporal cell. */
export function colourise(values, grid, peaks, lift, words) {
  const perFrame = grid.rows * grid.cols;
  const exponent = exponentOf(lift);
  for (let t = 0, i = 0; t < grid.frames; t++) {
    const over = peaks[t] > 0 ? 1 / peaks[t] : 0;
    for (const stop = i + perFrame; i < stop; i++) {
      const weight = values[i];
      const tone = Math.min(Math.abs(weight) * over, 1) ** exponent;
      words[i] = PALETTE[((tone * (STEPS - 1) + 0.5) | 0) + (weight < 0 ? STEPS : 0)];
    }
  }
}

function ramp(stops) {
  const anchors = stops.map(([at, hex]) => [at, toOklab(hex)]);
  return Array.from({ length: STEPS }, (_, step) => {
    const at = step / (STEPS - 1);
    const right = anchors.findIndex(([place], i) => i > 0 && place >= at);
    const [[from, a], [to, b]] = [anchors[right - 1], anchors[right]];
    const mix = (at - from) / (to - from);
    const [red, green, blue] = fromOklab(a.map((value, i) => value + mix * (b[i] - value)));
    const cover = Math.min(at / COVER_FROM, 1);
    const alpha = Math.round(255 * MOST_COVER * cover * cover * (3 - 2 * cover));
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0; // canvas bytes are R, G, B, A on every little-endian machine
  });
}

// OKLab (Björn Ottosson, 2020): equal steps in it look equal, so the map has no false edges.
function toOklab(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([light, a, b]) {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((value) => {
    const gamma = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(Math.max(gamma, 0), 1));
  });
}
