// Letters of pins, in the colours that page and files give them.

import { cssOf } from "./colour.js";
import { el } from "./dom.js";
import { LETTERS } from "../model/words.js";

/** Classes of pins. */
export const PINS = ["is-a", "is-b", "is-c"];
const COLOURS = ["--pin-a", "--pin-b", "--pin-c"];

export function letterOf(name, index) {
  return el("span", { class: `nlv-letter ${name}`, "aria-hidden": "true", hidden: "" }, LETTERS[index]);
}

/** Give the frame that is shown the colour of its pin, null for that of heat. */
export function colourShown(element, pin) {
  element.classList.toggle("is-lettered", pin !== null);
  if (pin === null) element.style.removeProperty("--shown");
  else element.style.setProperty("--shown", `var(${COLOURS[pin]})`);
}

/** Give an element the colours of the pins, for its children. */
export function colourPins(element, { ramps, recipe }) {
  COLOURS.forEach((name, i) => element.style.setProperty(name, cssOf(ramps.pins[i][recipe.pin_tone])));
}
