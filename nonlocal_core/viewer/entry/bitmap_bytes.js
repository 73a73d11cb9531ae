// Pixels of a bitmap, in the page and in its worker.

/** The bytes R, G, B, A of a bitmap, row by row. */
export function rgbaOf(bitmap) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}
