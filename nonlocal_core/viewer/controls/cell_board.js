// A canvas of cells that a pointer, a finger or keys mark: drags draw lines of cells, arrow keys move, Space marks.

const BOARD_STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Pixels of a cell on the canvas. */
export const CELL_SIDE = 32;

export class CellBoard {
  /**
   * `mark(cells, starts)` marks cells, by their numbers; `starts` is true for the first of a stroke. `ended()` hears of the end
   * of a stroke, `draw()` of a ring that moved. `isOpen()` tells whether anything may be marked.
   */
  constructor(canvas, { mark, ended = () => {}, draw, isOpen = () => true }) {
    Object.assign(this, { canvas, mark, ended, draw, isOpen, rows: 1, cols: 1, at: 0, isDrawing: false });
    this.#listen();
  }

  /** Take a grid of so many cells; the keys begin in its middle. */
  take(rows, cols) {
    Object.assign(this, { rows, cols, at: Math.floor(rows / 2) * cols + Math.floor(cols / 2), isDrawing: false });
  }

  /** The cell that the keys are at, while they are. */
  get ring() {
    return this.canvas.matches(":focus-visible") ? this.at : null;
  }

  /** Size the canvas and return what draws on it, and the corner of a cell. */
  pen() {
    Object.assign(this.canvas, { width: this.cols * CELL_SIDE, height: this.rows * CELL_SIDE });
    return { pen: this.canvas.getContext("2d"), corner: (index) => [(index % this.cols) * CELL_SIDE, Math.floor(index / this.cols) * CELL_SIDE] };
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.isOpen() || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.at = this.#under(event);
      this.isDrawing = true;
      this.mark([this.at], true);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.isDrawing) return;
      const to = this.#under(event);
      const cells = [...cellsBetween(this.at, to, this.cols), to];
      this.at = to;
      this.mark(cells, false);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => {
      if (this.isDrawing) this.ended();
      this.isDrawing = false;
    });
    for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => this.draw());
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const by = BOARD_STEPS[event.key];
    if (by) {
      const [row, column] = [Math.floor(this.at / this.cols) + by[0], (this.at % this.cols) + by[1]];
      if (row >= 0 && row < this.rows && column >= 0 && column < this.cols) this.at = row * this.cols + column;
      this.draw();
    } else if (event.key === " " && this.isOpen()) {
      this.mark([this.at], true);
      this.ended();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #under(event) {
    const box = this.canvas.getBoundingClientRect();
    const cell = (at, start, size, cells) => Math.min(Math.max(Math.floor(((at - start) / size) * cells), 0), cells - 1);
    return cell(event.clientY, box.top, box.height, this.rows) * this.cols + cell(event.clientX, box.left, box.width, this.cols);
  }
}

/** The cells on the line from one to another: a fast drag tells of few places. */
function cellsBetween(from, to, cols) {
  const [row, column] = [Math.floor(from / cols), from % cols];
  const [down, across] = [Math.floor(to / cols) - row, (to % cols) - column];
  const steps = Math.max(Math.abs(down), Math.abs(across));
  return Array.from({ length: steps }, (_, n) => Math.round(row + (down * n) / steps) * cols + Math.round(column + (across * n) / steps));
}
