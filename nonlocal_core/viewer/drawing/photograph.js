// Photographs: as they are, or in muted colours of the same luminance, as nonlocal_core/look/photograph.py mutes them.

/** Over what a network never saw, as nonlocal_core/look/photograph.py shades it. */
const SHADE = "rgb(20 20 26 / 0.6)";
const STEPS = 4096;
const linear = Float32Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const coded = Uint8ClampedArray.from({ length: STEPS + 1 }, (_, step) => {
  const light = step / STEPS;
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});

/** Muted pixels in place: each colour mixed, as light, with the grey of its luminance. `pixels` are bytes R, G, B, A. */
export function mute(pixels, { kept_colour: kept, luminance: [r, g, b] }) {
  for (let i = 0; i < pixels.length; i += 4) {
    const [red, green, blue] = [linear[pixels[i]], linear[pixels[i + 1]], linear[pixels[i + 2]]];
    const grey = (1 - kept) * (r * red + g * green + b * blue);
    pixels[i] = coded[((kept * red + grey) * STEPS + 0.5) | 0];
    pixels[i + 1] = coded[((kept * green + grey) * STEPS + 0.5) | 0];
    pixels[i + 2] = coded[((kept * blue + grey) * STEPS + 0.5) | 0];
  }
}

/** Pixels across up to which a photograph is muted at that size: whole ones of a strip of many frames would take most of the page's memory. */
const SMALL_WIDTH = 320;
/** Muted photographs by the bitmap that they were made of: whole and small. */
const [mutedOf, smallOf] = [new WeakMap(), new WeakMap()];

/** One clip's photographs; muted ones are made when they are first drawn. Those that are `lent` stay open for their owner. */
export class Photographs {
  constructor(bitmaps, recipe, { lent = false } = {}) {
    Object.assign(this, { bitmaps, recipe, lent });
  }

  get length() {
    return this.bitmaps.length;
  }

  /** What to draw for a frame that is shown so many pixels wide. */
  of(frame, muted, wide = Infinity) {
    const bitmap = this.bitmaps[frame];
    if (!muted) return bitmap;
    const isSmall = wide <= SMALL_WIDTH && SMALL_WIDTH < bitmap.width && !mutedOf.has(bitmap);
    const kept = isSmall ? smallOf : mutedOf;
    if (!kept.has(bitmap)) kept.set(bitmap, this.#mute(bitmap, isSmall ? SMALL_WIDTH / bitmap.width : 1));
    return kept.get(bitmap);
  }

  close() {
    if (!this.lent) for (const bitmap of this.bitmaps) bitmap.close();
  }

  #mute(bitmap, part) {
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(part * side)));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    const image = context.getImageData(0, 0, width, height);
    mute(image.data, this.recipe);
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

/** Fill a canvas with the part of a photograph that a window shows, shaded outside of the box of the frame that the network saw. */
export function drawPhoto(context, photo, { scale, x, y }, [x0, y0, x1, y1]) {
  const { width, height } = context.canvas;
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, x * photo.width, y * photo.height, photo.width / scale, photo.height / scale, 0, 0, width, height);
  const within = (value, size) => Math.min(Math.max(scale * value, 0), 1) * size;
  const [left, top, right, bottom] = [within(x0 - x, width), within(y0 - y, height), within(x1 - x, width), within(y1 - y, height)];
  context.fillStyle = SHADE;
  for (const [from, above, wide, high] of [
    [0, 0, width, top], [0, bottom, width, height - bottom], [0, top, left, bottom - top], [right, top, width - right, bottom - top],
  ]) if (wide > 0 && high > 0) context.fillRect(from, above, wide, high);
}
