import { COST, type Meter } from "../../protocol/work.ts";
import type { Chores } from "../../relay/chores.ts";
import type { Clock } from "../../relay/ports.ts";

/** Work of one alarm, in units, after which the rest is left to the next: setting it writes a row. */
const ENOUGH = 10_000;

/** The latest time, in Unix seconds, that an alarm can be set to: the platform knows no dates after 2189. */
const LATEST = 6_000_000_000;

/** The periodic work of the relay on the one alarm that an object has. */
export class Alarms {
  readonly #state: DurableObjectState;
  readonly #chores: Pick<Chores, "nextDue" | "run">;
  readonly #clock: Pick<Clock, "soon">;
  readonly #meter: Meter;
  /** What the alarm is set to at the latest, in Unix seconds, as far as this instance knows. */
  #setTo = Number.POSITIVE_INFINITY;

  constructor(
    state: DurableObjectState,
    chores: Pick<Chores, "nextDue" | "run">,
    clock: Pick<Clock, "soon">,
    meter: Meter,
  ) {
    this.#meter = meter;
    this.#state = state;
    this.#chores = chores;
    this.#clock = clock;
  }

  /** Sees to it that the alarm rings at `seconds` at the latest. Writes one row if it has to be set. */
  ring(seconds: number): void {
    if (seconds >= this.#setTo) return;
    this.#setTo = seconds;
    this.#state.waitUntil(this.#set(seconds));
  }

  /** The alarm has rung: does what is due, step after step in turns of their own, and sets it anew if anything is left. */
  async rang(): Promise<void> {
    this.#setTo = Number.POSITIVE_INFINITY;
    let work = 0;
    const runOne = (): boolean => {
      const before = this.#meter.spent;
      const wasDue = this.#chores.run();
      work += this.#meter.spent - before + COST.statement;
      return wasDue && work < ENOUGH;
    };
    while (await this.#inTurn(runOne));
    this.ring(this.#chores.nextDue());
  }

  #inTurn<T>(task: () => T): Promise<T> {
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
    // What has been due for ever is due at the earliest time that there is.
    const atMs = Math.max(Math.min(seconds, LATEST) * 1000, 1);
    const current = await this.#state.storage.getAlarm();
    if (current === null || current > atMs) await this.#state.storage.setAlarm(atMs);
  }
}
