import { randomBytes } from "node:crypto";
import { Histogram, SECONDS } from "../../relay/metrics.ts";
import { type Clock, type Host, MORTAL } from "../../relay/ports.ts";
import { Logbook } from "../log.ts";

/** The log of this process, on stderr. */
export const logbook = new Logbook((line) => console.error(line));
export const { report } = logbook;

/** A run is to take two milliseconds. One that takes this long is told to the operator: everybody has waited for it. */
const SLOW_RUN_MS = 100;

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
  /** Units of work so far. */
  spent: () => number = () => 0;
  readonly runSeconds = new Histogram(SECONDS);

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
      const begunMs = performance.now();
      const before = this.spent();
      guarded("run failed", () => {
        if (this.run()) this.wake();
      });
      const tookMs = performance.now() - begunMs;
      this.runSeconds.observe(tookMs / 1000);
      if (tookMs > SLOW_RUN_MS)
        report("slow run", { milliseconds: Math.round(tookMs), units: Math.round(this.spent() - before) }, "warn");
    });
  }
}
