import type { Clock } from "../ports.ts";

/** After this much work and this much time, others are let in. */
const SLICE_WORK = 32;
const SLICE_MS = 2;

/** Work of one message. */
const EVENT_WORK = 1;
const OTHER_WORK = 4;

/** Time after which others are let in whatever the work was: what is refused costs hardly any, and comes in any number. */
const REFUSED_MS = 1;

/** The same for what comes after the relay has closed a connection. With so many breaks as above the Close does not get out. */
const IGNORED_MS = 4;

/** What becomes of a message that has arrived. */
export type Fate = "served" | "refused" | "ignored";

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

  /** Counts a message, and takes a break when one is due. */
  count(isEvent: boolean, fate: Fate): void {
    const nowMs = Date.now();
    this.#work += isEvent ? EVENT_WORK : OTHER_WORK;
    if (!this.#isDue(fate, Math.abs(nowMs - this.#lastMs))) return;
    this.#work = 0;
    this.#lastMs = nowMs;
    this.#clock.breathe();
  }

  #isDue(fate: Fate, passedMs: number): boolean {
    if (fate === "served") return this.#work >= SLICE_WORK && passedMs >= SLICE_MS;
    return passedMs >= (fate === "refused" ? REFUSED_MS : IGNORED_MS);
  }
}
