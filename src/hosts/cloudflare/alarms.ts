import type { Clock, Log } from "../../relay/ports.ts";

/** Periodic work: bounded, idempotent, and only when something is due. */
export interface DueWork {
  /** When something has to be done next, in Unix seconds; infinity if never. */
  nextDue(): number;
  /** Does one bounded batch of all that is due. */
  run(): void;
}

/** Wait after work that failed. */
const RETRY_SECONDS = 60;

/** Batches of one alarm: setting the next one writes a row. */
const MAX_BATCHES = 100;

/** The latest time, in Unix seconds, that an alarm can be set to: the platform knows no dates after 2189. */
const LATEST = 6_000_000_000;

/** Periodic work on the one alarm that an object has. */
export class Alarms {
  readonly #state: DurableObjectState;
  readonly #work: DueWork;
  readonly #clock: Pick<Clock, "soon" | "nowSeconds">;
  readonly #report: Log;
  /** What the alarm is set to at the latest, in Unix seconds, as far as this instance knows. */
  #setTo = Number.POSITIVE_INFINITY;

  constructor(state: DurableObjectState, work: DueWork, clock: Pick<Clock, "soon" | "nowSeconds">, report: Log) {
    this.#state = state;
    this.#work = work;
    this.#clock = clock;
    this.#report = report;
  }

  /**
   * To be called when the object starts: what is due then is found in the store, so that an alarm that a crash kept from
   * being set is set now.
   */
  start(): void {
    this.ring(this.#work.nextDue());
  }

  /** Sees to it that the alarm rings at `seconds` at the latest. Writes one row if it has to be set. */
  ring(seconds: number): void {
    if (seconds >= this.#setTo) return;
    this.#setTo = seconds;
    this.#state.waitUntil(this.#set(seconds));
  }

  /** The alarm has rung: runs what is due, batch after batch in turns of their own, and sets it anew if anything is left. */
  async rang(): Promise<void> {
    this.#setTo = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    try {
      next = this.#work.nextDue();
      for (let batch = 0; batch < MAX_BATCHES && next <= this.#clock.nowSeconds(); batch++) {
        await this.#inTurn(() => this.#work.run());
        next = this.#work.nextDue();
      }
    } catch (error) {
      this.#report("periodic work failed", { error: String(error) });
      next = this.#clock.nowSeconds() + RETRY_SECONDS;
    }
    this.ring(next);
  }

  #inTurn(task: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#clock.soon(0, () => {
        try {
          resolve(task());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async #set(seconds: number): Promise<void> {
    const atMs = Math.min(seconds, LATEST) * 1000;
    const current = await this.#state.storage.getAlarm();
    if (current === null || current > atMs) await this.#state.storage.setAlarm(atMs);
  }
}
