// The page's end of the worker that runs the network (site_worker.js): jobs as promises, of which the last one counts.

export class NetworkWorker {
  #job = 0;
  #waiting = null;

  /**
   * `tell(stage, done, total)` hears of progress, `oncolumn({ file, name, values })` of a normaliser, and of null after the last.
   * `provider` is what the worker runs on: wasm or webgpu.
   */
  constructor(worker, { tell, oncolumn, provider }) {
    Object.assign(this, { worker, tell, oncolumn, provider, name });
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => this.#end(new Error(`The network's own thread could not start. ${event.message ?? ""}`.trim()));
  }

  /** Run a network; resolves to its tables, or to null where another job began before. */
  run(asked) {
    return new Promise((resolve, reject) => {
      this.cancel();
      this.#waiting = { resolve, reject };
      this.worker.postMessage({ kind: "run", job: this.#job, ...asked }, asked.frames ?? []);
    });
  }

  /** Ask for the normalisers of networks that ran on the frames of the last run, { file, scales } each. */
  columns(wanted) {
    this.worker.postMessage({ kind: "columns", job: this.#job, wanted });
  }

  cancel() {
    this.#job += 1;
    this.#waiting?.resolve(null);
    this.#waiting = null;
    this.worker.postMessage({ kind: "cancel", job: this.#job });
  }

  /** End the worker, and what it runs. */
  close() {
    this.cancel();
    this.worker.terminate();
  }

  #hear({ job, progress, tables, column, failed }) {
    if (job !== this.#job) return;
    if (progress) this.tell(progress.stage, progress.done, progress.total);
    else if (column !== undefined) this.oncolumn(column);
    else if (failed) this.#end(new Error(failed));
    else {
      this.#waiting?.resolve(tables);
      this.#waiting = null;
    }
  }

  #end(error) {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
