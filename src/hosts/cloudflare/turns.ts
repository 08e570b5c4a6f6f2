import type { Clock, Logger } from "../../relay/ports.ts";

/** Wait after a run of the relay that failed, in milliseconds. */
const RETRY_MS = 1000;

/**
 * The turns in which the object does something: for a message, a request, a timer. What has arrived in one is served at its
 * end. If that is more than one run of the relay does, the next runs have turns of their own, and the runtime looks at the
 * network between them: what arrives meanwhile is only received.
 */
export class Turns {
  readonly #clock: Pick<Clock, "soon">;
  readonly #run: () => boolean;
  readonly #report: Logger;
  #isInside = false;
  #isWoken = false;
  #isScheduled = false;

  /** `run` serves what has been received, for a slice of work; true if there is more. */
  constructor(clock: Pick<Clock, "soon">, run: () => boolean, report: Logger) {
    this.#clock = clock;
    this.#run = run;
    this.#report = report;
  }

  /** There is work for the relay. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isInside) this.#schedule(0);
  }

  /** Does `body` in a turn. Throws what it throws, after what has arrived is served. */
  do<T>(body: () => T): T {
    if (this.#isInside) return body();
    this.#isInside = true;
    try {
      return body();
    } finally {
      this.#isInside = false;
      if (this.#isWoken && !this.#isScheduled) this.#serve();
    }
  }

  /** A clock whose tasks run in turns like these. */
  clock(clock: Clock): Clock {
    return {
      nowSeconds: () => clock.nowSeconds(),
      nowMs: () => clock.nowMs(),
      soon: (delayMs, task) => clock.soon(delayMs, () => this.do(task)),
    };
  }

  #serve(): void {
    this.#isInside = true;
    this.#isWoken = false;
    try {
      if (this.#run()) this.#isWoken = true;
      if (this.#isWoken) this.#schedule(0);
    } catch (error) {
      this.#report("run failed", { error: String(error) });
      this.#schedule(RETRY_MS);
    } finally {
      this.#isInside = false;
    }
  }

  #schedule(delayMs: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(delayMs, () => {
      this.#isScheduled = false;
      this.#serve();
    });
  }
}
