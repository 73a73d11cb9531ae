// Formulas of the lessons: how their text is taken apart, and the numbers that stand behind their terms.
//
// "[θ(x_i)|query]" is a term that stands for a part of the picture, a_i and a_{i+1} are set low, a^2 and a^{−1} high.

import { timesEven } from "./affinity.js";
import { indexOf } from "./grid.js";

/** Parts of the picture that a term may stand for: the asked cell, one that is looked at, both, all that may be looked at. */
const PARTS = ["query", "key", "pair", "keys"];

const TERM = /\[([^\]|]+)\|(\w+)\]/g;
const SCRIPT = /([_^])(?:\{([^}]*)\}|(.))/gu;

/** Take a formula apart: a list of { part, pieces }, part null between terms, pieces a list of { text, script }. */
export function termsOf(formula) {
  const found = [];
  let from = 0;
  for (const match of formula.matchAll(TERM)) {
    if (!PARTS.includes(match[2])) throw new Error(`No part of a picture is called ${match[2]}.`);
    if (match.index > from) found.push({ part: null, pieces: piecesOf(formula.slice(from, match.index)) });
    found.push({ part: match[2], pieces: piecesOf(match[1]) });
    from = match.index + match[0].length;
  }
  if (from < formula.length) found.push({ part: null, pieces: piecesOf(formula.slice(from)) });
  return found;
}

/** Text with its low and high parts apart: a list of { text, script }, script "", "sub" or "sup". */
export function piecesOf(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(SCRIPT)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), script: "" });
    found.push({ text: match[2] ?? match[3], script: match[1] === "_" ? "sub" : "sup" });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), script: "" });
  return found;
}

/**
 * Numbers behind the weight of one key: { theta, phi, score, logF, f, logC, count, weight, times }.
 *
 * Of a softmax f and C(x) are given by their logarithms, since f itself may be larger than any number; of the others f is given,
 * and C(x) is the number of keys, of a matching that of the matched ones.
 */
export function workOf({ block, cell, answer }, key) {
  const theta = block.theta.row(indexOf(block.query_grid, cell));
  const at = indexOf(block.key_grid, key) * block.channels;
  const phi = block.phi.subarray(at, at + block.channels);
  const weight = answer.values[indexOf(block.key_grid, key)];
  const known = { theta, phi, weight, times: timesEven(answer, weight), count: block.keyCount };
  if (block.pairwise === "concatenation") return { ...known, score: theta[0] + phi[0], f: Math.max(theta[0] + phi[0], 0) };
  let score = 0;
  for (let k = 0; k < theta.length; k++) score += theta[k] * phi[k];
  if (block.matched) return { ...known, score, f: score >= 0 ? 1 : 0, count: answer.values.filter((one) => one > 0).length };
  if (!block.softmax) return { ...known, score, f: score };
  const logF = score * block.scale;
  return { ...known, score, logF, logC: weight > 0 ? logF - Math.log(weight) : null };
}

/** e to the power of a number, in words that hold however large it is. */
export function powerWords(log) {
  const tens = log / Math.LN10;
  if (tens > -3 && tens < 4) return String(Number(Math.exp(log).toPrecision(3)));
  const floor = Math.floor(tens);
  const digits = (10 ** (tens - floor)).toFixed(1);
  const [first, exponent] = digits === "10.0" ? ["1.0", floor + 1] : [digits, floor];
  return `${first}·10^{${exponent < 0 ? "−" : ""}${Math.abs(exponent)}}`;
}

/** The first numbers of a vector, and how many there are. */
export function vectorWords(values, shown = 3) {
  const first = [...values.slice(0, shown)].map(numberWords).join(", ");
  return values.length > shown ? `(${first}, …), ${values.length} numbers` : `(${first})`;
}

/** A number with three digits and a true minus. */
export function numberWords(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
