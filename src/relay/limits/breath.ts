import type { Clock } from "../ports.ts";

/** After this much work, in EVENTs, and this much time others are let in. */
const SLICE_WORK = 32;
const SLICE_MS = 2;

/** Time after which others are let in whatever the work was: what is not served costs hardly any, and comes in any number. */
const REFUSED_MS = 1;

/**
 * Breaks in the work. The runtime takes what a socket has received before it looks at the network again, so that a few
 * that are always full keep all others waiting, for seconds. In a break no message is delivered, it looks at the network,
 * and then every connection has its next message served in turn.
 */
export class Breaths {
  readonly #clock: Clock;
  #work = 0;
  /** When the last one was over: were it counted with what it takes itself, the next would be due after one message. */
  #overMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a message that has arrived, of so much `work`, and takes a break when one is due. */
  count(work: number, isServed: boolean): void {
    const nowMs = Date.now();
    const passedMs = Math.abs(nowMs - this.#overMs);
    this.#work += work;
    if (isServed ? this.#work < SLICE_WORK || passedMs < SLICE_MS : passedMs < REFUSED_MS) return;
    this.#work = 0;
    this.#overMs = nowMs;
    void this.#clock.breathe().then(() => {
      this.#overMs = Date.now();
    });
  }
}
