import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { jobRetention } from "../../../src/protocol/retention.ts";
import { Cleanup } from "../../../src/store/erase/cleanup.ts";
import { countOpen, findJob, listJobs, listProviders } from "../../../src/store/ledger/lists.ts";
import { numbersOf } from "../../../src/store/ledger/tallies.ts";
import { readMeta } from "../../../src/store/schema.ts";
import { Random } from "../../support/random.ts";
import { NOW, Stock, unsigned } from "../stocked.ts";
import {
  ALFA,
  BRAVO,
  CUSTOMER,
  deletion,
  dump,
  feedback,
  handler,
  key,
  OTHER,
  rebuilt,
  request,
  result,
  talliesOf,
} from "./jobs.ts";

const DAY = 86_400;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

test("R-07-12 evidence and request, stored in any order and in any batches, give the same ledger", () => {
  const job = request();
  const events = [
    job,
    feedback(job, ALFA, "processing", 1),
    feedback(job, BRAVO, "error", 2),
    result(job, ALFA, 5),
    feedback(job, OTHER, "partial", 5),
  ];
  const ledgers = new Set<string>();
  for (const [i, order] of permutations(events).entries()) {
    const stock = new Stock();
    const cut = i % events.length;
    stock.put(...order.slice(0, cut));
    stock.put(...order.slice(cut));
    ledgers.add(JSON.stringify([dump(stock.sql), talliesOf(stock.store, stock.now)]));
    expect(findJob(stock.sql, job.id, NOW)?.job).toMatchObject({
      state: "success",
      feedback: 1,
      result: 5,
      provider: ALFA,
    });
    stock.sql.db.close();
  }
  expect(ledgers.size).toBe(1);
});

test("R-07-09 a job is cancelled by its author, expires by its deadline, and stays known until seven days are over", () => {
  const stock = new Stock({ retention: jobRetention(DAY, 7 * DAY) });
  const [cancelled, unanswered, brief, answered] = [
    request(),
    request(),
    request({ tags: [["expiration", String(NOW + 60)]] }),
    request(),
  ] as [Event, Event, Event, Event];
  stock.put(cancelled, unanswered, brief, answered);
  stock.put(result(answered, ALFA), feedback(unanswered, BRAVO, "error"), deletion(cancelled));
  const states = (now: number) =>
    [cancelled, unanswered, brief, answered].map(({ id }) => findJob(stock.sql, id, now)?.job.state);
  expect(states(NOW)).toEqual(["cancelled", "error", "requested", "success"]);
  expect(states(NOW + 60)).toEqual(["cancelled", "error", "expired", "success"]);
  expect(states(NOW + DAY)).toEqual(["cancelled", "expired", "expired", "success"]);
  const cleanup = new Cleanup(stock.sql, stock.store);
  const rules = jobRetention(DAY, 7 * DAY);
  stock.now = NOW + DAY + 1;
  cleanup.removeExpired(stock.now, 250);
  for (let i = 0; i < 10; i++) cleanup.removePastRetention(rules, stock.now, 250);
  expect(stock.query({ kinds: [5050] })).toEqual([]);
  expect(states(stock.now)).toEqual(["cancelled", "expired", "expired", "success"]);
  expect(numbersOf(stock.store.counts.tallies(), stock.now).states.get(5050)).toEqual(
    new Map([
      ["cancelled", 1],
      ["expired", 2],
      ["success", 1],
    ]),
  );
  // What providers have done counts while the requests are stored.
  expect(listProviders(stock.sql, 10)).toEqual([]);
  expect(stock.store.ledger.nextLeave()).toBe(NOW + 7 * DAY);
  stock.store.leaveLedger(NOW + 7 * DAY);
  expect(states(NOW + 7 * DAY)).toEqual([undefined, undefined, undefined, undefined]);
});

test("R-07-18 nothing of a customer or of a provider is left when it vanishes or is banned", () => {
  const stock = new Stock();
  const job = request();
  stock.put(job, result(job, ALFA), feedback(job, BRAVO, "error"));
  const cleanup = new Cleanup(stock.sql, stock.store);
  cleanup.removeAuthor(ALFA, 250);
  expect(findJob(stock.sql, job.id, NOW)?.job).toMatchObject({ state: "error", provider: BRAVO, result: undefined });
  stock.put(unsigned({ pubkey: CUSTOMER, kind: 62, created_at: NOW + 9, tags: [["relay", "ALL_RELAYS"]] }));
  while (stock.store.hasWork) stock.store.work();
  expect(findJob(stock.sql, job.id, NOW)).toBe(undefined);
  cleanup.removeAuthor(BRAVO, 250);
  expect(dump(stock.sql)).toEqual({ jobs: [], evidence: [], providers: [] });
});

test("R-07-18 a provider has its accounts by kind: handlers, work, failures, answers, and times", () => {
  const stock = new Stock();
  const [one, two, three] = [request(), request(), request({ kind: 5100 })] as [Event, Event, Event];
  stock.put(one, two, three, handler(ALFA, "x", [5050, 5100, 1]), handler(ALFA, "y", [5050]));
  stock.put(
    feedback(one, ALFA, "processing", 1),
    result(one, ALFA, 4),
    feedback(two, ALFA, "error", 3),
    result(three, ALFA, 40),
  );
  const [first, second] = listProviders(stock.sql, 10);
  expect(first).toMatchObject({ pubkey: ALFA, kind: 5050, handlers: 2, working: 0, failed: 1, answered: 1 });
  expect([first?.feedback, first?.result]).toEqual([
    new Map([
      [1, 1],
      [3, 1],
    ]),
    new Map([[4, 1]]),
  ]);
  expect(second).toMatchObject({ kind: 5100, handlers: 1, answered: 1 });
  const numbers = numbersOf(stock.store.counts.tallies(), NOW);
  expect(numbers.handlers).toEqual(
    new Map([
      [5050, 2],
      [5100, 1],
    ]),
  );
  expect(numbers.day).toEqual(
    new Map([
      [5050, 2],
      [5100, 1],
      [7000, 2],
      [6050, 1],
      [6100, 1],
    ]),
  );
});

test("R-07-18 jobs are listed by page, newest first, and filtered; open ones are counted", () => {
  const stock = new Stock();
  const jobs = Array.from({ length: 30 }, (_, i) =>
    request({ created_at: NOW - i * 60, kind: i % 3 === 0 ? 5100 : 5050, pubkey: i === 7 ? OTHER : CUSTOMER }),
  );
  stock.put(...jobs, ...jobs.slice(0, 5).map((job) => feedback(job, ALFA, "processing")));
  const ids: string[] = [];
  for (let after: { made: number; id: string } | undefined; ; ) {
    const page = listJobs(stock.sql, { limit: 7, now: NOW, after });
    ids.push(...page.jobs.map(({ id }) => id));
    after = page.next;
    if (after === undefined) break;
  }
  expect(ids).toEqual(jobs.map(({ id }) => id));
  const count = (query: object) => listJobs(stock.sql, { limit: 100, now: NOW, ...query }).jobs.length;
  expect(count({ kind: 5100 })).toBe(10);
  expect(count({ customer: OTHER })).toBe(1);
  expect(count({ provider: ALFA })).toBe(5);
  expect(count({ state: "processing", kind: 5050 })).toBe(3);
  expect(count({ state: "requested" })).toBe(25);
  expect(count({ state: "expired", now: NOW + DAY + 1 })).toBe(30);
  const { byKind } = countOpen(stock.sql, NOW);
  expect([byKind.get(5050), byKind.get(5100)]).toMatchObject([
    { open: 17, claimed: 3, late: 14, expiring: 0 },
    { open: 8, claimed: 2, late: 6, expiring: 0 },
  ]);
});

test("R-07-18 what one job or one event can cost is bounded, whatever others sign", () => {
  const stock = new Stock();
  const job = request();
  const lost = Array.from({ length: 3000 }, (_, i) => feedback(job, key(0x1000 + i), "processing", i % 900));
  stock.put(...lost);
  const cost = (act: () => void) => {
    const before = stock.sql.meter.spent;
    act();
    return stock.sql.meter.spent - before;
  };
  // All evidence was there before.
  expect(cost(() => stock.put(job))).toBeLessThan(2000);
  expect(cost(() => stock.put(feedback(job, ALFA, "error", 5)))).toBeLessThan(2000);
  const many = unsigned({
    kind: 6050,
    pubkey: ALFA,
    tags: [["p", CUSTOMER], ...Array.from({ length: 1500 }, (_, i) => ["e", key(i)])],
  });
  stock.put(many);
  expect(stock.rows("evidence")).toBe(3005);
  expect(listProviders(stock.sql, 1000).length).toBeLessThan(97);
  const { ledger } = rebuilt(stock.sql, stock.store, stock.now);
  expect(ledger).toEqual(dump(stock.sql));
});

test("R-07-18 a store of an older schema is taken into the ledger behind, in bounded steps", () => {
  const stock = new Stock();
  const jobs = Array.from({ length: 300 }, () => request());
  stock.put(...jobs, ...jobs.map((job) => result(job, ALFA)), handler(BRAVO, "x", [5050]));
  const whole = dump(stock.sql);
  for (const table of ["job", "evidence", "provider"]) stock.sql.all(`DELETE FROM ${table}`);
  stock.sql.all(`INSERT INTO meta VALUES('ledger', '{"kind":-1,"place":""}')`);
  stock.sql.all("DELETE FROM meta WHERE key = 'counts'");
  stock.restart();
  let longest = 0;
  for (let steps = 0; stock.store.ledger.isRebuilding; steps++) {
    const before = stock.sql.meter.spent;
    // Others come and go meanwhile.
    if (steps === 5) stock.put(request(), feedback(jobs[299] as Event, ALFA, "error", 9));
    stock.store.work();
    longest = Math.max(longest, stock.sql.meter.spent - before);
  }
  expect(longest).toBeLessThan(2000);
  expect(dump(stock.sql).jobs?.length).toBe((whole.jobs?.length ?? 0) + 1);
  const again = rebuilt(stock.sql, stock.store, stock.now);
  expect(again.ledger).toEqual(dump(stock.sql));
});

test.each(["events", "jobs", "requests"])(
  "R-07-18 a request that goes while the ledger is derived anew stays known: before the %s",
  (when) => {
    const stock = new Stock({ retention: jobRetention(DAY, 7 * DAY) });
    const [cancelled, gone, old] = [
      request(),
      request({ tags: [["expiration", String(NOW + 60)]] }),
      request({ created_at: NOW - 7 * DAY }),
    ] as [Event, Event, Event];
    stock.put(cancelled, gone, old, result(cancelled, ALFA), feedback(gone, BRAVO, "error"));
    stock.store.ledger.rebuild();
    const isAt = { events: "evidence", jobs: "job", requests: "kind" }[when] as string;
    while (!readMeta(stock.sql, "ledger")?.includes(`"${isAt}"`)) stock.store.workLedger();
    stock.put(deletion(cancelled), deletion(old));
    stock.now = NOW + 61;
    new Cleanup(stock.sql, stock.store).removeExpired(stock.now, 250);
    while (stock.store.ledger.isRebuilding) stock.store.workLedger();
    const jobs = [cancelled, gone, old].map(({ id }) => findJob(stock.sql, id, stock.now)?.job);
    expect(jobs[0]).toMatchObject({ end: "cancelled", state: "success", provider: ALFA });
    expect(jobs[1]).toMatchObject({ end: "gone", state: "expired", provider: BRAVO });
    expect(jobs[2]).toBe(undefined);
    expect(listProviders(stock.sql, 10)).toEqual([]);
    const [ledger, tallies] = [dump(stock.sql), talliesOf(stock.store, stock.now)];
    expect(rebuilt(stock.sql, stock.store, stock.now)).toEqual({ ledger, tallies });
  },
);

test("R-07-18 requests that are older than the ledger keeps are not taken into it, imported or when it is derived anew", () => {
  const stock = new Stock();
  const [old, young] = [request({ created_at: NOW - 7 * DAY }), request({ created_at: NOW - 7 * DAY + 1 })] as [
    Event,
    Event,
  ];
  stock.put(old, young, result(old, ALFA), result(young, BRAVO));
  const known = () => stock.sql.all("SELECT lower(hex(id)) FROM job").flat();
  expect(known()).toEqual([young.id]);
  expect(listProviders(stock.sql, 10).map(({ pubkey }) => pubkey)).toEqual([BRAVO]);
  stock.now += 1;
  rebuilt(stock.sql, stock.store, stock.now);
  expect([known(), listProviders(stock.sql, 10)]).toEqual([[], []]);
});

test("R-07-18 jobs that have expired do not crowd out open ones when these are counted", () => {
  const stock = new Stock();
  stock.put(...Array.from({ length: 2100 }, (_, i) => request({ created_at: NOW - 2 * DAY - i })));
  stock.put(...Array.from({ length: 50 }, (_, i) => request({ created_at: NOW - i })));
  const { byKind, isWhole } = countOpen(stock.sql, NOW);
  expect(isWhole).toBe(true);
  expect(byKind.get(5050)).toMatchObject({ open: 50, late: 0, expired: new Map([["requested", 2000]]) });
});

test.each(["a request to vanish", "a ban"])("R-07-18 %s leaves none of the jobs whose requests have gone", (how) => {
  const rules = jobRetention(DAY, 7 * DAY);
  const stock = new Stock({ retention: rules });
  const cleanup = new Cleanup(stock.sql, stock.store);
  const others = request({ pubkey: OTHER });
  stock.put(...Array.from({ length: 50 }, () => request()), others);
  stock.now += DAY + 1;
  for (let i = 0; i < 10; i++) cleanup.removePastRetention(rules, stock.now, 250);
  expect([stock.rows("event"), stock.rows("job")]).toEqual([0, 51]);
  if (how === "a ban") while (cleanup.removeAuthor(CUSTOMER, 250) > 0);
  else {
    const vanish = { pubkey: CUSTOMER, kind: 62, created_at: stock.now, tags: [["relay", "ALL_RELAYS"]] };
    stock.put(unsigned(vanish));
    stock.store.work();
    // What is left is found after a restart.
    stock.restart();
    while (stock.store.hasWork) stock.store.work();
  }
  expect(listJobs(stock.sql, { limit: 100, now: stock.now }).jobs.map(({ id }) => id)).toEqual([others.id]);
});

test("R-07-18 R-05-74 a ban of a request that has gone leaves nothing of its job, and all of the others", () => {
  const rules = jobRetention(DAY, 7 * DAY);
  const stock = new Stock({ retention: rules });
  const cleanup = new Cleanup(stock.sql, stock.store);
  const [banned, other] = [request(), request()];
  stock.put(banned, other);
  stock.now += DAY + 1;
  cleanup.removePastRetention(rules, stock.now, 250);
  expect([stock.rows("event"), stock.rows("job")]).toEqual([0, 2]);
  cleanup.removeEvent(banned.id);
  expect(listJobs(stock.sql, { limit: 100, now: stock.now }).jobs.map(({ id }) => id)).toEqual([other.id]);
});

test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  "R-07-18 the ledger after random operations is the one derived anew, and so are the tallies: seed %i",
  (seed) => {
    const random = new Random(seed);
    const rules = jobRetention(DAY, 7 * DAY);
    const stock = new Stock({ retention: rules });
    const jobs: Event[] = [];
    const all: Event[] = [];
    const keys = [CUSTOMER, ALFA, BRAVO, OTHER];
    const next = (): Event => {
      const made = { created_at: stock.now - random.int(0, 3) * random.pick([1, 1, 3600]) };
      const choice = random.int(0, 9);
      if (choice < 3 || jobs.length === 0) {
        const tags = random.chance(0.2)
          ? [["expiration", String(stock.now + random.int(1, 5000))]]
          : [["i", "x", "text"]];
        const job = request({ ...made, kind: random.pick([5050, 5050, 5100]), pubkey: random.pick(keys), tags });
        jobs.push(job);
        return job;
      }
      const job = random.pick(jobs);
      const by = random.pick(keys);
      if (choice < 5)
        return feedback(job, by, random.pick(["processing", "error", "partial", "success"]), random.int(0, 9));
      if (choice < 7) return result(random.chance(0.1) ? { ...job, kind: 5100 } : job, by, random.int(0, 9));
      if (choice === 7) return handler(by, random.pick(["x", "y"]), [random.pick([5050, 5100, 7]), 5050], stock.now);
      if (choice === 8 && random.chance(0.2)) {
        return unsigned({ pubkey: by, kind: 62, created_at: stock.now - 50, tags: [["relay", "ALL_RELAYS"]] });
      }
      const target = random.pick(all);
      return unsigned({ pubkey: target.pubkey, kind: 5, created_at: stock.now, tags: [["e", target.id]] });
    };
    for (let step = 0; step < 120; step++) {
      const events = Array.from({ length: random.pick([1, 1, 2, 5]) }, () => {
        const event = next();
        all.push(event);
        return event;
      });
      if (random.chance(0.1)) stock.put(random.pick(all));
      stock.put(...random.shuffle(events));
      const cleanup = new Cleanup(stock.sql, stock.store);
      if (random.chance(0.1)) stock.now += random.pick([60, 5000, 40_000, 200_000]);
      if (random.chance(0.3)) cleanup.removeExpired(stock.now, 250);
      if (random.chance(0.3)) cleanup.removePastRetention(rules, stock.now, 250);
      if (random.chance(0.05)) cleanup.removeAuthor(random.pick(keys), random.int(1, 5));
      if (random.chance(0.05)) cleanup.removeEvent(random.pick(all).id);
      if (random.chance(0.1)) stock.store.leaveLedger(stock.now);
      if (random.chance(0.2)) {
        // As after a crash behind the last save, however long ago that was.
        const known = () => [
          talliesOf(stock.store, stock.now),
          [...stock.store.counts.byKind()].sort(([a], [b]) => a - b),
        ];
        const before = known();
        stock.restart();
        expect(known(), `step ${step}, restarted`).toEqual(before);
      }
      if (random.chance(0.2)) stock.log.saveCounts();
      if (random.chance(0.05)) stock.store.ledger.rebuild();
      if (random.chance(0.6) && stock.store.hasWork) stock.store.work();
      if (!random.chance(0.1)) continue;
      while (stock.store.hasWork) stock.store.work();
      while ((stock.store.ledger.nextLeave() ?? Number.POSITIVE_INFINITY) <= stock.now)
        stock.store.leaveLedger(stock.now);
      const [ledger, tallies] = [dump(stock.sql), talliesOf(stock.store, stock.now)];
      expect(rebuilt(stock.sql, stock.store, stock.now), `step ${step}`).toEqual({ ledger, tallies });
      // As after a crash that lost the tallies.
      stock.sql.all("DELETE FROM meta WHERE key = 'counts'");
      stock.restart();
      expect(talliesOf(stock.store, stock.now), `step ${step}, counted`).toEqual(tallies);
    }
    stock.sql.db.close();
  },
);
