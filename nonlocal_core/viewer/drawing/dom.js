// Elements without a framework. Text goes in as text, never as markup: names come from files of strangers.

import { quantitiesOf } from "../model/words.js";

/** Make an element: `class`, `on<event>` handlers, and attributes; false leaves an attribute out. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Make an SVG element with attributes. */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Write text only where it differs: unchanged text costs no layout. */
export function say(element, text) {
  if (element.textContent === text) return;
  const parts = quantitiesOf(text);
  if (parts.length === 1) element.textContent = text;
  else element.replaceChildren(...parts.map((part, i) => (i % 2 ? el("span", { class: "nlv-whole" }, part) : part)));
}

/** Write an attribute only where it differs: of SVG, an unchanged one costs a layout too. */
export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Place an element over a part of its parent, in units of the parent. */
export function place(element, { left, top, width, height }) {
  element.style.left = `${100 * left}%`;
  element.style.top = `${100 * top}%`;
  element.style.width = `${100 * width}%`;
  element.style.height = `${100 * height}%`;
}

/** The box of a grid as a part of the frame; it may reach past the edge. */
export function boxOf({ box: [x0, y0, x1, y1] }) {
  return { left: x0, top: y0, width: x1 - x0, height: y1 - y0 };
}

/** A row of buttons of which one is pressed. `choose(index)` is called on a click; returns { root, press(index) }. */
export function segmented(label, titles, choose) {
  const buttons = titles.map(({ title, hint }, index) => (
    el("button", { type: "button", class: "nlv-segment", title: hint ?? false, onclick: () => choose(index) }, title)
  ));
  const root = el("div", { class: "nlv-segments", role: "group", "aria-label": label }, ...buttons);
  const press = (index) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
  const allow = (index, allowed, hint) => Object.assign(buttons[index], { disabled: !allowed, title: hint });
  return { root, press, allow };
}

/** A menu. `choose(index)` is called on a choice; press(index, titles) marks one, and renames or replaces the entries. */
export function menu(label, titles, choose) {
  const root = el("select", { "aria-label": label, onchange: () => choose(root.selectedIndex) }, ...titles.map((title) => el("option", {}, title)));
  const press = (index, names = titles) => {
    while (root.options.length > names.length) root.options[names.length].remove();
    names.forEach((name, i) => {
      if (!root.options[i]) root.append(el("option", {}));
      say(root.options[i], name);
    });
    root.selectedIndex = index;
  };
  return { root, press };
}
