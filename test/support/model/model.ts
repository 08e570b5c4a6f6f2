import { describe, expect, inject, test } from "vitest";
import { OPERATION_NAMES } from "./operations.ts";
import { report, run, shrink } from "./replay.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** First and last seed of further sessions, such as `100-199`; empty for none. */
    modelSeeds: string;
    /** Operations of each session. */
    modelOperations: number;
  }
}

const TIMEOUT_MS = 3_600_000;

/** What has to occur at least once over all seeds, or the sessions prove less than they seem to. */
const OUTCOMES = [
  ...["stored", "duplicate", "forged duplicate", "invalid", "superseded", "superseded by a tie"],
  ...["replaced", "replaced by a tie", "heard", "mute", "ephemeral duplicate"],
  ...["live", "live after eviction", "hidden live", "hidden stored", "finish", "more"],
  ...["subscribed", "subscription replaced", "subscription refused", "replacement refused", "closed", "closed unknown"],
  ...["counted", "count restricted", "count refused", "evicted"],
  ...["authenticated", "authenticated further", "authentication failed", "unauthenticated"],
  ...["deleted", "deleted by address", "deleted by recipient", "deletion without effect", "newer than deletion"],
  ...["blocked as deleted", "blocked by address", "tombstone without effect"],
  ...["vanished", "vanishes elsewhere", "erased", "wrap erased", "blocked as vanished", "wrap blocked as vanished"],
  ...["expired stored", "past retention stored", "superseded by an expired one", "restricted", "blocked"],
  ...["sync opened", "sync replaced", "sync ended", "unknown sync ended", "idle sync ended"],
  ...["sync invalid", "sync closed", "sync rate-limited"],
  ...["synced", "synced equal sets", "synced in several rounds"],
  ...["clock", "alarm"],
];

/**
 * Tests one random session for each seed of a range, and for `others`. A seed gives the same session each time, but
 * for what follows from the order in which the relay happens to take concurrent messages; the steps printed with a
 * failure are exact.
 */
export function testSessions(first: number, last: number, ...others: number[]): void {
  const seeds = [...seedsFrom(first, last), ...others];
  const tally = new Map<string, number>();

  describe("R-01-09 R-03-20 R-04-02 R-05-29 R-06-12 a random session is answered as the oracle says", () => {
    test.concurrent.each(seeds)(
      "seed %i",
      async (seed) => {
        const failure = await run(seed, inject("modelOperations"), tally);
        if (failure !== undefined) expect.fail(report(seed, failure, await shrink(seed, failure)));
      },
      TIMEOUT_MS,
    );
  });

  test("every operation and every outcome has occurred", () => {
    const wanted = [
      ...OPERATION_NAMES.map((name) => `operation ${name}`),
      ...OUTCOMES.map((name) => `outcome ${name}`),
    ];
    expect(wanted.filter((name) => !tally.has(name))).toEqual([]);
  });
}

/** Seeds that were asked for in the environment of the run. */
export function furtherSeeds(): number[] {
  const [first, last] = inject("modelSeeds").split("-");
  return first && last ? seedsFrom(Number(first), Number(last)) : [];
}

function seedsFrom(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
