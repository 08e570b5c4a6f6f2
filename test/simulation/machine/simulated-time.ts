import type { Clock } from "../../../src/relay/ports.ts";

interface Timer {
  at: number;
  order: number;
  task: () => void;
}

/** A clock that goes on only when it is told to. Timers run on steady time, which is never set back. */
export class SimulatedTime implements Clock {
  /** Steady time, in milliseconds. */
  steady = 0;
  /** Wall time less steady time, in milliseconds. */
  offset: number;
  #timers: Timer[] = [];
  #order = 0;

  /** Starts at this Unix time, in seconds. */
  constructor(seconds: number) {
    this.offset = seconds * 1000;
  }

  nowMs(): number {
    return this.steady + this.offset;
  }

  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  soon(delayMs: number, task: () => void): void {
    this.#timers.push({ at: this.steady + Math.max(0, delayMs), order: this.#order++, task });
  }

  /** Takes out the next timer that is due by then, and goes on to its time; undefined if there is none. */
  next(until: number): (() => void) | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until || (first !== undefined && isBefore(first, timer))) continue;
      first = timer;
    }
    if (first === undefined) {
      this.steady = Math.max(this.steady, until);
      return undefined;
    }
    this.#timers = this.#timers.filter((timer) => timer !== first);
    this.steady = Math.max(this.steady, first.at);
    return first.task;
  }

  /** The host has lost its memory. */
  forget(): void {
    this.#timers = [];
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
