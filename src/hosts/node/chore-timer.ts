import type { Chores } from "../../relay/chores.ts";

/** The longest that a timer may be set to, in milliseconds: the clock may be set meanwhile. */
const LONGEST_MS = 3_600_000;

/** Has the periodic work of the relay done when it is due, one step in a turn. */
export class ChoreTimer {
  readonly #chores: Pick<Chores, "nextDue" | "run">;
  #timer: NodeJS.Timeout | undefined;
  /** When it rings, in Unix milliseconds. */
  #atMs = Number.POSITIVE_INFINITY;

  constructor(chores: Pick<Chores, "nextDue" | "run">) {
    this.#chores = chores;
  }

  /** Sees to it that the work is looked at by then, in Unix seconds. */
  ring(seconds: number): void {
    const atMs = Math.min(seconds * 1000, Date.now() + LONGEST_MS);
    if (seconds === Number.POSITIVE_INFINITY || atMs >= this.#atMs) return;
    clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#timer = setTimeout(() => this.#rang(), Math.max(0, atMs - Date.now()));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#atMs = Number.NEGATIVE_INFINITY;
  }

  #rang(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    const wasDue = this.#chores.run();
    this.ring(wasDue ? 0 : this.#chores.nextDue());
  }
}
