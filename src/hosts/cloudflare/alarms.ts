import type { Clock, Log } from "../../relay/ports.ts";

/** Periodic work of the object: bounded, idempotent, and only when something is due. */
export interface Job {
  readonly name: string;
  /** When the job has to run next, in Unix seconds; undefined if there is nothing to do. */
  due(): number | undefined;
  /** Does one bounded batch of what is due. */
  run(): void;
}

/** Wait after a job has failed. */
const RETRY_SECONDS = 60;

/** The latest time, in Unix seconds, that an alarm can be set to: the platform knows no dates after 2189. */
const LATEST = 6_000_000_000;

/** All jobs on the one alarm that an object has. */
export class Alarms {
  readonly #state: DurableObjectState;
  readonly #jobs: readonly Job[];
  readonly #clock: Clock;
  readonly #report: Log;
  /** What the alarm is set to at the latest, in Unix seconds, as far as this instance knows. */
  #setTo = Number.POSITIVE_INFINITY;

  constructor(state: DurableObjectState, jobs: readonly Job[], clock: Clock, report: Log) {
    this.#state = state;
    this.#jobs = jobs;
    this.#clock = clock;
    this.#report = report;
  }

  /**
   * To be called when the object starts: what is due then is found in the store, so that an alarm that a crash kept from
   * being set is set now.
   */
  start(): void {
    this.ring(this.#nextDue());
  }

  /** Sees to it that the alarm rings at `seconds` at the latest. Writes one row if it has to be set. */
  ring(seconds: number): void {
    if (seconds >= this.#setTo) return;
    this.#setTo = seconds;
    this.#state.waitUntil(this.#set(seconds));
  }

  /** The alarm has rung: runs what is due, each in a turn of its own, and sets it anew if anything is left to do. */
  async rang(): Promise<void> {
    this.#setTo = Number.POSITIVE_INFINITY;
    const now = this.#clock.nowSeconds();
    let next = Number.POSITIVE_INFINITY;
    for (const job of this.#jobs) {
      try {
        if ((job.due() ?? Number.POSITIVE_INFINITY) <= now) {
          job.run();
          await this.#clock.pause();
        }
        next = Math.min(next, job.due() ?? Number.POSITIVE_INFINITY);
      } catch (error) {
        this.#report("job failed", { job: job.name, error: String(error) });
        next = Math.min(next, now + RETRY_SECONDS);
      }
    }
    this.ring(next);
  }

  #nextDue(): number {
    return Math.min(...this.#jobs.map((job) => job.due() ?? Number.POSITIVE_INFINITY));
  }

  async #set(seconds: number): Promise<void> {
    const atMs = Math.min(seconds, LATEST) * 1000;
    const current = await this.#state.storage.getAlarm();
    if (current === null || current > atMs) await this.#state.storage.setAlarm(atMs);
  }
}
