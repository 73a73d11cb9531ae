// Colours of heat: the ramps of the bundle's look, as words for the pixels of a canvas.

const LEVELS = 256;

/** The ramps of a look, { warm, cold, pins }, each 256 times [red, green, blue]; `pins` has one for each letter. */
export function rampsOf({ warm, cold, pins }) {
  const table = (hex) => Array.from({ length: LEVELS }, (_, level) => (
    [0, 2, 4].map((at) => parseInt(hex.slice(6 * level + at, 6 * level + at + 2), 16))
  ));
  return { warm: table(warm), cold: table(cold), pins: pins.map(table) };
}

/** Opacity in 0..1 of a tone. `strength`: that of the strongest heat, in percent. */
export function opacityOf(tone, strength, { faint }) {
  return (strength / 100) * (faint + (1 - faint) * tone);
}

/** Packed RGBA words by level: those of positive weight, then those of negative weight. For a Uint32Array over ImageData. */
export function paletteOf({ warm, cold }, strength, recipe) {
  return packed([...warm, ...cold], strength, recipe);
}

/** The same for pins, one ramp after the other. */
export function pinPaletteOf({ pins }, strength, recipe) {
  return packed(pins.flat(), strength, recipe);
}

function packed(colours, strength, recipe) {
  return Uint32Array.from(colours, ([red, green, blue], i) => {
    const alpha = Math.round(255 * opacityOf((i % LEVELS) / (LEVELS - 1), strength, recipe));
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0; // canvas bytes are R, G, B, A on every little-endian machine
  });
}

/** Colour (T * rows * cols) weights into words. Nothing is drawn where a weight has no heat. */
export function colourise(values, grid, heat, palette, words) {
  const { unit, tops, least, curve, negatives } = heat;
  const perFrame = grid.rows * grid.cols;
  for (let t = 0, i = 0; t < grid.frames; t++) {
    const top = tops[t];
    const over = (LEVELS - 1) / curve(top);
    for (const stop = i + perFrame; i < stop; i++) {
      const times = values[i] * unit;
      const size = negatives && times < 0 ? -times : times;
      words[i] = size >= least ? palette[((curve(size < top ? size : top) * over + 0.5) | 0) + (times < 0 ? LEVELS : 0)] : 0;
    }
  }
}

/** Colour several answers, { values, heat } each in the order of their pins, into words: the strongest at each place. */
export function colouriseTogether(layers, grid, palette, words) {
  const perFrame = grid.rows * grid.cols;
  const [{ heat: { tops, least, curve } }] = layers;
  for (let t = 0, i = 0; t < grid.frames; t++) {
    const top = tops[t];
    const over = (LEVELS - 1) / curve(top);
    for (const stop = i + perFrame; i < stop; i++) {
      let [most, pin] = [0, -1];
      for (let k = 0; k < layers.length; k++) {
        const times = layers[k].values[i] * layers[k].heat.unit;
        if (times >= least && times > most) [most, pin] = [times, k];
      }
      words[i] = pin < 0 ? 0 : palette[LEVELS * pin + ((curve(most < top ? most : top) * over + 0.5) | 0)];
    }
  }
}

/** CSS colour of a level of a ramp, for lines and marks. */
export function cssOf([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

/** CSS colour of a tone without transparency, for lines. */
export function inkOf({ warm, cold }, tone, isNegative) {
  return cssOf((isNegative ? cold : warm)[Math.round(tone * (LEVELS - 1))]);
}
