// A question without its answer: cells are marked where it may look, by pointer or keys; then the heat is laid over them.
// data is { asked, target, cell, rows, cols, words, marks, heat }: two pictures, the asked cell as parts of the first, and, once
// revealed, the marks that were sent and the weight of each cell as a part of the largest.

const grids = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const [asked, target] = parentElement.querySelectorAll("img");
  const [ring, canvas, reveal, clear] = ["i", "canvas", ".reveal", ".clear"].map((name) => parentElement.querySelector(name));
  const [left, right] = parentElement.querySelectorAll("figcaption");
  const known = grids.get(parentElement);
  const state = known?.target === data.target ? known : { target: data.target, marks: new Set(data.marks ?? []), at: Math.floor(data.rows / 2) * data.cols + Math.floor(data.cols / 2), sets: null };
  grids.set(parentElement, state);
  asked.src = data.asked;
  target.src = data.target;
  [asked.alt, target.alt, left.textContent, right.textContent] = [data.words.asked, data.words.target, data.words.asked, data.words.target];
  [reveal.textContent, clear.textContent] = [data.words.reveal, data.words.clear];
  const [x, y] = data.cell;
  Object.assign(ring.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${100 / data.cols}%`, height: `${100 / data.rows}%` });
  canvas.setAttribute("aria-label", data.words.keys);
  const open = !data.heat;
  const draw = () => paint(canvas, data, state, open);
  const count = () => { reveal.disabled = clear.disabled = !open || state.marks.size === 0; };
  const set = (index, on) => {
    on ? state.marks.add(index) : state.marks.delete(index);
    count();
    draw();
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const cell = (place, start, size, cells) => Math.min(Math.max(Math.floor(((place - start) / size) * cells), 0), cells - 1);
    return cell(event.clientY, box.top, box.height, data.rows) * data.cols + cell(event.clientX, box.left, box.width, data.cols);
  };
  // Assigned, not added: this runs again whenever the data change.
  canvas.onpointerdown = (event) => {
    if (!open || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    state.at = under(event);
    state.sets = !state.marks.has(state.at);
    set(state.at, state.sets);
  };
  canvas.onpointermove = (event) => {
    if (state.sets === null) return;
    const to = under(event);
    for (const index of between(state.at, to, data.cols)) state.sets ? state.marks.add(index) : state.marks.delete(index);
    state.at = to;
    set(to, state.sets);
  };
  canvas.onpointerup = canvas.onpointercancel = () => { state.sets = null; };
  canvas.onkeydown = (event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (by) {
      const [row, column] = [Math.floor(state.at / data.cols) + by[0], (state.at % data.cols) + by[1]];
      if (row >= 0 && row < data.rows && column >= 0 && column < data.cols) state.at = row * data.cols + column;
      draw();
    } else if (event.key === " " && open) set(state.at, !state.marks.has(state.at));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  canvas.onfocus = canvas.onblur = draw;
  reveal.onclick = () => setTriggerValue("revealed", [...state.marks]);
  clear.onclick = () => {
    state.marks.clear();
    count();
    draw();
  };
  count();
  draw();
}

const SIDE = 32;

/** The cells on the line from one to another: a fast drag tells of few places. */
function between(from, to, cols) {
  const [row, column] = [Math.floor(from / cols), from % cols];
  const [down, across] = [Math.floor(to / cols) - row, (to % cols) - column];
  const steps = Math.max(Math.abs(down), Math.abs(across));
  return Array.from({ length: steps }, (_, n) => Math.round(row + (down * n) / steps) * cols + Math.round(column + (across * n) / steps));
}

function paint(canvas, { rows, cols, heat }, { marks, at }, open) {
  [canvas.width, canvas.height] = [cols * SIDE, rows * SIDE];
  const pen = canvas.getContext("2d");
  const box = (index) => [(index % cols) * SIDE, Math.floor(index / cols) * SIDE];
  if (heat) {
    heat.forEach((part, index) => {
      pen.fillStyle = `rgb(255 ${Math.round(90 + 150 * part)} 40 / ${(0.85 * Math.sqrt(part)).toFixed(3)})`;
      pen.fillRect(...box(index), SIDE, SIDE);
    });
  }
  for (const index of marks) {
    const [x, y] = box(index);
    if (!heat) {
      pen.fillStyle = "rgb(110 205 255 / 0.4)";
      pen.fillRect(x, y, SIDE, SIDE);
    }
    pen.strokeStyle = "#6ecdff";
    pen.lineWidth = 4;
    pen.strokeRect(x + 2, y + 2, SIDE - 4, SIDE - 4);
  }
  if (open && canvas.matches(":focus-visible")) {
    const [x, y] = box(at);
    pen.strokeStyle = "#fff";
    pen.lineWidth = 5;
    pen.strokeRect(x + 3, y + 3, SIDE - 6, SIDE - 6);
  }
}
