import type { Clock, Logger } from "../../relay/ports.ts";
import type { EventLog } from "../../store/event-log.ts";

/** How long an answer counts, in milliseconds: asking more often writes no more rows. */
const KEPT_MS = 5000;

/** Whether the relay can store events, and why not. */
export type Ready = "ready" | "unwritable" | "full";

/** Tells whether the relay can store events. */
export class Readiness {
  readonly #log: Pick<EventLog, "isFull" | "tryToWrite">;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #report: Logger;
  #isWritable = false;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(log: Pick<EventLog, "isFull" | "tryToWrite">, clock: Pick<Clock, "nowMs">, report: Logger) {
    this.#log = log;
    this.#clock = clock;
    this.#report = report;
  }

  /** `ready` if a row was written a moment ago, and there is room. */
  state(): Ready {
    const nowMs = this.#clock.nowMs();
    if (Math.abs(nowMs - this.#askedMs) >= KEPT_MS) {
      this.#askedMs = nowMs;
      this.#isWritable = this.#tryToWrite();
    }
    if (!this.#isWritable) return "unwritable";
    return this.#log.isFull() ? "full" : "ready";
  }

  #tryToWrite(): boolean {
    try {
      this.#log.tryToWrite();
      return true;
    } catch (error) {
      this.#report("the store cannot be written", { error: String(error) });
      return false;
    }
  }
}
