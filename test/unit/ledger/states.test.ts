import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { durationOf, placeOfDuration, quantile } from "../../../src/protocol/job/durations.ts";
import { testimonyOf } from "../../../src/protocol/job/evidence.ts";
import { type JobProfile, type JobState, kindRanges, PROFILES, roleOfKind } from "../../../src/protocol/job/profile.ts";
import { deriveJob, factsOf, stateAt } from "../../../src/protocol/job/state.ts";
import { Ledger } from "../../../src/store/ledger/ledger.ts";
import { findJob, listProviders } from "../../../src/store/ledger/lists.ts";
import { NOW, Stock, unsigned } from "../stocked.ts";
import { ALFA, BRAVO, CUSTOMER, feedback, OTHER, request, result } from "./jobs.ts";

/** R-07-07 to R-07-10 read once more, as plainly as can be. */
function naiveState(job: Event, events: readonly Event[], now: number): JobState {
  const order = ["requested", "error", "payment-required", "processing", "partial", "success"] as const;
  const later = (a: Event, b: Event) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
  const tagOf = (event: Event, name: string) => event.tags.find(([tag]) => tag === name)?.[1];
  const evidence = events.filter(
    (event) =>
      (event.kind === 7000 || event.kind === job.kind + 1000) &&
      tagOf(event, "e") === job.id &&
      [undefined, job.pubkey].includes(tagOf(event, "p")),
  );
  let best = 0;
  for (const provider of new Set(evidence.map(({ pubkey }) => pubkey))) {
    const own = evidence.filter(({ pubkey }) => pubkey === provider).sort(later);
    const final = own.find(({ kind }) => kind !== 7000);
    const failed = own.find((event) => event.kind === 7000 && tagOf(event, "status") === "error");
    const isFinal = final !== undefined && (failed === undefined || own.indexOf(final) < own.indexOf(failed));
    const decisive = own[0] as Event;
    const state = isFinal || decisive.kind !== 7000 ? "success" : tagOf(decisive, "status");
    best = Math.max(best, order.indexOf(state as (typeof order)[number]));
  }
  const isCancelled = events.some(
    (event) => event.kind === 5 && event.pubkey === job.pubkey && tagOf(event, "e") === job.id,
  );
  const state = order[best] as JobState;
  if (state === "success") return state;
  if (isCancelled) return "cancelled";
  const expiration = Number(tagOf(job, "expiration") ?? Number.POSITIVE_INFINITY);
  return now >= Math.min(job.created_at + 86_400, expiration) ? "expired" : state;
}

function stateOf(job: Event, events: readonly Event[], now: number): JobState {
  const evidence = events.flatMap((event) => {
    const testimony = testimonyOf(event);
    return testimony?.jobs.includes(job.id) ? [testimony.evidence] : [];
  });
  const isCancelled = events.some(({ kind, pubkey }) => kind === 5 && pubkey === job.pubkey);
  const { state } = deriveJob(factsOf(job), evidence);
  return stateAt(state, isCancelled ? "cancelled" : "live", factsOf(job).deadline, now);
}

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length <= 1
    ? [[...items]]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));

describe("T-137 the state of a job", () => {
  const job = request();
  const kind5 = unsigned({ pubkey: CUSTOMER, kind: 5, tags: [["e", job.id]] });
  const amount = [["amount", "21000"]];
  test.each<[string, Event[], number, JobState]>([
    ["nothing has come", [], 0, "requested"],
    ["one works on it", [feedback(job, ALFA, "processing")], 0, "processing"],
    ["a part is there", [feedback(job, ALFA, "processing"), feedback(job, ALFA, "partial", 2)], 0, "partial"],
    ["a payment is asked", [feedback(job, ALFA, "payment-required", 1, amount)], 0, "payment-required"],
    [
      "R-07-08 one of two has failed",
      [feedback(job, ALFA, "error", 3), feedback(job, BRAVO, "processing")],
      0,
      "processing",
    ],
    ["R-07-09 all have failed", [feedback(job, ALFA, "error"), feedback(job, BRAVO, "error")], 0, "error"],
    ["there is a result", [result(job, ALFA), feedback(job, BRAVO, "error")], 0, "success"],
    ["R-07-07 a result is final", [result(job, ALFA), feedback(job, ALFA, "processing", 9)], 0, "success"],
    ["R-07-07 but for a newer error", [result(job, ALFA), feedback(job, ALFA, "error", 9)], 0, "error"],
    ["R-07-09 24 h have passed", [feedback(job, ALFA, "partial")], 86_400, "expired"],
    ["R-07-09 24 h have passed, with a result", [result(job, ALFA)], 86_400, "success"],
    ["R-07-09 its author has deleted it", [kind5, feedback(job, ALFA, "partial")], 86_400, "cancelled"],
    ["R-07-09 deleted, with a result", [kind5, result(job, ALFA)], 0, "success"],
    ["R-07-10 it is for another customer", [result({ ...job, pubkey: OTHER }, ALFA)], 0, "requested"],
    ["R-07-10 the customer answers itself", [result(job, CUSTOMER)], 0, "success"],
    ["R-07-07 the kind is of another request", [result({ ...job, kind: 5100 }, ALFA)], 0, "requested"],
  ])("%s", (_, events, after, state) => {
    for (const order of permutations(events)) expect(stateOf(job, order, NOW + after)).toBe(state);
  });

  test("R-07-12 whatever came, in every order of arrival it is what the rules say", () => {
    const anything = fc.record({
      by: fc.constantFrom(ALFA, BRAVO, CUSTOMER),
      what: fc.constantFrom("result", "error", "processing", "partial", "success", "payment-required", "stranger"),
      after: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 5 }),
        fc.boolean(),
        fc.constantFrom(0, 86_400),
        (list, ends, after) => {
          const events = list.map(({ by, what, after }) => {
            if (what === "result") return result(job, by, after);
            return feedback(what === "stranger" ? { ...job, pubkey: OTHER } : job, by, what, after);
          });
          if (ends) events.push(kind5);
          const wanted = naiveState(job, events, NOW + after);
          for (const order of permutations(events)) expect(stateOf(job, order, NOW + after)).toBe(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("R-07-11 an amount stays with the job, paid or not", () => {
    const { state, amount } = deriveJob(
      factsOf(job),
      [testimonyOf(result(job, ALFA, 2, [["amount", "5000", "lnbc1"]]))?.evidence].flatMap((one) => one ?? []),
    );
    expect([state, amount]).toEqual(["success", 5000]);
  });
});

/** A protocol of tasks in which each step has a kind of its own. */
const TASKS: JobProfile = {
  name: "tasks",
  requests: { from: 43_001, to: 43_001 },
  result: { kind: 43_004 },
  feedback: [
    { kind: 43_002, state: "processing" },
    { kind: 43_003, state: "partial" },
    { kind: 43_006, state: "error" },
  ],
};

test("R-07-19 a further protocol is a further row: its kinds, states, ledger", () => {
  const profiles = [...PROFILES, TASKS];
  expect([43_001, 43_002, 43_004, 43_005, 5050, 6050].map((kind) => roleOfKind(kind, profiles))).toEqual([
    "request",
    "feedback",
    "result",
    undefined,
    "request",
    "result",
  ]);
  expect(kindRanges(profiles)).toEqual([
    [5000, 7000],
    [43_001, 43_004],
    [43_006, 43_006],
  ]);
  const { sql } = new Stock();
  const ledger = new Ledger(sql, () => NOW, profiles);
  const put = (...events: Event[]) => {
    for (const event of events) ledger.added(event);
    ledger.settle();
  };
  const task = request({ kind: 43_001, tags: [["title", "x"]] });
  const say = (kind: number, by: string, after: number) =>
    unsigned({
      kind,
      pubkey: by,
      created_at: NOW + after,
      tags: [
        ["e", task.id],
        ["p", CUSTOMER],
      ],
    });
  put(say(43_006, BRAVO, 1), task, say(43_002, ALFA, 2));
  expect(findJob(sql, task.id, NOW)?.job.state).toBe("processing");
  put(say(43_003, ALFA, 3), say(43_004, ALFA, 7));
  expect(findJob(sql, task.id, NOW)?.job).toMatchObject({ state: "success", provider: ALFA, feedback: 1, result: 7 });
  expect(listProviders(sql, 10)).toMatchObject([
    { pubkey: ALFA, kind: 43_001, answered: 1 },
    { pubkey: BRAVO, kind: 43_001, failed: 1 },
  ]);
  // Only a provider's kinds of the same protocol answer a request.
  put(result({ ...task, kind: 43_001 - 38_951 + 1000 }, OTHER));
  expect(findJob(sql, task.id, NOW)?.job.provider).toBe(ALFA);
});

test("R-07-18 the sketch of durations is exact up to 16 seconds and right to an eighth beyond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 700_000 }), (seconds) => {
      const told = durationOf(placeOfDuration(seconds));
      expect(told).toBeLessThanOrEqual(seconds);
      expect(told).toBeGreaterThanOrEqual(seconds < 16 ? seconds : seconds / 1.126);
    }),
  );
  const sketch = new Map<number, number>();
  for (let i = 1; i <= 100; i++) sketch.set(placeOfDuration(i % 10), (sketch.get(placeOfDuration(i % 10)) ?? 0) + 1);
  expect([quantile(sketch, 0.5), quantile(sketch, 0.95), quantile(new Map(), 0.5)]).toEqual([4, 9, undefined]);
});
