import { randomBytes } from "node:crypto";
import { type Clock, type Host, type Log, MORTAL } from "../../relay/ports.ts";

/** One JSON line to the log of the operator. */
export const report: Log = (message, details) => {
  console.error(JSON.stringify({ level: "error", message, ...details }));
};

export const clock: Clock = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  nowMs: () => Date.now(),
  soon(delayMs, task) {
    setTimeout(() => guarded("timed task failed", task), delayMs);
  },
};

/** What is thrown is a bug or a broken disk: it is reported, and everything else goes on. */
export function guarded(message: string, task: () => void): void {
  try {
    task();
  } catch (error) {
    report(message, { error: error instanceof Error ? String(error.stack) : String(error) });
  }
}

/** What the relay needs of Node. `run` does a slice of its work; `isSyncing` tells whether commits had better wait. */
export class NodeHost implements Host {
  readonly clock: Clock;
  readonly survival = MORTAL;
  readonly report = report;
  /** All frames that have arrived are handed in together. */
  readonly gatherMs = 0;
  readonly #isSyncing: () => boolean;
  #isAwake = false;
  /** Does a slice of work, and tells whether there is more. */
  run: () => boolean = () => false;

  constructor(isSyncing: () => boolean, time: Clock = clock) {
    this.#isSyncing = isSyncing;
    this.clock = time;
  }

  get isSyncing(): boolean {
    return this.#isSyncing();
  }

  randomHex(bytes: number): string {
    return randomBytes(bytes).toString("hex");
  }

  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      guarded("run failed", () => {
        if (this.run()) this.wake();
      });
    });
  }
}
