// Photographs in muted colours.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawPhoto, mute, Photographs } from "../../../../nonlocal_core/viewer/drawing/photograph.js";

const REAL = { kept_colour: 0.35, luminance: [0.2126, 0.7152, 0.0722] };
const light = (byte) => (byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);

test("muting keeps greys, luminance and transparency, and takes colour away", () => {
  for (const colour of [[0, 0, 0, 255], [120, 120, 120, 9], [255, 255, 255, 255]]) {
    const pixel = Uint8ClampedArray.from(colour);
    mute(pixel, REAL);
    assert.deepEqual([...pixel], colour);
  }
  for (const colour of [[200, 90, 40, 255], [30, 160, 220, 255], [250, 240, 20, 255]]) {
    const pixel = Uint8ClampedArray.from(colour);
    mute(pixel, REAL);
    assert.ok(Math.abs(luminance(pixel) - luminance(colour)) < 0.004, String(colour));
    assert.ok(Math.max(...pixel.slice(0, 3)) - Math.min(...pixel.slice(0, 3)) < 0.6 * (Math.max(...colour.slice(0, 3)) - Math.min(...colour.slice(0, 3))));
  }
});

test("what a network never saw of a frame is shaded, in the whole frame and in a window of it", () => {
  const drawn = (zoom, box) => {
    const shades = [];
    const context = { canvas: { width: 80, height: 40 }, drawImage: () => {}, fillRect: (...rect) => shades.push(rect) };
    drawPhoto(context, { width: 160, height: 80 }, zoom, box);
    return shades;
  };
  const whole = { scale: 1, x: 0, y: 0 };
  assert.deepEqual(drawn(whole, [0, 0, 1, 1]), []);
  assert.deepEqual(drawn(whole, [-0.1, -0.1, 1.1, 1.3]), []);
  assert.deepEqual(drawn(whole, [0.25, 0, 0.75, 1]), [[0, 0, 20, 40], [60, 0, 20, 40]]);
  assert.deepEqual(drawn(whole, [0, 0.25, 1, 0.5]), [[0, 0, 80, 10], [0, 20, 80, 20]]);
  assert.deepEqual(drawn({ scale: 2, x: 0, y: 0.5 }, [0.25, 0, 0.75, 1]), [[0, 0, 40, 40]]);
  assert.deepEqual(drawn({ scale: 4, x: 0.375, y: 0 }, [0.25, 0, 0.75, 1]), []);
});

test("a photograph is muted as large as it is shown: small in a strip, whole elsewhere and from then on", () => {
  const getImageData = (_x, _y, width, height) => ({ data: new Uint8ClampedArray(4 * width * height) });
  const getContext = () => ({ drawImage() {}, putImageData() {}, getImageData });
  globalThis.document = { createElement: () => ({ getContext }) };
  const [large, little] = [{ width: 1024, height: 576 }, { width: 300, height: 200 }];
  const photos = new Photographs([large, little], REAL);
  const sizeOf = (...asked) => (({ width, height }) => [width, height])(photos.of(...asked));
  assert.deepEqual(sizeOf(0, true, 150), [320, 180]);
  assert.equal(photos.of(0, true, 320), photos.of(0, true, 150));
  assert.deepEqual(sizeOf(0, true, 321), [1024, 576]);
  assert.deepEqual(sizeOf(0, true, 150), [1024, 576]);
  assert.deepEqual(sizeOf(1, true, 150), [300, 200]);
  assert.equal(photos.of(0, false, 150), large);
  delete globalThis.document;
});
