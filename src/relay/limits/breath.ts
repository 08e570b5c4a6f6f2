import type { Clock } from "../ports.ts";

/** After this much work and this much time, others are let in. */
const SLICE_WORK = 32;
const SLICE_MS = 2;

/** Work of one message. */
const EVENT_WORK = 1;
const OTHER_WORK = 4;

/** After so much time in any case, where what arrives is not served anyway. */
const WASTE_MS = 1;

/**
 * Breaks in the work. The runtime takes what a socket has received before it looks at the network again, so that a few
 * that are always full keep all others waiting, for seconds. In a break no message is delivered, it looks at the network,
 * and then every connection has its next message served in turn.
 */
export class Breaths {
  readonly #clock: Clock;
  #work = 0;
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a message that has arrived, and takes a break when one is due; for one that is not served, by time alone. */
  count(isEvent: boolean, isServed: boolean): void {
    const nowMs = Date.now();
    const passedMs = Math.abs(nowMs - this.#lastMs);
    this.#work += isEvent ? EVENT_WORK : OTHER_WORK;
    if (isServed ? this.#work < SLICE_WORK || passedMs < SLICE_MS : passedMs < WASTE_MS) return;
    this.#work = 0;
    this.#lastMs = nowMs;
    this.#clock.breathe();
  }
}
