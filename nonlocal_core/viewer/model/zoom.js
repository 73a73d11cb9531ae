// Zoom: the window of the frame that every picture shows, { scale, x, y } with its upper left corner in 0..1 of the frame.
// It has the frame's shape, so that cells keep theirs, and never reaches past an edge. Parts are { left, top, width, height }.

export const WHOLE = { scale: 1, x: 0, y: 0 };
/** One press of a key or a button. */
export const ZOOM_STEP = 1.5;
const MOST = 8;
/** Scales that differ from the whole frame by less are the whole frame. */
const BARELY = 1.01;
/** Part of the window that stays free round a place that it is moved to. */
const MARGIN = 0.15;

/** The window scaled `by` so much, 0 for the whole frame, where a point { x, y } of the frame keeps its place on the screen. */
export function zoomed(zoom, by, at) {
  const scale = Math.min(zoom.scale * by, MOST);
  if (scale < BARELY) return zoom.scale === 1 ? zoom : WHOLE;
  if (scale === zoom.scale) return zoom;
  const kept = zoom.scale / scale;
  return inside({ scale, x: at.x - kept * (at.x - zoom.x), y: at.y - kept * (at.y - zoom.y) });
}

/** The window after its picture was dragged, in parts of the picture. */
export function panned(zoom, { dx, dy }) {
  const moved = inside({ scale: zoom.scale, x: zoom.x - dx / zoom.scale, y: zoom.y - dy / zoom.scale });
  return moved.x === zoom.x && moved.y === zoom.y ? zoom : moved;
}

/** The nearest window that shows a point; the same one where it does already. */
export function reaching(zoom, at) {
  if (holds(zoom, at)) return zoom;
  const size = 1 / zoom.scale;
  const near = (start, value) => Math.min(Math.max(start, value - (1 - MARGIN) * size), value - MARGIN * size);
  return inside({ scale: zoom.scale, x: near(zoom.x, at.x), y: near(zoom.y, at.y) });
}

export function holds({ scale, x, y }, at) {
  return at.x >= x && at.x <= x + 1 / scale && at.y >= y && at.y <= y + 1 / scale;
}

export function middleOf({ scale, x, y }) {
  return { x: x + 0.5 / scale, y: y + 0.5 / scale };
}

/** A part of the frame as a part of the picture; it may reach past the edge. */
export function seen({ scale, x, y }, { left, top, width, height }) {
  return { left: scale * (left - x), top: scale * (top - y), width: scale * width, height: scale * height };
}

/** A point of the picture as a point of the frame. */
export function framePoint({ scale, x, y }, point) {
  return { x: x + point.x / scale, y: y + point.y / scale };
}

function inside({ scale, x, y }) {
  const within = (value) => Math.min(Math.max(value, 0), 1 - 1 / scale);
  return { scale, x: within(x), y: within(y) };
}
