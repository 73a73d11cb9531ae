// Who is asked: the position under the pointer, or what is no position, such as a class token; or which word is looked at.
// Hidden where only positions ask.

import { menu } from "../drawing/dom.js";
import { askerNamed, askerOf } from "../model/askers.js";

const POSITION = "the position";

/** Returns { root, show(block, state) }. */
export function askerChoice(act) {
  let names = [];
  const chooser = menu("Asked by", [], (index) => act({ type: "asker", asker: names[index] }));
  const show = (block, state) => {
    const { askers = [], asker = null, askers_are_keys: looked } = block;
    chooser.root.hidden = askers.length === 0;
    chooser.root.setAttribute("aria-label", looked ? "Looked at" : "Asked by");
    names = asker === null ? [null, ...askers] : askers;
    const before = looked ? "Who looks at" : "Asked by";
    chooser.press(names.indexOf(askerOf(block, state)), names.map((name) => `${before} ${name === null ? POSITION : askerNamed(name, Boolean(looked))}`));
  };
  return { root: chooser.root, show };
}
