import { STEP } from "../../protocol/work.ts";
import type { ObjectClock } from "./object-clock.ts";

/** What the runtime itself does for one message, in units of work. */
const DELIVERY = 15;

/**
 * Breaks in the work. The runtime takes what a socket has received before it looks at the network again, so that a few
 * that are always full keep all others waiting, for seconds. In a break no message is delivered, it looks at the network,
 * and then every connection has its next message served in turn.
 */
export class Breaths {
  readonly #clock: Pick<ObjectClock, "breathe">;
  /** Units of work since the last one. */
  #work = 0;

  constructor(clock: Pick<ObjectClock, "breathe">) {
    this.#clock = clock;
  }

  /** A message has arrived and took so many units of work. Takes a break when one is due. */
  count(work: number): void {
    this.#work += DELIVERY + work;
    if (this.#work < STEP) return;
    this.#work = 0;
    void this.#clock.breathe();
  }
}
