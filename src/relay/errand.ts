import { STEP } from "../protocol/work.ts";
import type { Steps } from "../store/steps.ts";
import type { Served } from "./scheduler.ts";

/** What came of an errand: its value, or what it threw. */
export type Outcome<T> = { value: T } | { error: unknown };

/** Work that an operator has asked for over HTTP: it is served step by step, as if it were one more connection. */
export class Errand<T> implements Served {
  virtualTime = 0;
  isQueued = false;
  readonly nextWork = STEP;
  readonly isCrowded = false;
  hasWork = true;
  readonly #steps: Steps<T>;
  readonly #done: (outcome: Outcome<T>) => void;

  /** `done` is called once, in the turn of the last step. Must not throw. */
  constructor(steps: Steps<T>, done: (outcome: Outcome<T>) => void) {
    this.#steps = steps;
    this.#done = done;
  }

  /** Does one step. Never throws. */
  step(): void {
    try {
      const { done, value } = this.#steps.next();
      if (!done) return;
      this.hasWork = false;
      this.#done({ value });
    } catch (error) {
      this.hasWork = false;
      this.#done({ error });
    }
  }
}
