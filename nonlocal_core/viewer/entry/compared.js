// The exported comparison: the bundles of its panes stand in the page itself, as base64, and what is shown in <script id="panes">,
// { panes: [{ title, clip, block }], asked }: as Comparison.open takes them, in the order of the bundles.

import { el } from "../drawing/dom.js";
import { Comparison } from "./comparison.js";
import { fromBase64, openBundle } from "./load.js";

async function startComparison() {
  const host = document.getElementById("viewer");
  try {
    const { panes, asked } = JSON.parse(document.getElementById("panes").textContent);
    const opened = await Promise.all(panes.map((_, index) => openBundle(fromBase64(document.getElementById(`bundle-${index}`).textContent.trim()))));
    host.replaceChildren();
    new Comparison(host).open(panes.map((pane, index) => ({ ...pane, ...opened[index] })), { asked });
  } catch (error) {
    host.replaceChildren(el("p", { role: "alert", class: "nlv-failed" }, `The pictures could not be opened. ${error.message}`));
  }
}

startComparison();
