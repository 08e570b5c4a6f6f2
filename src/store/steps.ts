import type { Pace } from "./pace.ts";

/** Work that can be interrupted: it yields after each statement or two. Nothing is done until it is asked for more. */
export type Steps<T> = Generator<void, T>;

/** What a statement takes, in index entries that are counted unseen. */
const STATEMENT_COST = 120;

/** Does all of it, with pauses. */
export async function finish<T>(steps: Steps<T>, pace: Pace): Promise<T> {
  for (;;) {
    await pace.rest();
    const { done, value } = steps.next();
    if (done) return value;
    pace.spend(STATEMENT_COST);
  }
}
