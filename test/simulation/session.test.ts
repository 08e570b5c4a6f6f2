import { describe, expect, test } from "vitest";
import { OPERATION_NAMES } from "../support/model/operations.ts";
import { report, run, shrink, type Tally } from "./session.ts";

/** Sessions of one seed after the other, so that a red run speaks of the change at hand. */
const SEEDS = Array.from({ length: 80 }, (_, i) => i + 1);
const OPERATIONS = 200;

/** What has to occur at least once over all seeds, or the sessions prove less than they seem to. */
const OUTCOMES = [
  ...["stored", "duplicate", "forged duplicate", "invalid", "superseded", "superseded by a tie"],
  ...["replaced", "replaced by a tie", "heard", "mute", "ephemeral duplicate"],
  ...["live", "live after eviction", "hidden live", "hidden stored", "finish", "more"],
  ...["subscribed", "subscription replaced", "subscription refused", "replacement refused", "closed", "closed unknown"],
  ...["counted", "count restricted", "count refused"],
  ...["authenticated", "authenticated further", "authentication failed", "unauthenticated"],
  ...[
    "deleted",
    "deleted by address",
    "deleted by recipient",
    "deletion without effect",
    "deletion in capitals",
    "newer than deletion",
  ],
  ...["blocked as deleted", "blocked by address", "tombstone without effect"],
  ...["vanished", "vanishes elsewhere", "erased", "wrap erased", "blocked as vanished", "wrap blocked as vanished"],
  ...["expired stored", "past retention stored", "superseded by an expired one", "restricted", "blocked"],
  ...["sync opened", "sync replaced", "sync ended", "unknown sync ended", "idle sync ended"],
  ...["sync invalid", "sync closed", "sync rate-limited"],
  ...["synced", "synced equal sets"],
  ...["crash", "evict", "fail", "overflow", "clock", "crowd", "failed commit", "failed read", "crash in a commit"],
];

const tally: Tally = { outcomes: new Map(), worst: 0 };

describe("R-01-09 R-03-20 R-04-02 R-05-29 R-06-12 R-06-17 a random session is answered as the oracle says", () => {
  test.each(SEEDS)("seed %i", (seed) => {
    const failure = run(seed, OPERATIONS, tally);
    if (failure !== undefined) expect.fail(report(seed, failure, shrink(failure)));
  });
});

test("every operation and every outcome has occurred", () => {
  const wanted = [...OPERATION_NAMES, ...OUTCOMES];
  expect(wanted.filter((name) => !tally.outcomes.has(name))).toEqual([]);
});
