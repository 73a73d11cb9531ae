// Products of one vector with many rows of a table by WebAssembly, about seven times as fast as without: of what a row of the
// affinity costs, most. For pages whose policy lets WebAssembly run.

import { plainProducts } from "./affinity.js";
import { kernelOver } from "./simd_kernel.js";

/** Bytes of tables that are kept beside the kernel, unless one alone has more. */
const MOST_TABLES = 64 * 2 ** 20;
/** Rows that the kernel reads and writes past the last one. */
const ROWS_PAST = 3;
const PAGE = 2 ** 16;
/** Numbers of a row from which the kernel is worth its call. */
const LEAST_CHANNELS = 16;

/** What multiplies by WebAssembly where it can, as plainProducts does: (scores, { vector, table, channels, first, step, scale }). */
export function quickProducts() {
  const tables = kernelTables();
  return (scores, asked) => {
    const suits = asked.step === 1 && asked.channels % 2 === 0 && asked.channels >= LEAST_CHANNELS && scores.length > 0;
    if (!tables || !suits || !tables.multiply(scores, asked)) plainProducts(scores, asked);
  };
}

/** Null where the browser or a policy of the host has no WebAssembly, or no memory for it. */
function kernelTables() {
  try {
    const memory = new WebAssembly.Memory({ initial: 1 });
    return new KernelTables(memory, kernelOver(memory));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Tables that lie in the kernel's memory, behind a vector and its scores. Where there is no more room, all leave. */
class KernelTables {
  #places = new WeakMap();
  #start = 0;
  #end = 0;

  constructor(memory, kernel) {
    Object.assign(this, { memory, kernel });
  }

  /** Write the scores of the rows from `first` on; returns whether there was memory for it. */
  multiply(scores, { vector, table, channels, first, scale }) {
    const out = 8 * channels;
    if (!this.#hold(table, out + 8 * (scores.length + ROWS_PAST), 4 * channels * ROWS_PAST)) return false;
    const { buffer } = this.memory;
    new Float64Array(buffer, 0, channels).set(vector);
    this.kernel(0, this.#places.get(table) + 4 * channels * first, out + 8 * scores.length, 4 * channels, out, scale);
    scores.set(new Float64Array(buffer, out, scores.length));
    return true;
  }

  /** Have a table in the memory, behind `before` bytes and with `past` more after it. */
  #hold(table, before, past) {
    if (before > this.#start) this.#clear(before);
    if (this.#places.has(table)) return true;
    if (this.#end + table.byteLength > MOST_TABLES) this.#clear(this.#start);
    if (!this.#reach(this.#end + table.byteLength + past)) return false;
    new Float32Array(this.memory.buffer, this.#end, table.length).set(table);
    this.#places.set(table, this.#end);
    this.#end += table.byteLength;
    return true;
  }

  #clear(start) {
    this.#places = new WeakMap();
    this.#start = this.#end = start;
  }

  #reach(bytes) {
    const more = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    try {
      if (more > 0) this.memory.grow(more);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}
