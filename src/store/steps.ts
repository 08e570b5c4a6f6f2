import { type Meter, STEP } from "../protocol/work.ts";

/**
 * Work that can be interrupted: it yields where others may come in between. Nothing is done until it is asked for more. Who
 * loses interest calls `return`, which undoes what the work has set up.
 */
export type Steps<T> = Generator<void, T>;

/** The same work, with a pause only when the meter says that a step of {@link STEP} units is done. */
export function* paced<T>(meter: Meter, steps: Steps<T>): Steps<T> {
  try {
    for (let from = meter.spent; ; ) {
      const { done, value } = steps.next();
      if (done) return value;
      if (meter.spent - from < STEP) continue;
      yield;
      from = meter.spent;
    }
  } finally {
    steps.return(undefined as T);
  }
}
