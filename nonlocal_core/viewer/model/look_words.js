// How an answer is drawn, as fields of the state and as the words of a link: what nonlocal_core/look/choices.py does.
//
// scale "all" or "each", curve "log", "root" or "linear", smooth, strength in percent, threshold in times an even share,
// plain photographs, negatives, count of arrows (null: as many as suit the clip), apart: panes each on a scale of its own

const WORDS = {
  each: { scale: "each" }, root: { curve: "root" }, linear: { curve: "linear" }, smooth: { smooth: true }, plain: { plain: true },
  negatives: { negatives: true }, bare: { count: 0 }, apart: { apart: true },
};
const NUMBERS = { over: "threshold", strength: "strength", arrows: "count" };

/** The fields that words name, the usual ones where they say nothing; words that are not known are passed over. */
export function lookIn(words = "", { strength }) {
  const look = {
    scale: "all", curve: "log", smooth: false, strength, threshold: 1, plain: false, negatives: false, count: null, apart: false,
  };
  for (const word of words.split("-")) {
    const [, name, value] = word.match(/^(over|strength|arrows)(\d{1,3})$/) ?? [];
    Object.assign(look, name ? { [NUMBERS[name]]: Number(value) } : WORDS[word]);
  }
  return look;
}

/** The words of a look, empty for the usual one. */
export function wordsOf(state, { strength }) {
  const said = Object.keys(WORDS).filter((word) => Object.entries(WORDS[word]).every(([field, value]) => state[field] === value));
  if (state.threshold !== 1) said.push(`over${state.threshold}`);
  if (state.strength !== strength) said.push(`strength${state.strength}`);
  if (state.count) said.push(`arrows${state.count}`);
  return said.join("-");
}

/** The most arrows of a clip of so many frames. */
export function arrowsOf({ count }, frames, { arrows: [several, one] }) {
  return count ?? (frames > 1 ? several : one);
}
