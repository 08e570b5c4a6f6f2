import type { Clock, Log } from "../relay/ports.ts";

interface Pending {
  /** When it is due, in Unix milliseconds. */
  atMs: number;
  task: () => void | Promise<void>;
}

/**
 * The time of one object, and its timers, all of them on one of the runtime's. In a breath that one is not set: it would
 * hold back the timer that ends the breath and be held back by it, until the runtime gives the object up after 30 s
 * (workerd before 2026-10-14). What becomes due meanwhile runs when the breath is over.
 */
export class ObjectClock implements Clock {
  readonly nowSeconds: () => number;
  readonly #state: DurableObjectState;
  readonly #report: Log;
  /** Ordered by time. */
  readonly #pending: Pending[] = [];
  #timer: number | null = null;
  #holds = 0;
  #nowMs = 0;

  constructor(state: DurableObjectState, report: Log, nowSeconds: () => number) {
    this.nowSeconds = nowSeconds;
    this.#state = state;
    this.#report = report;
  }

  soon(delayMs: number, task: () => void | Promise<void>): void {
    const atMs = this.#now() + delayMs;
    const after = this.#pending.findLastIndex((one) => one.atMs <= atMs) + 1;
    this.#pending.splice(after, 0, { atMs, task });
    if (after === 0) this.#arm();
  }

  pause(ms = 0): Promise<void> {
    return new Promise((resolve) => this.soon(ms, resolve));
  }

  breathe(): void {
    this.#hold(() => scheduler.wait(0));
  }

  /** Holds all messages back during `body`, and then until all that is due has run, each in a turn of its own. */
  #hold(body: () => Promise<void>): void {
    this.#holds++;
    this.#arm();
    const over = () => {
      this.#holds--;
      this.#runFirst();
      if (this.#holds === 0 && this.#isDue()) this.#hold(async () => {});
      else this.#arm();
    };
    void this.#state.blockConcurrencyWhile(body).finally(over);
  }

  #runFirst(): void {
    if (this.#isDue()) void this.#run((this.#pending.shift() as Pending).task);
  }

  #isDue(): boolean {
    const nowMs = this.#now();
    return this.#pending[0] !== undefined && this.#pending[0].atMs <= nowMs;
  }

  /** Sets the timer for what is due first. */
  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = null;
    const [first] = this.#pending;
    if (first === undefined || this.#holds > 0) return;
    const ring = () => {
      // So late it is now at least, whatever the clock says.
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      this.#runFirst();
      this.#arm();
    };
    this.#timer = setTimeout(ring, Math.max(0, first.atMs - this.#now()));
  }

  async #run(task: Pending["task"]): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#report("timed task failed", { error: String(error) });
    }
  }

  /** Unix milliseconds. When the clock is set back, or stands still, what is pending is as far away as it was. */
  #now(): number {
    const nowMs = Date.now();
    const backMs = this.#nowMs - nowMs;
    if (backMs > 0) for (const one of this.#pending) one.atMs -= backMs;
    this.#nowMs = nowMs;
    return nowMs;
  }
}
