import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { durableSql } from "../../../src/hosts/cloudflare/durable-sql.ts";
import { jobRetention } from "../../../src/protocol/retention.ts";
import { Cleanup } from "../../../src/store/erase/cleanup.ts";
import { EventStore } from "../../../src/store/event-store.ts";
import { countOpen, findJob, listJobs, listProviders } from "../../../src/store/ledger/lists.ts";
import { migrate } from "../../../src/store/schema.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { type Template, unsigned, verified } from "../../support/events.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";

// What the account of jobs costs, in rows as they are billed (R-07-18).

const DAY = 86_400;
const NOW = 1_700_000_000;
const key = (n: number) => n.toString(16).padStart(64, "0");
const [CUSTOMER, PROVIDER] = [key(1), key(2)];

function inStore<T>(body: (store: EventStore, sql: Sql) => T): Promise<T> {
  return runInDurableObject(freshRelay().stub, (_object, state) => {
    const sql = durableSql(state.storage);
    migrate(sql);
    return body(new EventStore(sql, { nowSeconds: () => NOW }), sql);
  });
}

function cost(sql: Sql, act: () => void): { written: number; read: number } {
  const { written, read } = sql.meter;
  act();
  return { written: sql.meter.written - written, read: sql.meter.read - read };
}

const event = (template: Template) => verified(unsigned({ created_at: NOW, ...template }));
const request = () => event({ pubkey: CUSTOMER, kind: 5050, tags: [["i", "x", "text"]] });
const answer = (id: string, kind: number, after: number, tags: string[][] = [], pubkey = PROVIDER) =>
  event({ pubkey, kind, created_at: NOW + after, tags: [["e", id], ["p", CUSTOMER], ...tags] });

/** `i`, `e` and `p` are indexed: rows of the event alone. */
const BASE = { request: 4 + 1, answer: 4 + 2 };

test("R-07-18 a job with feedback and a result: 3 rows of the ledger for its request, 3 for feedback that is the first, 2 for more, 3 for the result", async () => {
  await inStore((store, sql) => {
    const job = request();
    const { id } = job.event;
    const put = (one: ReturnType<typeof event>) => cost(sql, () => store.put([one])).written;
    const rows = {
      request: put(job) - BASE.request,
      processing: put(answer(id, 7000, 1, [["status", "processing"]])) - BASE.answer,
      partial: put(answer(id, 7000, 2, [["status", "partial"]])) - BASE.answer,
      result: put(answer(id, 6050, 3)) - BASE.answer,
      unknown: put(answer(key(99), 6050, 3)) - BASE.answer,
      handler:
        put(
          event({
            kind: 31990,
            tags: [
              ["d", "x"],
              ["k", "5050"],
              ["k", "5100"],
            ],
          }),
        ) -
        4 -
        3 -
        1,
    };
    console.log("rows of the ledger for a job:", rows);
    expect(rows).toEqual({ request: 3, processing: 3, partial: 2, result: 3, unknown: 1, handler: 2 });
  });
});

test("R-07-18 the jobs of one batch share the rows of their provider", async () => {
  await inStore((store, sql) => {
    const jobs = Array.from({ length: 50 }, request);
    store.put(jobs);
    const results = jobs.map(({ event: { id } }) => answer(id, 6050, 3));
    const { written } = cost(sql, () => store.put(results));
    expect(written - 50 * BASE.answer).toBe(2 * 50 + 1);
  });
});

test("R-07-18 what goes: 2 rows for the job when its request goes, 1 for evidence, 1 for the job after seven days", async () => {
  await inStore((store, sql) => {
    const rules = jobRetention(DAY, 7 * DAY);
    const jobs = Array.from({ length: 20 }, request);
    store.put(jobs);
    store.put(jobs.map(({ event: { id } }) => answer(id, 7000, 1, [["status", "processing"]])));
    store.counts.save(store.head);
    const cleanup = new Cleanup(sql, store);
    const rows = (now: number, act: (at: number) => void) => cost(sql, () => act(now)).written;
    const erase = (now: number) => {
      for (let i = 0; i < 20; i++) cleanup.removePastRetention(rules, now, 250);
    };
    // Of each: its row and its tag. Of each step: the counts, and the provider.
    const requests = rows(NOW + DAY, erase) / 20 - 2;
    const feedback = rows(NOW + DAY + 1, erase) / 20 - 3;
    const jobsGone = rows(NOW + 7 * DAY, (now) => store.leaveLedger(now)) / 20;
    console.log("rows of the ledger for each that goes:", { requests, feedback, jobsGone });
    expect(requests).toBeLessThanOrEqual(2.5);
    expect(feedback).toBeLessThanOrEqual(2.5);
    expect(jobsGone).toBeLessThanOrEqual(1.1);
  });
});

test("R-07-18 a page of jobs, one job, a page of providers and the open jobs among 5,000: rows read", async () => {
  await inStore((store, sql) => {
    for (let part = 0; part < 50; part++) {
      const jobs = Array.from({ length: 100 }, request);
      store.put(jobs);
      store.put(jobs.slice(0, 50).map(({ event: { id } }, i) => answer(id, 6050, 3, [], key(1000 + i))));
    }
    const read = (act: () => unknown) => cost(sql, () => void act()).read;
    const rows = {
      page: read(() => listJobs(sql, { limit: 100, now: NOW })),
      filtered: read(() => listJobs(sql, { limit: 100, now: NOW, kind: 5999 })),
      job: read(() => findJob(sql, listJobs(sql, { limit: 1, now: NOW }).jobs[0]?.id ?? "", NOW)),
      providers: read(() => listProviders(sql, 50)),
      open: read(() => countOpen(sql, NOW)),
    };
    console.log("rows read:", rows);
    expect(rows.page).toBeLessThanOrEqual(210);
    expect(rows.filtered).toBeLessThanOrEqual(2010);
    expect(rows.job).toBeLessThanOrEqual(10);
    expect(rows.providers).toBeLessThanOrEqual(51);
    expect(rows.open).toBeLessThanOrEqual(4010);
  });
});
