// The places of a figure in a file, in pixels: what nonlocal_core/render/layout.py computes. Header above, film strip, notes below.

export const FIGURE_WIDTH = 2400;
const FIGURE_MARGIN = 56;
const MOST_IN_ONE_ROW = 5;
const MOST_IN_A_ROW = 8;

/** The height above the strip of a figure of so many pins. */
function headerOf(pins) {
  return pins === 1 ? 236 : 132 + 84 * pins;
}

/** { height, margin, legend, tiles, columns, bar, notesTop }; boxes are { left, top, width, height }. `notes`: lines under the strip. */
export function figureLayout(frames, [frameHeight, frameWidth], { notes = 0, pins = 1 } = {}) {
  const rows = frames <= MOST_IN_ONE_ROW ? 1 : Math.max(2, Math.ceil(frames / MOST_IN_A_ROW));
  const columns = Math.ceil(frames / rows);
  const [gap, headroom, rowGap, noteLine] = [10, 36, 30, 38];
  const [bar, labels] = frames === 1 ? [0, 0] : [64, 84];
  const inner = FIGURE_WIDTH - 2 * FIGURE_MARGIN;
  const aspect = frameHeight / frameWidth;
  const width = Math.min(Math.floor((inner - gap * (columns - 1)) / columns), Math.round(1150 / aspect));
  const height = Math.round(width * aspect);
  const left = FIGURE_MARGIN + Math.floor((inner - (width + gap) * columns + gap) / 2);
  const top = FIGURE_MARGIN + headerOf(pins);
  const step = height + bar + labels + rowGap;
  const tiles = Array.from({ length: frames }, (_, i) => (
    { left: left + (i % columns) * (width + gap), top: top + headroom + Math.floor(i / columns) * step, width, height }
  ));
  const notesTop = top + headroom + rows * step - rowGap + 30;
  return {
    height: notesTop + notes * noteLine + FIGURE_MARGIN - (notes ? 20 : 0), margin: FIGURE_MARGIN, columns, bar, notesTop, tiles,
    legend: { left: FIGURE_WIDTH - FIGURE_MARGIN - 720, top: FIGURE_MARGIN, width: 720, height: 150 },
  };
}
