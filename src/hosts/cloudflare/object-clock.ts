import type { Clock, Logger } from "../../relay/ports.ts";

/** What the times of the runtime may differ by, in milliseconds. */
const SLACK_MS = 5;

interface Pending {
  /** When it is due, in milliseconds of `performance.now()`. */
  atMs: number;
  task: () => void;
}

interface Timer {
  /** It rings then or later: the runtime counts from the time at which one that is overdue should have rung. */
  atMs: number;
  id: number;
}

/**
 * The time of one object, and its timers. Two things of the runtime shape it:
 *
 * - A timer that is overdue holds up the one that ends a breath, and is held up by it, until the runtime gives the object
 *   up after 30 s (workerd before 2026-10-14). So it takes the place of a breath, or is cancelled.
 * - What is kept of a cancelled timer (180 bytes) is kept as long as the object lives. So that is done only where nothing
 *   else helps, and a timer that is set stays, whatever becomes due before it.
 */
export class ObjectClock implements Clock {
  readonly nowSeconds: () => number;
  readonly nowMs = (): number => Date.now();
  readonly #state: DurableObjectState;
  readonly #report: Logger;
  /** Ordered by time. */
  readonly #pending: Pending[] = [];
  /** The next one is the last. One is set for the first of `#pending`, if none rings before that anyway. */
  readonly #timers: Timer[] = [];
  /** Since a breath was last asked for. */
  #hasRung = false;
  #isPutOff = false;
  #holds = 0;
  #latestMs = 0;

  constructor(state: DurableObjectState, report: Logger, nowSeconds: () => number) {
    this.nowSeconds = nowSeconds;
    this.#state = state;
    this.#report = report;
  }

  soon(delayMs: number, task: () => void): void {
    const atMs = this.#now() + delayMs;
    const after = this.#pending.findLastIndex((one) => one.atMs <= atMs) + 1;
    this.#pending.splice(after, 0, { atMs, task });
    this.#arm();
  }

  /**
   * Holds back all messages for a moment, in which the runtime looks for new ones of every connection; until it is over.
   * A timer that has rung has been one: then, too, the runtime looks at the network. So one that is overdue is waited for,
   * until a breath is asked for once more: with too many messages none rings.
   */
  breathe(): Promise<void> {
    const hasRung = this.#hasRung;
    this.#hasRung = false;
    this.#isPutOff = !hasRung && !this.#isPutOff && this.#overdue() !== undefined;
    return hasRung || this.#isPutOff ? Promise.resolve() : this.#hold(() => this.#breath());
  }

  async #breath(): Promise<void> {
    for (let timer = this.#overdue(); timer !== undefined; timer = this.#overdue()) {
      clearTimeout(timer.id);
      this.#timers.pop();
    }
    await scheduler.wait(0);
  }

  /** Holds all messages back during `body`, and then until all that was due by then has run, each in a turn of its own. */
  #hold(body: () => Promise<void>, untilMs?: number): Promise<void> {
    this.#holds++;
    const over = () => {
      this.#holds--;
      const lastMs = untilMs ?? this.#now();
      this.#runFirst();
      const [first] = this.#pending;
      if (this.#holds === 0 && first !== undefined && first.atMs < lastMs) this.#hold(async () => {}, lastMs);
      else this.#arm();
    };
    return this.#state.blockConcurrencyWhile(body).finally(over);
  }

  #runFirst(): void {
    const nowMs = this.#now();
    const [first] = this.#pending;
    if (first === undefined || first.atMs > nowMs) return;
    this.#pending.shift();
    try {
      first.task();
    } catch (error) {
      this.#report("timed task failed", { error: String(error) });
    }
  }

  #overdue(): Timer | undefined {
    const nowMs = this.#now();
    const timer = this.#timers.at(-1);
    return timer !== undefined && timer.atMs <= nowMs + SLACK_MS ? timer : undefined;
  }

  #arm(): void {
    if (this.#holds > 0) return;
    const nowMs = this.#now();
    const [first] = this.#pending;
    const next = this.#timers.at(-1);
    if (first === undefined || (next !== undefined && next.atMs <= first.atMs)) return;
    const delayMs = Math.max(0, Math.ceil(first.atMs - nowMs));
    const fromMs = Math.min(nowMs, next?.atMs ?? nowMs);
    const timer = { atMs: fromMs + delayMs, id: setTimeout(() => this.#ring(timer), delayMs) };
    this.#timers.push(timer);
  }

  /** Sets no timer in this turn, in which the runtime's time is still the one at which this should have rung. */
  #ring(timer: Timer): void {
    this.#timers.splice(this.#timers.indexOf(timer), 1);
    // So late it is now at least, whatever the clock says.
    this.#latestMs = Math.max(this.#latestMs, timer.atMs);
    this.#hasRung = true;
    this.#hold(async () => {});
  }

  /** When the clock is set back, or stands still, what is to come is as far away as it was. */
  #now(): number {
    const nowMs = performance.now();
    const backMs = this.#latestMs - nowMs;
    if (backMs > 0) for (const one of [...this.#pending, ...this.#timers]) one.atMs -= backMs;
    this.#latestMs = nowMs;
    return nowMs;
  }
}
