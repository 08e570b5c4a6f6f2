import { describe, expect, test } from "vitest";
import { BASE_TIME, type Draft, Signer } from "../support/drafts.ts";
import { type Message, OPERATION_NAMES } from "../support/operations.ts";
import { replay, report, run, shrink } from "../support/replay.ts";

/**
 * Raise these for a longer search. A seed gives the same session each time, but for what follows from the order in
 * which the relay happens to take concurrent messages; the steps printed with a failure are exact.
 */
const SEEDS = 20;
const OPERATIONS = 500;
const TIMEOUT_MS = 900_000;

const seeds = [...Array.from({ length: SEEDS }, (_, i) => i + 1), Date.now() % 4294967296];

/** What has to occur at least once over all seeds, or the sessions prove less than they seem to. */
const OUTCOMES = [
  ...["stored", "duplicate", "forged duplicate", "invalid", "superseded", "superseded by a tie"],
  ...["replaced", "replaced by a tie", "heard", "mute", "ephemeral duplicate"],
  ...["live", "live after eviction", "hidden live", "hidden stored", "finish", "more"],
  ...["subscribed", "subscription replaced", "subscription refused", "replacement refused", "closed", "closed unknown"],
  ...["counted", "count restricted", "count refused", "evicted"],
  ...["authenticated", "authenticated further", "authentication failed", "unauthenticated"],
];

const tally = new Map<string, number>();

describe("R-01-09 R-03-20 R-04-02 R-05-29 R-06-12 a random session is answered as the oracle says", () => {
  test.concurrent.each(seeds)(
    "seed %i",
    async (seed) => {
      const failure = await run(seed, OPERATIONS, tally);
      if (failure !== undefined) expect.fail(report(seed, failure, await shrink(seed, failure)));
    },
    TIMEOUT_MS,
  );
});

test("every operation and every outcome has occurred", () => {
  const wanted = [...OPERATION_NAMES.map((name) => `operation ${name}`), ...OUTCOMES.map((name) => `outcome ${name}`)];
  expect(wanted.filter((name) => !tally.has(name))).toEqual([]);
});

/** What random sessions have found once, in its shortest form. */
describe("found by a random session", () => {
  const old: Draft = { by: 0, kind: 10002, created_at: BASE_TIME, tags: [], content: "old" };
  const newer: Draft = { ...old, created_at: BASE_TIME + 1, content: "newer" };
  const publish = (draft: Draft): Message => ({ name: "publish", on: 1, verb: "EVENT", draft });

  test("R-01-09 R-04-08 a version is superseded by the message before it, not a duplicate any more", async () => {
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(old)] },
      { name: "send", isPaced: false, messages: [publish(newer), publish(old)] },
    ]);
    expect(failure?.reason).toBe(undefined);
  });

  test("R-01-09 R-02-09 a forgery of what the message before has replaced is invalid", async () => {
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(old)] },
      { name: "send", isPaced: false, messages: [publish(newer), publish({ ...old, fault: "sig" })] },
    ]);
    expect(failure?.reason).toBe(undefined);
  });

  test.each([{}, { limit: 5 }])("R-05-29 R-05-34 COUNT by id does not count what is hidden, %j", async (more) => {
    const draft: Draft = { by: 0, kind: 4, created_at: BASE_TIME, tags: [], content: "hidden" };
    const ids = [new Signer().sign(draft).id];
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(draft)] },
      {
        name: "send",
        isPaced: true,
        messages: [{ name: "count", on: 2, verb: "COUNT", id: "c", filters: [{ ids, ...more }] }],
      },
    ]);
    expect(failure?.reason).toBe(undefined);
  });
});
