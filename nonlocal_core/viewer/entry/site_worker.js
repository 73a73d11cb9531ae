// The network in the page, away from the page's own thread: frames come in, tables of theta and phi go out.
//
// Messages in: { kind: "begin", runtime, files, threads, provider }; { kind: "run", job, clip, frames, keep, inputHw, network, passes } with new
// frames as bitmaps, before which the last `keep` of the earlier ones stay, those that the trunk saw and those that filters saw apart; what
// `passes` is asked no columns;
// { kind: "columns", job, wanted } with { file, scales } of each network, which ran on these frames; { kind: "cancel", job }.
// Out: { job, progress | tables | column | failed }. A job ends when the next one begins.

import { pixelGrid, pixelTables, pooledPixels } from "../model/pixel_tables.js";
import { scaled } from "../model/scaling.js";
import { rgbaOf } from "./bitmap_bytes.js";

/** Multiply-adds of one block, and rows of scores that are held at once: as Python bounds them. */
const MOST_PRODUCTS = 6e10;
const ROWS_AT_ONCE = 512;
/** What the engine writes to the console: which small parts of a graph run beside the graphics processor is no fault. */
const ERRORS_ALONE = 3;

class Runner {
  #sessions = new Map();
  #features = [];
  #pixels = [];
  #clip = null;
  #tables = new Map();
  #job = 0;

  constructor(post) {
    this.post = post;
  }

  async take(message) {
    if (message.kind === "begin") return void (this.started = this.#begin(message));
    const { job } = message;
    this.#job = job;
    if (message.kind === "cancel") return;
    try {
      if (!message.network?.filter) await this.started; // the engine, which a filter needs for columns alone
      if (message.kind === "columns") return void await this.#columns(message);
      if (message.clip !== this.#clip) this.#tables.clear();
      this.#clip = message.clip;
      const tables = await (message.network.filter ? this.#filtered(message) : this.#run(message));
      const kept = new Map([...tables].filter(([name]) => !message.passes && hasColumns(tables, name.replace(/^\w+:/, ""))));
      this.#tables.set(message.network.file, kept);
      this.post({ job, tables }, buffersOf(tables, kept));
    } catch (error) {
      if (error !== ENDED) this.post({ job, failed: sentenceOf(error) });
    }
  }

  async #begin({ runtime, files, threads, provider }) {
    Object.assign(this, { files, provider });
    this.ort = await import(runtime.script);
    Object.assign(this.ort.env.wasm, { wasmPaths: { wasm: runtime.wasm }, numThreads: threads, proxy: false });
  }

  async #run({ job, frames, keep, inputHw, network }) {
    const tell = (stage, done, total) => this.post({ job, progress: { stage, done, total } });
    tell("Loading the network", 0, 2);
    const trunk = await this.#session(this.files.trunk);
    tell("Loading the network", 1, 2);
    const blocks = await this.#session(network.file);
    const features = keep ? this.#features.slice(-keep) : [];
    for (const [index, frame] of frames.entries()) {
      tell("Running the network", index, frames.length + 1);
      await this.#breathe(job);
      features.push(await this.#see(trunk, frame, inputHw));
      frame.close();
    }
    this.#features = features;
    tell("Comparing all positions", frames.length, frames.length + 1);
    await this.#breathe(job);
    const made = await blocks.run({ stride8: this.#joined(features, "stride8"), stride16: this.#joined(features, "stride16") });
    return new Map(Object.entries(made).map(([name, { data, dims }]) => [name, { values: data, rows: dims[0] }]));
  }

  /** Tables of a filter over pixels, which needs no engine. */
  async #filtered({ job, frames, keep, inputHw, network: { filter } }) {
    const tell = (stage, done, total) => this.post({ job, progress: { stage, done, total } });
    const pixels = keep ? this.#pixels.slice(-keep) : [];
    for (const [index, frame] of frames.entries()) {
      tell("Reading the pixels", index, frames.length + 1);
      await this.#breathe(job);
      pixels.push(pixelsOf(frame, inputHw));
      frame.close();
    }
    this.#pixels = pixels;
    const grid = pixelGrid(pixels.length, inputHw, filter.most);
    const pooled = pixels.map((each) => pooledPixels(each, inputHw, grid));
    const tables = new Map();
    for (const [name, vectors] of Object.entries(filter.vectors)) {
      tell("Comparing all positions", frames.length, frames.length + 1);
      await this.#breathe(job);
      const { theta, phi } = pixelTables(pooled, grid, vectors);
      tables.set(`theta:${name}`, theta).set(`phi:${name}`, phi);
    }
    return tables;
  }

  /** The features of one frame. */
  async #see(trunk, frame, inputHw) {
    return trunk.run({ frame: new this.ort.Tensor("uint8", pixelsOf(frame, inputHw), [1, ...inputHw, 3]) });
  }

  #joined(features, name) {
    const { dims } = features[0][name];
    const size = features[0][name].data.length;
    const all = new Float32Array(size * features.length);
    features.forEach((each, index) => all.set(each[name].data, index * size));
    return new this.ort.Tensor("float32", all, [features.length, ...dims.slice(1)]);
  }

  /** The normaliser of each block with a softmax, which a column needs. */
  async #columns({ job, wanted }) {
    const normaliser = await this.#session(this.files.normaliser);
    for (const { file, scales } of wanted) {
      for (const [name, scale] of scales) {
        const values = await this.#normalised(job, normaliser, this.#tables.get(file), { name, scale });
        if (values) this.post({ job, column: { file, name, values } });
      }
    }
    this.#tables.clear(); // the page has what they were kept for
    this.post({ job, column: null });
  }

  /** That of one block, null where it costs too much. */
  async #normalised(job, normaliser, tables, { name, scale }) {
    if (!hasColumns(tables, name)) return null;
    const theta = tables.get(`theta:${name}`);
    const phi = tables.get(`phi:${name}`) ?? theta;
    const { rows } = theta;
    const channels = theta.values.length / rows;
    const { Tensor } = this.ort;
    const keys = { phi: new Tensor("float32", phi.values, [phi.rows, channels]), scale: new Tensor("float32", Float32Array.of(scale), []) };
    const values = new Float32Array(rows);
    for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
      await this.#breathe(job);
      const some = theta.values.subarray(from * channels, Math.min(from + ROWS_AT_ONCE, rows) * channels);
      const { log_normaliser: sums } = await normaliser.run({ ...keys, theta: new Tensor("float32", some, [some.length / channels, channels]) });
      values.set(sums.data, from);
    }
    return values;
  }

  async #session(file) {
    if (!this.#sessions.has(file)) this.#sessions.set(file, this.#load(file));
    try {
      return await this.#sessions.get(file);
    } catch (error) {
      this.#sessions.delete(file); // the next one may succeed
      throw error;
    }
  }

  async #load(file) {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`The server answered ${response.status} for a part of the network.`);
    return this.ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()), { executionProviders: [this.provider], logSeverityLevel: ERRORS_ALONE });
  }

  /** Let messages in; ends a job that another one has replaced. */
  async #breathe(job) {
    await new Promise((resolve) => setTimeout(resolve));
    if (job !== this.#job) throw ENDED;
  }
}

/** A frame at the size of the input, bytes (h, w, 3). */
function pixelsOf(frame, inputHw) {
  return scaled(rgbaOf(frame), [frame.height, frame.width], inputHw);
}

/** Whether the columns of a block are computed, for which its tables stay here. */
function hasColumns(tables, name) {
  const theta = tables.get(`theta:${name}`);
  return Boolean(theta) && theta.rows * (tables.get(`phi:${name}`) ?? theta).values.length <= MOST_PRODUCTS;
}

/** Memory of tables that are no longer needed here: it goes to the page instead of being copied. */
function buffersOf(tables, kept) {
  const staying = new Set([...kept.values()].map(({ values }) => values.buffer));
  return [...new Set([...tables.values()].map(({ values }) => values.buffer))].filter((buffer) => !staying.has(buffer));
}

const ENDED = Symbol("another job began");

function sentenceOf(error) {
  const said = String(error?.message ?? error);
  if (/alloc|memory|out of bounds/i.test(said)) return "The memory of this browser does not suffice. Take fewer frames, or close other pages.";
  return `The network could not run. ${said}`;
}

const runner = new Runner((message, moved = []) => self.postMessage(message, moved));
self.onmessage = ({ data }) => runner.take(data);
