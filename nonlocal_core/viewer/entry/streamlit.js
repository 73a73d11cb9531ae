// The Streamlit component. data is { url, columns?, id, query?, block?, tour? } with the bundle behind url and what it left
// out behind columns, or the bundle's bytes; or, for answers side by side,
// { mode: "compare", query?, tour?, panes: [{ url, columns?, id, block, title, clip }] }. An object comes in a list of one.
// lesson is a step of a lesson (controls/lesson.js). tour is { clip, stops }: any text that tells clips apart, and what Python
// knows of the tour, null for the bundle's own.
// Streamlit calls this function again whenever the data or the theme changes, so everything here can happen twice.

import { hasColumns } from "../model/affinity.js";
import { Comparison } from "./comparison.js";
import { el, say } from "../drawing/dom.js";
import { decodePhotos, fetchBytes, openBundle } from "./load.js";
import { Lesson } from "../controls/lesson.js";
import { parseBundle, parseColumns } from "../model/parse.js";
import { recallTour, rememberTour } from "./tour_memory.js";
import { Viewer } from "./viewer.js";

const mounted = new WeakMap();
/** Pins that Python may still echo back to us. */
const REMEMBERED_PINS = 8;
const LASTS = "Kept while this browser tab is open. To take the tour along: Keep, as a live page (HTML).";

export default function component({ data, parentElement, setStateValue }) {
  if (!parentElement) return undefined; // it left the page while this script was loaded
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Mount(parentElement));
  const mount = mounted.get(parentElement);
  mount.setStateValue = setStateValue;
  mount.update(Array.isArray(data) ? data[0] : data);
  return () => {
    mount.destroy();
    mounted.delete(parentElement);
  };
}

class Mount {
  constructor(parent) {
    this.parent = parent;
    this.status = el("div", { class: "nlv-status", role: "status" });
    parent.append(this.status);
    this.sent = [];
    this.bundles = new Map();
  }

  async update(data) {
    if (!data) return this.#report("Waiting for a clip.");
    this.wanted = data;
    const { root } = this.view ??= this.#view(data.mode);
    root.style.colorScheme = schemeOf(root);
    if (data.lesson) this.#teach(data.lesson);
    const key = data.panes ? JSON.stringify(data.panes) : data.id ?? data.url ?? data;
    if (this.key === key) return this.#follow();
    this.key = key;
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    try {
      const opened = data.panes ? await this.#panes(data.panes, signal) : await openBundle(await this.#bytes(data, signal));
      const late = this.#later(data.panes ?? [data], data.panes ? opened.map(({ bundle }) => bundle) : [opened.bundle]);
      if (this.wanted.query?.direction === "column") await this.#columns(late, signal);
      if (signal.aborted) return;
      this.query = nameOf(this.wanted.query);
      root.hidden = false;
      data.panes ? this.view.open(opened, this.#beginning()) : this.#openOne(opened);
      this.#report("");
      await painted();
      await this.#columns(late, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.key = null;
      this.#report(`The attention data could not be opened. ${error.message}`, () => this.update(this.wanted));
    }
  }

  /** Bundles that wait for their normalisers, by the address of those. */
  #later(sources, bundles) {
    const late = new Map();
    sources.forEach(({ columns }, index) => {
      const bundle = bundles[index];
      if (!columns || bundle.blocks.every(hasColumns)) return;
      bundle.awaitsColumns = true;
      late.set(columns, bundle);
    });
    return late;
  }

  /**
   * Fetch what "who looks here" needs, after the first picture: making it takes the server longer than all the rest.
   * Where that fails, everything else goes on.
   */
  async #columns(late, signal) {
    try {
      for (const [columns, bundle] of late) {
        const normalisers = parseColumns(await fetchBytes(columns, { signal, onprogress: () => {} }));
        if (signal.aborted) return;
        for (const block of bundle.blocks) block.logNormaliser = normalisers.get(block.name);
        bundle.awaitsColumns = false;
        late.delete(columns);
        this.view.refresh();
      }
      this.#report("");
    } catch (error) {
      if (!signal.aborted) this.#report(`“Who looks here” cannot be asked yet. ${error.message}`, () => this.#columns(late, signal));
    }
  }

  destroy() {
    this.loading?.abort();
    this.view?.destroy();
    this.status.remove();
  }

  /** A step of a lesson; the same one again, when only the question changed, stays as it is. */
  #teach(step) {
    this.lesson ??= new Lesson(this.view, (id) => this.#walkTo(id));
    const name = JSON.stringify(step);
    if (name !== this.step) this.lesson.open(step);
    this.step = name;
  }

  /** Ask for a step. What was pinned goes before it: a pin that follows begins a run of its own, which takes the viewer off the page. */
  #walkTo(id) {
    this.view.teller.tellNow();
    this.setStateValue("step", { id, at: Date.now() });
  }

  #view(mode) {
    const view = new (mode === "compare" ? Comparison : Viewer)(this.parent, {
      onpin: (message) => this.#send(message), ontour: (stops) => this.#keepTour(stops), lasts: LASTS,
    });
    view.root.hidden = true;
    return view;
  }

  #openOne({ bundle, photos }) {
    this.block = this.wanted.block;
    const beginning = this.#beginning();
    this.view.open(bundle, photos, beginning);
    if (JSON.stringify(beginning.tour) !== JSON.stringify(this.wanted.tour?.stops ?? null)) this.setStateValue("tour", beginning.tour);
    if (this.block) this.view.showBlock(this.block);
  }

  #beginning() {
    const { query, tour } = this.wanted;
    return { asked: query, tour: (tour && (recallTour(tour.clip) ?? tour.stops)) ?? null };
  }

  #keepTour(stops) {
    if (this.wanted.tour) rememberTour(this.wanted.tour.clip, stops);
    this.setStateValue("tour", stops);
  }

  /** Panes with their bundles, each fetched once, and with the photographs of each clip, decoded once. */
  async #panes(wanted, signal) {
    const bundles = new Map();
    for (const pane of wanted) {
      const known = bundles.get(pane.id) ?? this.bundles.get(pane.id);
      bundles.set(pane.id, known ?? parseBundle(await this.#bytes(pane, signal)));
    }
    this.bundles = bundles;
    const photos = new Map();
    for (const { id, clip } of wanted) if (!photos.has(clip)) photos.set(clip, await decodePhotos(bundles.get(id)));
    return wanted.map(({ id, clip, title, block }) => ({ title, clip, block, bundle: bundles.get(id), photos: photos.get(clip) }));
  }

  /** Same bundle, maybe another question: one that Python set is adopted, the echo of our own is not. */
  #follow() {
    const { query = null, block } = this.wanted;
    const [asked, shown] = [nameOf(query), this.block];
    this.block = block;
    const echoed = asked === this.query ? -1 : this.sent.indexOf(asked);
    if (echoed >= 0) {
      this.query = asked;
      this.sent.splice(0, echoed + 1);
      return;
    }
    if (asked !== this.query) this.view.adopt(query);
    if (block && block !== shown) this.view.showBlock(block);
    this.query = asked;
  }

  /** Tell Python a pin. One that is set while the next step opens is not told: that step opens with the question that it was asked for with. */
  #send(message) {
    if (this.lesson?.isBusy) return;
    this.sent = [...this.sent, nameOf(message)].slice(-REMEMBERED_PINS);
    this.setStateValue("pinned", message);
  }

  #bytes(data, signal) {
    const bytes = bytesIn(data);
    if (bytes) return bytes;
    return fetchBytes(data.url, {
      signal,
      onprogress: (loaded, total) => this.#report(`Loading the attention data: ${megabytes(loaded)}${total ? ` of ${megabytes(total)}` : ""}`),
    });
  }

  #report(text, retry) {
    this.status.hidden = text === "";
    say(this.status, text);
    if (retry) this.status.append(" ", el("button", { type: "button", class: "nlv-button", onclick: retry }, "Try again"));
  }
}

/** Resolves once the browser had the time to show what was drawn. */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

/** Light text means a dark theme: the browser's own sliders and menus follow it. */
function schemeOf(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 382 ? "dark" : "light";
}

/** A question as text, equal for equal questions whatever happened to the order of its fields on the way. */
function nameOf(question) {
  if (!question) return "";
  const { frame, x, y, also = [], minus = [], beside = [], temperature = 1, hops = 1, asker = "", block, direction = "", view = "" } = question;
  const points = [[[frame, x, y], ...also], minus, ...beside].map((some) => some.map(([f, u, v]) => [f, u.toFixed(5), v.toFixed(5)].join()).join(";"));
  return [...points, temperature, hops, asker, direction, view, block ?? ""].join(" ");
}

/** A bundle that came with the data itself: bytes, or an Arrow table with one binary cell. */
function bytesIn(data) {
  const value = data.bytes ?? data;
  const bytes = typeof value.getChildAt === "function" ? value.getChildAt(0).get(0) : value;
  if (bytes instanceof ArrayBuffer) return bytes;
  return ArrayBuffer.isView(bytes) ? bytes.slice().buffer : null;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
