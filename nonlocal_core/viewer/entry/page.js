// The exported page: the bundle stands in the page itself, as base64.

import { el } from "../drawing/dom.js";
import { fromBase64, openBundle } from "./load.js";
import { Viewer } from "./viewer.js";

async function start() {
  const host = document.getElementById("viewer");
  try {
    const { bundle, photos } = await openBundle(fromBase64(document.getElementById("bundle").textContent.trim()));
    host.replaceChildren();
    new Viewer(host).open(bundle, photos);
  } catch (error) {
    host.replaceChildren(el("p", { role: "alert", class: "nlv-failed" }, `The picture could not be opened. ${error.message}`));
  }
}

start();
