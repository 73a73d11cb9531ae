// The page without a server: samples, files and a camera, run through a network in this browser and asked in the viewer.

import { el, menu, say } from "../drawing/dom.js";
import { Photographs } from "../drawing/photograph.js";
import { multiplyBy } from "../model/affinity.js";
import { apartTitles } from "../model/comparison_report.js";
import { liveBundle } from "../model/live.js";
import { memoryWords, pageBytes, runBytes } from "../model/memory.js";
import { quickProducts } from "../model/quick_products.js";
import { inputOf } from "../model/scaling.js";
import { KeepMenu } from "../controls/keep_menu.js";
import { Camera } from "./camera.js";
import { Comparison } from "./comparison.js";
import { checkBrowser, Engines } from "./engines.js";
import { fetched } from "./load.js";
import { FRAMES, copies, filmedClip, ownClip, sampleClip } from "./site_clips.js";
import { recallTour, rememberTour } from "./tour_memory.js";
import { Viewer } from "./viewer.js";

/** The camera's pictures go in smaller, so that the answer keeps up with them. */
const CAMERA_SHORT_SIDE = 128;
const COMPARES = "Every network's answer to one question, side by side; the trunk runs once for all";
const LASTS = "Kept while this browser tab is open. To take the tour along: Keep, as a live page (HTML).";
/** Letters of a clip's name that the menu shows, and those that a file keeps. */
const MOST_SHOWN = 32;
const MOST_NAMED = 60;
const OPENED = "pictures and clips: drop, paste, or open a file";

class Site {
  #made = 0;
  #ran = 0;
  #opening = new AbortController();

  constructor(host, facts, script) {
    Object.assign(this, { host, facts, clip: null, seen: {}, frozen: false, network: facts.networks[0], asked: null, camera: new Camera() });
    const hooks = { tell: (stage, done, total) => this.#tell(stage, done, total), oncolumn: (column) => this.#column(column) };
    this.engines = new Engines(script, facts, { at: addressOf, hooks, onchange: (sentence) => say(document.getElementById("engine"), sentence) });
    this.file = el("input", { type: "file", accept: "image/*,video/*", class: "site-file", id: "own", onchange: () => this.#chosen() });
    this.clips = menu("Clip", facts.samples.map(({ title }) => title), (index) => index < facts.samples.length && this.openSample(facts.samples[index], facts.samples[index].pin));
    this.networks = menu("Network", facts.networks.map(({ model }) => model.title), (index) => this.choose(facts.networks[index]));
    const onTrunk = facts.networks.filter(({ filter }) => !filter);
    this.compared = onTrunk.length > 1 ? onTrunk : facts.networks;
    this.comparing = false;
    this.compare = el("button", { type: "button", class: "nlv-button", "aria-pressed": "false", "aria-label": "Compare networks", hidden: this.compared.length < 2, title: COMPARES, onclick: () => this.turnComparison() }, "Compare");
    this.live = el("button", { type: "button", class: "nlv-button", onclick: () => this.turnCamera() });
    this.cancel = el("button", { type: "button", class: "nlv-button", onclick: () => this.stop() }, "Cancel");
    this.keep = new KeepMenu({ make: (file) => this.#keepFile(file), link: () => (this.clip?.id ? location.href : null), can: () => Boolean(this.view.drawn) });
    this.status = el("span", { role: "status" });
    this.bar = el("progress", { max: "1", "aria-label": "Progress" });
    this.working = el("div", { class: "site-working" }, this.bar, this.status, this.cancel);
    this.fault = el("p", { role: "alert", class: "site-fault", hidden: true });
    const open = el("label", { class: "nlv-button site-open", for: "own", title: OPENED }, this.file, "Open a picture or clip…");
    const labelled = (words, control, name) => el("label", { class: `site-choice ${name}` }, el("span", {}, words), control);
    const stand = el("div", { class: "site-stand nlv-status" }, this.working, this.fault);
    host.replaceChildren(
      el("div", { class: "site-bar nlv-status" }, labelled("Clip", this.clips.root, "site-clip"), open, this.live, this.keep.root, labelled("Network", this.networks.root, "site-network"), this.compare), stand, el("div", { class: "site-viewer" }),
    );
    this.#stand();
    this.#sayCamera();
    this.#rest();
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => (event.preventDefault(), this.#take(event.dataTransfer.files)));
    addEventListener("paste", (event) => this.#take(event.clipboardData.files));
    addEventListener("hashchange", () => location.reload()); // another link was put into the address bar; the page's own changes fire nothing
    addEventListener("beforeunload", () => this.camera.close());
  }

  /** Begin with what the address says: a sample, a network and a pinned question. */
  async begin() {
    const said = new URLSearchParams(location.hash.slice(1));
    const index = Math.max(this.facts.samples.findIndex(({ id }) => id === said.get("clip")), 0);
    this.network = this.facts.networks.find(({ model }) => model.id === said.get("model")) ?? this.network;
    this.networks.press(this.facts.networks.indexOf(this.network));
    if (said.get("compare") !== null) await this.turnComparison(true);
    this.clips.press(index);
    this.asked = questionIn(said.get("pin")) ?? this.facts.samples[index].pin ?? null;
    await this.openSample(this.facts.samples[index], this.asked);
  }

  openSample(sample, asked = null) {
    return this.#open((signal) => sampleClip(sample, { signal }), asked);
  }

  async openOwn(file) {
    await this.#open((signal) => ownClip(file, { tell: (stage, done, total) => this.#tell(stage, done, total), signal }));
    if (this.clip?.id === null) this.#sayOwn(`Yours: ${this.clip.media.name.slice(0, MOST_SHOWN)}`);
  }

  /** Show every network's answer to one question, or one network again. */
  async turnComparison(on = !this.comparing) {
    if (on === this.comparing) return;
    this.stop();
    this.camera.close();
    this.comparing = on;
    this.compare.setAttribute("aria-pressed", String(on));
    this.networks.root.disabled = on;
    this.#stand();
    this.#keepAddress();
    if (this.clip) await this.#show(this.asked && { ...this.asked, block: undefined });
  }

  /** Put the view of one network, or of all, in the place of the other. */
  #stand() {
    this.view?.destroy();
    const onpin = (message) => this.#pinned(message);
    const ontour = (stops) => this.clip?.id && rememberTour(this.clip.id, stops);
    this.view = this.comparing ? new Comparison(this.host.lastChild, { onpin }) : new Viewer(this.host.lastChild, { onpin, ontour, lasts: LASTS });
    this.view.root.hidden = true;
  }

  async choose(network) {
    this.network = network;
    this.#keepAddress();
    if (this.clip && !this.camera.isOn) await this.#show(this.asked && { ...this.asked, block: undefined });
  }

  stop() {
    this.#opening.abort();
    this.engines.worker.cancel();
    this.#rest();
  }

  async turnCamera() {
    if (this.camera.isOn) {
      this.frozen = true;
      return this.camera.close();
    }
    this.stop();
    this.turnComparison(false);
    this.frozen = false;
    this.seen = {};
    this.#refuse("");
    try {
      await this.camera.open();
      this.#sayCamera();
      this.#sayOwn("Your camera");
      await this.#film();
    } catch (error) {
      this.#refuse(error.message);
    }
    this.camera.close();
    this.#sayCamera();
  }

  /** Show the camera's last frames until it is closed, then run them once more at full size. */
  async #film() {
    const kept = [];
    let [network, leaving] = [null, null];
    while (this.camera.isOn) {
      if (this.engines.turn()) network = null;
      kept.push(await this.camera.take());
      const gone = kept.length > FRAMES ? kept.shift() : null;
      this.clip = filmedClip(kept);
      const isSame = network === this.network;
      ({ network } = this);
      const inputHw = inputOf(this.clip.media.shown_hw, { ...this.#inputOf(network), short_side: CAMERA_SHORT_SIDE });
      const frames = await copies((isSame ? kept.slice(-1) : kept).map(({ bitmap }) => bitmap));
      const asks = { clip: (this.#ran += 1), frames, keep: kept.length - frames.length, inputHw, network, passes: true };
      const running = this.engines.worker.run(asks).catch((error) => {
        if (!this.engines.leave(error)) throw error;
        network = null; // all frames go in again
      });
      this.#photosOf(this.clip).of(kept.length - 1, true); // muted meanwhile: not in the drawing, which the pointer waits for
      const tables = await running;
      if (tables === undefined) continue;
      if (!tables) break;
      const asked = { x: 0.5, y: 0.5, ...this.asked, frame: kept.length - 1 };
      this.#draw(this.clip, { network, tables, inputHw, asked, pinned: this.asked !== null, goesOn: isSame });
      leaving?.bitmap.close(); // which the view showed until the last turn
      leaving = gone;
      this.#rest();
    }
    if (!this.frozen || !kept.length) return; // another clip was opened
    this.#sayCamera();
    await this.#show(this.asked && { ...this.asked, frame: kept.length - 1 }, { goesOn: network === this.network });
  }

  async #open(read, asked = null) {
    this.camera.close();
    this.stop();
    this.#refuse("");
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    this.#tell("Opening the clip", 0, 1);
    try {
      const clip = await read(signal);
      if (signal.aborted) return;
      this.clip = clip;
      this.asked = asked;
      await this.#show(asked);
    } catch (error) {
      if (!signal.aborted) this.#refuse(error.message);
      this.#rest();
    }
  }

  /** Run what is to be seen on the clip and show it; frames that went through the trunk already stay with the worker. */
  async #show(asked = null, { goesOn = false } = {}) {
    if (this.engines.turn()) this.seen = {};
    const { clip } = this;
    const [answers, networks] = [[], this.comparing ? this.compared : [this.network]];
    this.#refuse(this.#forecast(clip, networks));
    if (!this.fault.hidden) return this.#rest();
    try {
      if (!Object.values(this.seen).includes(clip)) this.#ran += 1;
      for (const network of networks) {
        const by = network.filter ? "pixels" : "trunk";
        const isNew = this.seen[by] !== clip;
        const inputHw = inputOf(clip.media.shown_hw, this.#inputOf(network));
        const tables = await this.engines.worker.run({ clip: this.#ran, frames: isNew ? await copies(clip.bitmaps) : [], keep: isNew ? 0 : clip.bitmaps.length, inputHw, network });
        if (!tables) return;
        this.seen[by] = clip;
        answers.push({ network, tables, inputHw });
      }
      if (this.comparing) this.#drawAll(clip, answers, asked);
      else this.#draw(clip, { ...answers[0], asked, pinned: true, goesOn });
      this.#rest();
      this.engines.worker.columns([...this.bundles].map(([file, { blocks }]) => ({ file, scales: blocks.filter(({ softmax }) => softmax).map(({ name, scale }) => [name, scale]) })));
      this.#tryGraphics(clip, answers);
    } catch (error) {
      if (this.engines.leave(error)) {
        this.seen = {};
        return this.#show(asked);
      }
      this.#refuse(error.message);
      this.#rest();
    }
  }

  /** Why networks are not run on a clip, empty where there is memory for it. */
  #forecast({ media, bitmaps }, networks) {
    const runs = networks.map((network) => ({ frames: bitmaps.length, inputHw: inputOf(media.shown_hw, this.#inputOf(network)), filter: network.filter, adds: network.blocks.filter(({ status }) => status !== "parameter_free").length }));
    return memoryWords(runBytes(runs, bitmaps.length * media.shown_hw[0] * media.shown_hw[1]), pageBytes(navigator.deviceMemory));
  }

  /** Let WebGPU answer the question that WebAssembly answered, once. */
  #tryGraphics(clip, answers) {
    const shown = answers.find(({ network }) => !network.filter);
    if (!shown) return;
    const { network, inputHw } = shown;
    this.engines.tryGraphics(this.bundles.get(network.file), async (worker) => {
      const tables = await worker.run({ clip: 0, frames: await copies(clip.bitmaps), keep: 0, inputHw, network });
      return liveBundle({ id: "tried", media: clip.media, frames: clip.bitmaps, view: clip.view, network, look: this.facts.look, tables, inputHw });
    });
  }

  #inputOf({ input }) {
    return input ?? this.facts.input;
  }

  /** `goesOn`: the clip is the one on screen some moments later. */
  #draw(clip, { network, tables, inputHw, asked, pinned, goesOn = false }) {
    const view = asked && !pinned ? { ...clip.view, query: asked } : clip.view;
    const bundle = this.#bundle(clip, { network, tables, inputHw, view });
    this.bundles = new Map([[network.file, bundle]]);
    this.shown = { clip, network, inputHw, device: network.filter ? "the browser" : `the browser, by onnxruntime-web (${this.engines.name})` };
    this.view.root.hidden = false;
    if (goesOn) this.view.goOn(bundle, this.#photosOf(clip));
    else this.view.open(bundle, this.#photosOf(clip), { asked: pinned ? asked : null, tour: clip.id && recallTour(clip.id) });
  }

  /** A pane for each network, of the last block that all have; where they share none, of the one that each shows first. */
  #drawAll(clip, answers, asked) {
    const shared = answers[0].network.blocks.map(({ name }) => name).findLast((name) => answers.every(({ network }) => network.blocks.some((block) => block.name === name)));
    const photos = this.#photosOf(clip);
    this.bundles = new Map(answers.map((answer) => [answer.network.file, this.#bundle(clip, { ...answer, view: clip.view })]));
    const titles = apartTitles(answers.map(({ network }) => network.model.title));
    const panes = answers.map(({ network }, i) => (
      { title: titles[i], clip: this.#made, bundle: this.bundles.get(network.file), photos, block: shared ?? network.shown }
    ));
    this.view.root.hidden = false;
    this.view.open(panes, { asked, tour: clip.id && recallTour(clip.id) });
  }

  #photosOf({ bitmaps }) {
    return new Photographs(bitmaps, this.facts.look, { lent: true });
  }

  #bundle(clip, { network, tables, inputHw, view }) {
    this.#made += 1;
    const bundle = liveBundle({ id: `page-${this.#made}`, media: clip.media, frames: clip.bitmaps, view, network, look: this.facts.look, tables, inputHw });
    bundle.awaitsColumns = bundle.blocks.some(({ softmax }) => softmax);
    return bundle;
  }

  /** Make a file of what is on screen and hand it to the reader. */
  async #keepFile({ suffix, make }) {
    const { drawn } = this.view;
    this.#refuse("");
    try {
      this.#tell("Making the file", 0, 1);
      const { versions, frame } = this.facts;
      const content = await make(drawn, { ...this.shown, versions, frame: async () => (await fetched(frame)).text() });
      const href = URL.createObjectURL(content);
      el("a", { href, download: `${stemOf(drawn)}${suffix}` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser reads it after the click
    } catch (error) {
      this.#refuse(error.message);
    }
    this.#rest();
  }

  #column(column) {
    if (column) this.bundles.get(column.file).blocks.find(({ name }) => name === column.name).logNormaliser = column.values;
    else {
      for (const bundle of this.bundles.values()) bundle.awaitsColumns = false;
      this.view.refresh();
      this.view.root.dataset.columns = [...this.bundles.values()].at(-1).id;
    }
  }

  #take(files) {
    if (files?.length) this.openOwn(files[0]);
  }

  /** Open what was chosen, and forget its name: a browser does not tell of the same file a second time. */
  #chosen() {
    this.#take(this.file.files);
    this.file.value = "";
  }

  #pinned(message) {
    this.asked = message;
    this.#keepAddress();
  }

  #keepAddress() {
    const said = new URLSearchParams();
    if (this.clip?.id) said.set("clip", this.clip.id);
    if (this.network !== this.facts.networks[0]) said.set("model", this.network.model.id);
    if (this.comparing) said.set("compare", "networks");
    if (this.asked && this.clip?.id) said.set("pin", JSON.stringify(this.asked));
    history.replaceState(null, "", `#${said}`);
  }

  #sayOwn(name) {
    this.clips.press(this.facts.samples.length, [...this.facts.samples.map(({ title }) => title), name]);
    this.#keepAddress();
  }

  #sayCamera() {
    say(this.live, this.camera.isOn ? "❚❚ Freeze" : "Camera");
    this.live.title = this.camera.isOn ? "Keep these frames, and let go of the camera" : `Ask in the last ${FRAMES} frames of the camera, while they come`;
  }

  #tell(stage, done, total) {
    if (this.camera.isOn && this.view.isOpen) return;
    this.working.hidden = false;
    this.bar.value = done / total;
    say(this.status, `${stage}…`);
  }

  #rest() {
    this.working.hidden = true;
    say(this.status, "");
  }

  #refuse(sentence) {
    this.fault.hidden = sentence === "";
    say(this.fault, sentence);
  }
}

/** The beginning of a file's name: clip and network. */
function stemOf({ bundle: { media, model } }) {
  const plain = media.name.replace(/\.\w{2,4}$/, "").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, MOST_NAMED);
  return `${plain || "clip"}-${model.id}`;
}

/** A pinned question from the address; null for what is none. */
function questionIn(text) {
  try {
    const asked = JSON.parse(text);
    const isOne = asked && [asked.x, asked.y].every((at) => at >= 0 && at <= 1) && Number.isInteger(asked.frame) && asked.frame >= 0;
    return isOne ? asked : null;
  } catch {
    return null;
  }
}

/** The address of a file of the page. */
function addressOf(file) {
  return new URL(file, document.baseURI).href;
}

/** The worker runs from a blob, so that the page's own policy holds for it too. */
async function startSite() {
  const host = document.getElementById("viewer");
  try {
    checkBrowser();
    multiplyBy(quickProducts());
    const facts = await (await fetched(document.body.dataset.site)).json();
    const script = await (await fetched(facts.worker)).blob();
    for (const network of facts.networks) if (!network.filter) network.file = addressOf(network.file);
    await new Site(host, facts, script).begin();
    navigator.serviceWorker?.register("offline.js").catch(({ message }) => console.info(`This page is not kept for reading offline. ${message}`));
  } catch (error) {
    host.replaceChildren(el("p", { role: "alert", class: "nlv-failed" }, `The page could not start. ${error.message}`));
  }
}

startSite();
