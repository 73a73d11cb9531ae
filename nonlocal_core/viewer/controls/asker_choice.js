// Who is asked: the position under the pointer, or what is no position, such as a class token. Hidden where only positions ask.

import { menu } from "../drawing/dom.js";
import { askerNamed, askerOf } from "../model/askers.js";

const POSITION = "the position";

/** Returns { root, show(block, state) }. */
export function askerChoice(act) {
  let names = [];
  const chooser = menu("Asked by", [], (index) => act({ type: "asker", asker: names[index] }));
  const show = (block, state) => {
    const { askers = [], asker = null } = block;
    chooser.root.hidden = askers.length === 0;
    names = asker === null ? [null, ...askers] : askers;
    chooser.press(names.indexOf(askerOf(block, state)), names.map((name) => `Asked by ${name === null ? POSITION : askerNamed(name)}`));
  };
  return { root: chooser.root, show };
}
