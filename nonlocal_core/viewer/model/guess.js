// Guesses where a position looks: their score, a class's guesses together, and the code that carries one. No page, no pixels.
//
// A question is { id, rows, cols, weights, own, colour, place }: the part of the frame's positive weight in each cell, the asked
// cell among them or null, and the cells in the order of a guess by mean colour and of one by place, without the asked one.

/** Codes of one class that are taken; a reader's code is read by length and question, so more text is none. */
const MOST_CODES = 500;
const CODE = /^[0-9a-f]{8}-[\w-]+$/;

/** What marked cells capture, and what as many cells of other guesses do: { cells, guess, colour, blob, even, best }; null without any. */
export function scoreOf({ weights, own, colour, place }, marks) {
  const chosen = [...new Set(marks)].filter((index) => index !== own);
  const cells = chosen.length;
  if (cells === 0) return null;
  const sum = (some) => some.reduce((all, index) => all + weights[index], 0);
  const best = [...place].sort((a, b) => weights[b] - weights[a]);
  return {
    cells, guess: sum(chosen), colour: sum(colour.slice(0, cells)), blob: sum(place.slice(0, cells)), even: cells / place.length, best: sum(best.slice(0, cells)),
  };
}

/** How many of some guesses, lists of cells, marked each cell. */
export function countsOf({ rows, cols }, guesses) {
  const counts = new Array(rows * cols).fill(0);
  for (const marks of guesses) for (const index of new Set(marks)) counts[index] += 1;
  return counts;
}

/**
 * The guess of a class: { least, cells }, the cells that at least so many readers marked, `least` such that their number comes
 * nearest to what one reader marks on average. null while nobody marked any.
 */
export function classGuess(counts, readers) {
  const usual = counts.reduce((sum, count) => sum + count, 0) / Math.max(readers, 1);
  let found = null;
  for (let least = Math.max(...counts); least > 0; least--) {
    const cells = counts.flatMap((count, index) => (count >= least ? [index] : []));
    if (!found || Math.abs(cells.length - usual) < Math.abs(found.cells.length - usual)) found = { least, cells };
  }
  return found;
}

/** Marks as a short text that can be sent: the question, and a bit for each cell. */
export function codeOf({ id, rows, cols }, marks) {
  const bytes = new Uint8Array(Math.ceil((rows * cols) / 8));
  for (const index of marks) bytes[index >> 3] |= 1 << (index & 7);
  return `${id}-${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * Read codes that somebody pasted, in any order and with anything between: { guesses, others, unread }, the marks of each code of
 * this question, the number of codes of other questions, and of words that are no code.
 */
export function guessesIn(text, question) {
  const found = { guesses: [], others: 0, unread: 0 };
  for (const word of text.split(/\s+/).filter(Boolean).slice(0, MOST_CODES)) {
    const marks = CODE.test(word) ? marksIn(word.slice(9), question) : null;
    if (!CODE.test(word)) found.unread += 1;
    else if (!word.startsWith(`${question.id}-`)) found.others += 1;
    else if (marks === null) found.unread += 1;
    else found.guesses.push(marks);
  }
  return found;
}

function marksIn(text, { rows, cols }) {
  let raw;
  try {
    raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
  if (raw.length !== Math.ceil((rows * cols) / 8)) return null;
  return Array.from({ length: rows * cols }, (_, index) => index).filter((index) => raw.charCodeAt(index >> 3) & (1 << (index & 7)));
}
