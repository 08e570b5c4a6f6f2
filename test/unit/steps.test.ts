import { beforeAll, expect, test } from "vitest";
import { Records } from "../../src/protocol/negentropy/records.ts";
import { filter, finish, NOW, OTHER, READER, Stock, unsigned } from "./stocked.ts";

// No step of what is read takes more than a bounded time, whatever is asked of a store of 20,000 events.

const HARD_STEP = 5000;
const EVENTS = 20_000;
const hex = (n: number) => n.toString(16).padStart(64, "0");
const range = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

let stock: Stock;

beforeAll(() => {
  stock = new Stock();
  for (let from = 0; from < EVENTS; from += 500) {
    const events = range(500, (i) => {
      const n = from + i;
      const kind = n % 5 === 0 ? 100 + (n % 3000) : 1;
      const tags = [["t", `topic${n % 20}`], ["x", `${n}`], ...(n % 2 === 0 ? [["expiration", `${NOW + 50}`]] : [])];
      return unsigned({ pubkey: hex(n % 7000), kind, created_at: NOW - n, tags, content: "x".repeat(n % 700) });
    });
    stock.put(...events);
  }
}, 120_000);

const questions: Record<string, object> = {
  everything: {},
  "20,000 authors": { authors: range(20_000, hex) },
  "1,200 authors of 16 kinds": { authors: range(1200, hex), kinds: range(16, (i) => 100 + i) },
  "20,000 ids": { ids: range(20_000, hex) },
  "all kinds": { kinds: range(65_536, (i) => i) },
  "20,000 values of a tag": { "#x": range(20_000, (i) => `${i}`) },
  "two tags": { "#x": range(5000, (i) => `${i}`), "#t": range(20, (i) => `topic${i}`) },
  "an author and what is not there": { authors: [hex(1)], "#t": ["nothing"], kinds: range(3000, (i) => i) },
  "what only others have": { kinds: [1], "&t": ["topic1", "topic2"] },
};

function longestPage(...raws: object[]): { events: number; longest: number; ms: number } {
  const answer = stock.log.scan(raws.map(filter), READER);
  let [events, longest, ms] = [0, 0, 0];
  for (let isLast = false; !isLast; ) {
    const before = stock.sql.meter.spent;
    const start = process.cpuUsage();
    const page = answer.next();
    const { user, system } = process.cpuUsage(start);
    isLast = page.isLast;
    events += page.events.length;
    longest = Math.max(longest, stock.sql.meter.spent - before);
    ms = Math.max(ms, (user + system) / 1000);
  }
  return { events, longest, ms };
}

test.each(Object.entries(questions))(
  "no step of reading, counting or collecting is long: %s",
  { timeout: 60_000 },
  (name, raw) => {
    stock.now = NOW;
    const spent = () => stock.sql.meter.spent;
    const page = longestPage({ ...raw, limit: 5000 });
    const count = finish(stock.log.count([filter(raw)], READER), spent);
    const sketched = finish(stock.log.count([filter(raw)], READER, OTHER), spent);
    const records = finish(
      stock.log.records(filter(raw), READER, () => undefined),
      spent,
    );
    console.log(
      `${name}: page ${Math.round(page.longest)} (${page.ms.toFixed(1)} ms CPU), count ${Math.round(count.longest)}, ` +
        `with registers ${Math.round(sketched.longest)}, sync ${Math.round(records.longest)}`,
    );
    for (const { longest } of [page, count, sketched, records]) expect(longest).toBeLessThan(HARD_STEP);
    if (typeof count.value === "string") return;
    if (!(records.value instanceof Records)) throw new Error(records.value);
    expect(records.value.size).toBe(count.value.count);
    expect(page.events).toBe(Math.min(5000, count.value.count));
  },
);

test("R-01-10 no step of reading for many filters is long: by ids, and by searches that find the same", () => {
  const texts = range(40, (i) =>
    unsigned({ kind: 9, created_at: NOW - i, content: `rare ${"x".repeat(30_000)} ${i}` }),
  );
  stock.now = NOW;
  stock.put(...texts);
  const ids = stock.query({ kinds: [1], limit: 5000 });
  // What is new is found in memory.
  stock.restart();
  const manyFilters: Record<string, object[]> = {
    ids: range(100, (i) => ({ ids: ids.slice(i * 50, i * 50 + 50) })),
    searches: range(100, () => ({ search: "rare", kinds: [9] })),
  };
  for (const [name, filters] of Object.entries(manyFilters)) {
    const page = longestPage(...filters);
    const count = finish(stock.log.count(filters.map(filter), READER), () => stock.sql.meter.spent);
    console.log(`${name}: page ${Math.round(page.longest)}, count ${Math.round(count.longest)}`);
    expect(Math.max(page.longest, count.longest)).toBeLessThan(HARD_STEP);
    expect(page.events).toBe(name === "ids" ? 5000 : texts.length);
    expect(count.value).toMatchObject({ count: page.events });
  }
});

test("events that have expired and are still stored hold nobody up", () => {
  stock.now = NOW + 60;
  const { longest, events } = longestPage({ kinds: [1], limit: 5000 });
  expect(events).toBe(5000);
  expect(longest).toBeLessThan(HARD_STEP);
  const { value, longest: counting } = finish(
    stock.log.count([filter({ kinds: [1] })], READER),
    () => stock.sql.meter.spent,
  );
  expect(value).toMatchObject({ count: 8000 });
  expect(counting).toBeLessThan(HARD_STEP);
});

test("who gives up a count or a collection leaves nothing behind", () => {
  const counting = stock.log.count([filter({ "#x": range(20_000, (i) => `${i}`) })], READER);
  counting.next();
  counting.return(0 as never);
  const collecting = stock.log.records(filter({}), READER, () => undefined);
  collecting.next();
  collecting.return(0 as never);
  expect(stock.store.losses.watchers).toBe(0);
});
