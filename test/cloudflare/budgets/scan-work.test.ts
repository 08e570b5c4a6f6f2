import { expect, test } from "vitest";
import { type Event, indexedTags } from "../../../src/protocol/event.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import type { Completeness } from "../../../src/store/read/completeness.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { counting, inStore, putAll, unsigned } from "../../support/stock.ts";

// What a query may do in one turn of the object, and in how many statements.

const AT = 1_700_000_000;

interface Walk {
  ids: string[];
  /** Rows read in each turn. */
  read: number[];
  statements: number;
  hint: Completeness;
}

/** Walks a whole answer, and asks whether it was all. */
async function walk(events: Event[], raw: object): Promise<Walk> {
  return inStore(freshRelay(), (store, sql) => {
    putAll(store, events);
    const { counted, statements } = counting(sql);
    const filter = parseFilter(raw, { andFilters: false });
    if (!filter.ok) throw new Error(filter.reason);
    const reader = { authed: new Set<string>(), privateKinds: new Set<number>() };
    // Without texts in memory each row is read where it is.
    const snapshot = { head: store.head, now: AT, retention: [] };
    const scan = new Scan(counted, [filter.value], reader, { defaultLimit: 500, maxLimit: 5000 }, snapshot);
    const ids: string[] = [];
    const read: number[] = [];
    do {
      const before = sql.meter.read;
      ids.push(...scan.page(500).map((raw) => (JSON.parse(raw) as Event).id));
      read.push(sql.meter.read - before);
    } while (!scan.isDone);
    let hint: Completeness | undefined;
    while (hint === undefined) {
      const before = sql.meter.read;
      hint = scan.completeness();
      read.push(sql.meter.read - before);
    }
    return { ids, read, statements: statements(), hint };
  });
}

test.each([1, 20, undefined])(
  "R-01-10 rows that one of two conditions rejects are looked at in turns, limit %s",
  async (limit) => {
    const tagged = (i: number, tags: string[][]) => unsigned({ created_at: AT - i, tags });
    const events = [
      ...Array.from({ length: 6000 }, (_, i) => tagged(i, [["t", "a"]])),
      ...Array.from({ length: 200 }, (_, i) => tagged(i, [["r", "b"]])),
      ...[5500, 5900].map((i) =>
        tagged(i, [
          ["t", "a"],
          ["r", "b"],
        ]),
      ),
    ];
    const both = events.slice(-2).map(({ id }) => id);
    const { ids, read, statements, hint } = await walk(events, { "#t": ["a"], "#r": ["b"], ...(limit && { limit }) });
    expect(hint).toBe(limit === 1 ? "more" : "finish");
    expect(ids).toEqual(limit === 1 ? both.slice(0, 1) : both);
    expect(read.length).toBeGreaterThanOrEqual(6);
    // Up to a thousand in one turn, of two tables, and what was read ahead.
    for (const rows of read) expect(rows).toBeLessThanOrEqual(2 * (1000 + 501) + 10);
    expect(statements).toBeLessThanOrEqual(40);
  },
);

test.each([
  [6000, "finish"],
  [25_000, "unknown"],
] as const)(
  "R-03-17 R-01-10 whether a limit kept something back is found out in turns: of %i rows, %s",
  { timeout: 60_000 },
  async (count, expected) => {
    const match = unsigned({
      created_at: AT,
      tags: [
        ["t", "a"],
        ["r", "b"],
      ],
    });
    const older = (tag: string[]) => (_: unknown, i: number) => unsigned({ created_at: AT - 1 - i, tags: [tag] });
    const others = [
      ["t", "a"],
      ["r", "b"],
    ].flatMap((tag) => Array.from({ length: count }, older(tag)));
    const { ids, read, hint } = await walk([match, ...others], { "#t": ["a"], "#r": ["b"], limit: 1 });
    expect(ids).toEqual([match.id]);
    expect(hint).toBe(expected);
    expect(read.length).toBeLessThanOrEqual(60);
    for (const rows of read) expect(rows).toBeLessThanOrEqual(2 * (1000 + 501) + 10);
  },
);

test("R-03-19 events as old as the last one are read many at a time", async () => {
  const events = Array.from({ length: 3000 }, () => unsigned({ created_at: AT }));
  const { ids, statements } = await walk(events, {});
  expect(ids).toEqual(events.map(({ id }) => id).sort());
  expect(statements).toBeLessThanOrEqual(20);
});

test("R-01-10 the tags of an event are told apart in a time that grows with their number", async () => {
  const event = unsigned({});
  const tags = Array.from({ length: 40_000 }, (_, i) => ["t", `${i % 39_000}`]);
  await scheduler.wait(1);
  const startedAt = Date.now();
  expect(indexedTags({ ...event, tags }).length).toBe(39_000);
  await scheduler.wait(1);
  // Each checked against all others would take seconds.
  expect(Date.now() - startedAt).toBeLessThan(500);
});

test("R-03-17 a filter that is wanted live only takes nothing of a REQ's room, however much it names", async () => {
  await inStore(freshRelay(), (store, sql) => {
    const event = unsigned({ created_at: AT });
    putAll(store, [event]);
    const { counted, statements } = counting(sql);
    const authors = Array.from({ length: 1000 }, (_, i) => i.toString(16).padStart(64, "0"));
    const kinds = Array.from({ length: 30 }, (_, i) => i);
    const filters = [{ authors, kinds, limit: 0 }, { ids: [event.id] }].map((raw) => {
      const filter = parseFilter(raw, { andFilters: false });
      if (!filter.ok) throw new Error(filter.reason);
      return filter.value;
    });
    const reader = { authed: new Set<string>(), privateKinds: new Set<number>() };
    const snapshot = { head: store.head, now: AT, retention: [] };
    const scan = new Scan(counted, filters, reader, { defaultLimit: 500, maxLimit: 5000 }, snapshot);
    expect(scan.page(500)).toHaveLength(1);
    expect(scan.isRefused).toBe(false);
    expect(scan.isDone).toBe(true);
    expect(scan.completeness()).toBe("unknown");
    expect(statements()).toBeLessThanOrEqual(5);
  });
});
