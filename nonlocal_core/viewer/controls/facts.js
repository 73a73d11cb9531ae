// Facts below the pictures of a step: sentences, tables, bars, small pictures, and choices between sets of such.

import { el, segmented } from "../drawing/dom.js";

/** Elements of some facts: what course/facts.py writes. */
export function factsOf(facts) {
  return facts.map((fact) => DRAWN[fact.kind](fact));
}

const DRAWN = {
  said: ({ text, failing }) => el("p", { class: failing ? "nlv-fact is-failing" : "nlv-fact" }, text),
  table: ({ head, rows }) => el("div", { class: "nlv-wide" }, el("table", { class: "nlv-tabled" },
    el("thead", {}, el("tr", {}, ...head.map((cell) => (cell ? el("th", { scope: "col" }, cell) : el("td", {}))))),
    el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell))))))),
  bars: ({ title, bars, note }) => el("section", { class: "nlv-barred" }, el("h3", {}, title),
    el("table", {}, el("tbody", {}, ...bars.map((bar) => el("tr", {}, el("th", { scope: "row" }, bar.name), el("td", {}, barOf(bar)), el("td", {}, bar.words))))),
    ...(note ? [el("p", {}, note)] : [])),
  pictures: ({ title, pictures, small }) => el("section", { class: small ? "nlv-shots is-small" : "nlv-shots" }, el("h3", {}, title),
    el("div", {}, ...pictures.map(pictureOf))),
  choice: ({ title, names, sets, first }) => {
    const place = el("div", { class: "nlv-set" });
    const choose = (index) => {
      buttons.press(index);
      place.replaceChildren(...factsOf(sets[index]));
    };
    const buttons = segmented(title, names.map((name) => ({ title: name })), choose);
    choose(first);
    return el("section", {}, el("p", { class: "nlv-chooses" }, el("b", {}, title), buttons.root), place);
  },
};

function barOf({ share, colour }) {
  const bar = el("i", {});
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  if (colour) bar.style.background = colour;
  return bar;
}

function pictureOf({ address, words, ring }) {
  const mark = el("i", {});
  if (ring) Object.assign(mark.style, { left: `${100 * ring[0]}%`, top: `${100 * ring[1]}%` });
  return el("figure", {}, el("div", {}, el("img", { src: address, alt: words }), ...(ring ? [mark] : [])), el("figcaption", {}, words));
}
