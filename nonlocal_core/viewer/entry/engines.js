// What runs the networks of a page: WebAssembly from the start, and WebGPU once it gave the same rows on the clip on screen.

import { cellOf } from "../model/grid.js";
import { rowApart } from "../model/rows_apart.js";
import { NetworkWorker } from "./network_worker.js";

const MOST_THREADS = 4;
/** Largest difference that a row by WebGPU may have, as a part of its largest weight, and rows of each block that are compared. */
const MOST_APART = 1e-3;
const ROWS_COMPARED = 8;
const TOO_OLD = "This browser is too old for it: it needs WebAssembly with SIMD, workers that are modules, and pictures drawn beside the page. Update the browser, or open the page in another one.";
/** A function that makes a vector and counts its bits, in WebAssembly with SIMD. */
const WITH_SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

/** Make sure that this browser runs the page. Throws an Error that a person can read. */
export function checkBrowser() {
  if (!globalThis.OffscreenCanvas || !globalThis.WebAssembly?.validate(WITH_SIMD) || !Array.prototype.findLast) throw new Error(TOO_OLD);
}

export class Engines {
  #found = null;
  #isTried = false;

  /**
   * `script` is the worker's, `facts` what the page knows of its files, `at(file)` the address of one, `hooks` what a NetworkWorker
   * tells; `onchange(sentence)` hears what runs the networks.
   */
  constructor(script, { runtime, with_gpu: withGpu, files }, { at, hooks, onchange }) {
    this.script = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS) : 1;
    Object.assign(this, { runtime, withGpu, files, at, hooks, onchange });
    this.worker = this.#begin(runtime, "wasm", this.hooks);
    this.#say("");
  }

  /** What runs the networks now, in words. */
  get name() {
    if (this.worker.provider === "webgpu") return "WebGPU";
    return `WebAssembly, ${this.threads === 1 ? "one thread" : `${this.threads} threads`}`;
  }

  /**
   * Try WebGPU, once: `run(worker)` gives the bundle that it makes of what `bundle` was made of. It is taken at the next `turn`
   * if the rows of both are the same; else `onchange` hears why not.
   */
  async tryGraphics(bundle, run) {
    if (this.#isTried) return;
    this.#isTried = true;
    let worker = null;
    try {
      if (!this.withGpu) throw new Error("this page was written without it");
      await findAdapter();
      worker = this.#begin(this.withGpu, "webgpu", { tell: () => {}, oncolumn: () => {} });
      await compareRows(bundle, await run(worker));
      this.#found = worker;
      navigator.serviceWorker?.ready.then(({ active }) => active.postMessage("later"));
    } catch (error) {
      worker?.close();
      this.#say(error.message);
    }
  }

  /** Take WebGPU where it was found good. Returns whether the worker is another one, which saw no frames yet. */
  turn() {
    if (!this.#found) return false;
    this.#take(this.#found);
    this.#found = null;
    this.#say("");
    return true;
  }

  /** Go back to WebAssembly from WebGPU that failed. Returns whether it did, so that the run is worth another try. */
  leave(error) {
    if (this.worker.provider === "wasm") return false;
    this.#take(this.#begin(this.runtime, "wasm", this.hooks));
    this.#say(`it failed. ${error.message}`);
    return true;
  }

  #take(worker) {
    this.worker.close();
    this.worker = Object.assign(worker, this.hooks);
  }

  #begin(runtime, provider, hooks) {
    const addresses = (some) => Object.fromEntries(Object.entries(some).map(([name, file]) => [name, this.at(file)]));
    let isModule = false;
    const worker = new Worker(this.script, { get type() { isModule = true; return "module"; } }); // who does not ask knows no modules
    if (!isModule) throw new Error(TOO_OLD);
    worker.postMessage({ kind: "begin", runtime: addresses(runtime), files: addresses(this.files), threads: this.threads, provider });
    return new NetworkWorker(worker, { ...hooks, provider });
  }

  #say(why) {
    this.onchange(`The network runs on ${this.name}.${why && ` WebGPU is not used: ${why}${why.endsWith(".") ? "" : "."}`}`);
  }
}

/** Make sure that WebGPU is there and no imitation. Throws an Error with the second half of a sentence. */
async function findAdapter() {
  if (!navigator.gpu) throw new Error("this browser has none");
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("this computer gives the browser none");
  if (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) throw new Error("this computer has it in software alone");
}

/** Compare rows of all blocks of two bundles. Throws an Error that says where they differ. */
async function compareRows(bundle, other) {
  for (const [index, block] of bundle.blocks.entries()) {
    const { frames, rows, cols } = block.query_grid;
    for (let row = 0; row < ROWS_COMPARED; row++) {
      const cell = cellOf(block.query_grid, Math.floor(((row + 0.5) * frames * rows * cols) / ROWS_COMPARED));
      const apart = rowApart(block, other.blocks[index], cell);
      if (!(apart <= MOST_APART)) throw new Error(`its weights differ by up to ${(100 * apart).toFixed(1)} % of the largest`);
      await new Promise((resolve) => setTimeout(resolve)); // the pointer goes first
    }
  }
}
