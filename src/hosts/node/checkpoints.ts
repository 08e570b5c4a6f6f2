import { Worker } from "node:worker_threads";
import type { Logger } from "../../relay/ports.ts";

/** Rows that are written before a checkpoint: some 50 MB of log. */
const ROWS = 10_000;

/** How long a few rows may wait for one, in milliseconds. */
const PATIENCE_MS = 10_000;

/** From a pass that failed to the next, in milliseconds: the log must not take what room a full disk has again. */
const RETRY_MS = 500;

/** Pages of log beyond which it has to begin anew. */
const LONG = 10_000;

/** Pages of log beyond which it begins anew though the relay stands still for it: under constant writing nobody gives way. */
const TOO_LONG = 4 * LONG;

/** The log is emptied so often, under constant writing too: it has what was erased meanwhile. In milliseconds. */
const OLD_MS = 60_000;

/** What one pass has found, or why there was none. */
export interface Pass {
  /** Pages in the log. */
  log: number;
  error: string | undefined;
}

export interface CheckpointDeps {
  path: string;
  report: Logger;
  /** Rows written so far. */
  written: () => number;
  /** Empties the log, and stands still for what is not in the database file yet. */
  empty: () => void;
  /** Commits may go on. */
  released: () => void;
}

/**
 * Brings the log into the database file, in a thread of its own. The log begins anew only when all of it is there and nobody
 * has written meanwhile; so, when it is long or old, the last and short pass asks for commits to wait.
 */
export class Checkpoints {
  readonly #deps: CheckpointDeps;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #hasStopped = false;
  /** Something was committed since the last pass began. */
  #isBehind = false;
  #writtenBefore = 0;
  /** When the log was emptied last, or was to be. */
  #emptiedAt = performance.now();
  #passed: (pass: Pass) => void = () => {};
  /** Why the last pass failed, which is reported once. */
  #error: string | undefined;

  constructor(deps: CheckpointDeps) {
    this.#deps = deps;
    this.#writtenBefore = deps.written();
  }

  /** Commits should wait, for some milliseconds. */
  isHolding = false;

  /** Somebody reads the database as it was a while ago: the log cannot begin anew, so nobody is to wait for that. */
  isPinned = false;

  /** Something was committed. */
  committed(): void {
    this.#isBehind = true;
    if (this.#isRunning || this.#hasStopped) return;
    if (this.#deps.written() - this.#writtenBefore >= ROWS) void this.#run();
    else this.#timer ??= setTimeout(() => void this.#run(), PATIENCE_MS).unref();
  }

  /** Ends the thread; no more passes. */
  async stop(): Promise<void> {
    this.#hasStopped = true;
    clearTimeout(this.#timer);
    await this.#worker?.terminate();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isRunning = true;
    const { log, error } = await this.#pass();
    const isQuiet = !this.#isBehind && error === undefined;
    const isOld = performance.now() - this.#emptiedAt > OLD_MS;
    const mustBeginAnew = log > LONG || isOld;
    if (mustBeginAnew && this.#isBehind) await this.#pass();
    if (mustBeginAnew && this.#isBehind && !this.isPinned) await this.#lastPass();
    // Where it is written without a pause a log that is not cut is written quicker.
    if ((isQuiet || isOld) && !this.isPinned) this.#empty();
    this.#isRunning = false;
    if (this.#error !== undefined && !this.#hasStopped) {
      this.#timer = setTimeout(() => void this.#run(), RETRY_MS).unref();
    } else if (this.#isBehind) this.committed();
  }

  async #lastPass(): Promise<void> {
    this.isHolding = true;
    const { log } = await this.#pass();
    this.isHolding = false;
    if (log > TOO_LONG && this.#isBehind && !this.isPinned) this.#empty();
    this.#deps.released();
  }

  #empty(): void {
    if (this.#hasStopped) return;
    // Where that fails, it stands still for the next try only when the log is old again.
    this.#emptiedAt = performance.now();
    try {
      this.#deps.empty();
    } catch (error) {
      this.#deps.report("checkpoint failed", { error: String(error) });
    }
  }

  #pass(): Promise<Pass> {
    this.#isBehind = false;
    this.#writtenBefore = this.#deps.written();
    this.#worker ??= this.#start();
    return new Promise((resolve) => {
      this.#passed = (pass) => {
        if (pass.error !== undefined && pass.error !== this.#error)
          this.#deps.report("checkpoint failed", { error: pass.error });
        this.#error = pass.error;
        resolve(pass);
      };
      this.#worker?.postMessage("pass");
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./checkpoint-thread.mjs", import.meta.url), {
      workerData: this.#deps.path,
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    });
    worker.unref();
    worker.on("message", (pass: Pass) => this.#passed(pass));
    worker.on("error", (error) => {
      this.#worker = undefined;
      this.#passed({ log: 0, error: String(error) });
    });
    return worker;
  }
}
