// The planes of the frame that a video shows, as its decoder made them, where the browser gives them out (WebCodecs).

import { SUBSAMPLED } from "../model/planes.js";

/** Second of the frame that a video shows, null where the browser does not tell it. */
export function shownSecond(video) {
  if (!globalThis.VideoFrame) return null;
  try {
    const frame = new VideoFrame(video);
    frame.close(); // whose timestamp stays
    return frame.timestamp / 1e6;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

/**
 * What pixelsOfPlanes takes, and `rotation`, the degrees by which they are turned on their way to the screen, clockwise; null where the browser
 * does not give them, or mirrors them. `isCentred`: where the file's colour differences lie, which no browser tells.
 */
export async function planesOf(video, { isCentred }) {
  if (!globalThis.VideoFrame) return null;
  let frame = null;
  try {
    frame = new VideoFrame(video, { timestamp: 0 });
    const { format, visibleRect, colorSpace, rotation, flip } = frame;
    if (!(format in SUBSAMPLED) || rotation === undefined || flip) return null;
    const bytes = new Uint8Array(frame.allocationSize());
    const layout = await frame.copyTo(bytes);
    const [wide, high] = SUBSAMPLED[format];
    const differences = { width: Math.ceil(visibleRect.width / wide), height: Math.ceil(visibleRect.height / high) };
    const planeOf = (index, size, start = 0, step = 1) => ({ ...size, bytes: closeOf(bytes, layout[index], size, { start, step }) });
    const luma = planeOf(0, { width: visibleRect.width, height: visibleRect.height });
    const both = format === "NV12" ? [0, 1].map((start) => planeOf(1, differences, start, 2)) : [1, 2].map((index) => planeOf(index, differences));
    return { planes: [luma, ...both], matrix: colorSpace.matrix ?? undefined, isFull: colorSpace.fullRange === true, isCentred, rotation };
  } catch (error) {
    if (error instanceof DOMException) return null; // frames of a graphics processor that does not give them back
    throw error;
  } finally {
    frame?.close();
  }
}

/** The samples of a plane without what lies between its rows, or between those of two that lie one in the other. */
function closeOf(bytes, { offset, stride }, { width, height }, { start, step }) {
  const close = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = offset + y * stride + start; x < width; x++, from += step) close[to++] = bytes[from];
  }
  return close;
}
