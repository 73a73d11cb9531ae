// Every sentence and number that a person reads. Frames, rows and columns are counted from 1 here and nowhere else.

/** 0.43 -> "43 %"; small shares keep a digit, and what is there is never called zero. */
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "<0.1 %";
  return `${value >= 9.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

/** A weight in affinity units, three digits. */
export function weightWords(weight) {
  if (weight === 0) return "0";
  const size = Math.abs(weight);
  const sign = weight < 0 ? "−" : "";
  if (size >= 0.001 && size < 1000) return sign + Number(size.toPrecision(3)).toString();
  const [digits, exponent] = size.toExponential(1).split("e");
  return `${sign}${digits}·10${superscript(Number(exponent))}`;
}

export function timesWords(times) {
  if (times > 0 && times < 0.05) return "<0.1×";
  return `${times >= 10 ? Math.round(times) : Number(times.toFixed(1))}×`;
}

export function secondsWords(seconds) {
  return seconds < 60 ? `${seconds.toFixed(2)} s` : `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

/** "frame 3", or "frames 3–4" for a temporal cell that covers several. */
export function frameWords(grid, t) {
  const [start, stop] = grid.frame_spans[t];
  return stop - start === 1 ? `frame ${stop}` : `frames ${start + 1}–${stop}`;
}

export function placeWords(cell) {
  return `row ${cell.y + 1}, column ${cell.x + 1}`;
}

export function gridWords(grid) {
  return `${grid.frames}×${grid.rows}×${grid.cols}`;
}

/** The heading over the answer: it goes on from "This spot of frame 3 …". */
export function headingWords({ answer, state, shown, strongest, share, alone, top }) {
  const looks = answer.direction === "row";
  if (answer.mass === 0) return { lead: looks ? "looks nowhere" : "is looked at from nowhere", figure: "" };
  if (shown < 0) return { lead: `finds no ${looks ? "key" : "query"} in frame ${state.held + 1}`, figure: "" };
  if (alone) return { lead: `${looks ? "looks" : "is looked at"} most ${looks ? "at" : "from"} ${placeWords(top.cell)}`, figure: percent(top.share) };
  const most = shown === strongest && state.held === null ? " most" : "";
  return { lead: `${looks ? "looks" : "is looked at"}${most} ${looks ? "at" : "from"} ${frameWords(answer.grid, shown)}`, figure: percent(share) };
}

/** What the own frame or place keeps, as the end of "looks most at frame 5 …". */
export function ownWords({ direction }, { kind, share }, shown) {
  const keeps = direction === "row" ? "keeps" : "gives";
  return share > shown ? `after its own ${kind}, which ${keeps} ${percent(share)}` : `its own ${kind} ${keeps} ${percent(share)}`;
}

export function spreadWords({ count }, spread) {
  return `spread over about ${Math.max(1, Math.round(spread))} of ${count} cells`;
}

/** The same for a screen reader, whole. */
export function spokenWords({ answer, cell, asked, own, strongest, shares, alone, top }) {
  const from = `${alone ? "Query" : `Query ${frameWords(asked, cell.t)},`} ${placeWords(cell)}.`;
  if (answer.mass === 0) return `${from} Every weight is zero.`;
  const looks = answer.direction === "row";
  const whole = (share) => Math.round(100 * share);
  const target = alone ? placeWords(top.cell) : frameWords(answer.grid, strongest);
  const share = whole(alone ? top.share : shares[strongest]);
  if ((own.kind === "place" || !own.ownsFrame(strongest)) && whole(own.share) > share) {
    return looks
      ? `${from} Its own ${own.kind} keeps ${whole(own.share)} percent of its attention; of the rest most, ${share} percent, goes to ${target}.`
      : `${from} Its own ${own.kind} gives ${whole(own.share)} percent of the looks; of the rest most, ${share} percent, come from ${target}.`;
  }
  return looks ? `${from} Most attention, ${share} percent, goes to ${target}.` : `${from} Most looks, ${share} percent, come from ${target}.`;
}

/** What must be said about a picture before it is believed; the first that applies. */
export function noticeWords({ block, answer, scale }) {
  if (answer.mass === 0) return "Every weight is zero here, so there is nothing to show.";
  if (scale.flat) return `Nearly flat: no cell gets more than ${timesWords(scale.flatness)} the mean, so no heat is stretched out of it.`;
  if (block.pairwise === "concatenation") return "Concatenation: every query ranks the keys alike; only the threshold moves.";
  return "";
}

const BADGES = { untrained: "untrained block", parameter_free: "parameter-free", trained: "" };

export function badgeWords(status) {
  return BADGES[status];
}

export function effectWords(block, here) {
  if (block.effect === null) return "";
  const mean = percent(block.effect);
  if (block.effect === 0) return "changes nothing: what it adds is zero everywhere";
  return here === null ? `adds ${mean} to its input` : `adds ${percent(here)} to its input here, ${mean} on average`;
}

export function classWords(classes) {
  return classes.slice(0, 3).map(({ name, score }) => `${name} ${percent(score)}`).join(", ");
}

function superscript(number) {
  return [...String(number)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])).join("");
}
