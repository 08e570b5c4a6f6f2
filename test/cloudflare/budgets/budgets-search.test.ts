import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import { countMatches } from "../../../src/store/read/count.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import type { Sql } from "../../../src/store/sql.ts";
import type { Filter } from "../../support/client.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { finished } from "../../support/steps.ts";
import { inStore } from "../../support/stock.ts";

// What searching among 100,000 events, and opening very many ranges, may cost. docs/cost.md has the figures printed here.

const EVENTS = 100_000;
const AUTHORS = 1000;
const AT = 1_700_000_000;
const LIMITS = { defaultLimit: 500, maxLimit: 5000 };
/** What a search looks at for one REQ. */
const CANDIDATES = 2000;
/** Ten times what is wanted, for a machine that has other things to do. */
const LONGEST_TURN_MS = 500;

const authorOf = (n: number) => n.toString(16).padStart(64, "0");

/**
 * Rows as the store writes them, made by SQL: kinds 1 to 4 in turn by 1,000 authors, one with a tag of its own. All have
 * the word `every`, one in ten `tenth`, one in a thousand `rare`.
 */
function fill(sql: Sql): void {
  const at = `(${AT} + n)`;
  const place = `unhex(printf('%014x', ${Number.MAX_SAFE_INTEGER} - ${at}) || hex(id))`;
  sql.all(`CREATE TABLE made AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${EVENTS})
    SELECT n, randomblob(32) AS id, 1 + n % 4 AS kind, unhex(printf('%064x', n % ${AUTHORS})) AS pubkey,
      'every w' || (n % 5000) || iif(n % 10, '', ' tenth') || iif(n % 1000, '', ' rare') || ' and some more words' AS text
    FROM c`);
  sql.all(`INSERT INTO event SELECT n, id, ${place}, kind, pubkey, NULL, NULL, '{"id":"' || lower(hex(id)) ||
    '","pubkey":"' || lower(hex(pubkey)) || '","created_at":' || ${at} || ',"kind":' || kind || ',"tags":[["t","' || n ||
    '"]],"content":"' || text || '","sig":"' || hex(zeroblob(64)) || '"}' FROM made`);
  sql.all(`INSERT INTO tag SELECT unhex(hex('t' || n)), kind, ${place}, n FROM made`);
  sql.all("INSERT INTO search(rowid, text) SELECT n, text FROM made");
  sql.all("DROP TABLE made");
}

interface Answer {
  readonly events: Event[];
  readonly read: number;
  readonly written: number;
  readonly turns: number;
  readonly longest: number;
  readonly isRefused: boolean;
  readonly hint: string;
}

const READER = { authed: new Set<string>(), privateKinds: new Set<number>() };
const SNAPSHOT = { head: EVENTS, now: AT + EVENTS, retention: [] };

function parse(raw: Filter) {
  const parsed = parseFilter(raw, { andFilters: false, search: { exceptKinds: new Set() } });
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** The whole answer to a REQ, page by page as connections are sent it. */
async function ask(sql: Sql, raw: Filter): Promise<Answer> {
  const scan = new Scan(sql, [parse(raw)], READER, LIMITS, SNAPSHOT);
  const { read, written } = sql.meter;
  const events: Event[] = [];
  let turns = 0;
  let longest = 0;
  let all = 0;
  for (let isDone = false; !isDone; turns++) {
    // Where time stands still within a turn, it goes on here.
    await scheduler.wait(0);
    const start = performance.now();
    events.push(...scan.page(500).map((text) => JSON.parse(text) as Event));
    ({ isDone } = scan);
    const took = performance.now() - start;
    longest = Math.max(longest, took);
    all += took;
  }
  const cost = { read: sql.meter.read - read, written: sql.meter.written - written };
  const about = JSON.stringify(raw).slice(0, 80);
  console.log(
    `${about}: ${events.length} events, ${cost.read} read, ${turns} turns, ${Math.round(all)} ms in all, the longest ${Math.round(longest)} ms`,
  );
  expect(longest, about).toBeLessThan(LONGEST_TURN_MS);
  return { events, ...cost, turns, longest, isRefused: scan.isRefused, hint: scan.completeness() ?? "unknown" };
}

test(`R-05-40 R-03-17 R-03-09 searches and large lists among ${EVENTS} events`, { timeout: 180_000 }, async () => {
  await inStore(freshRelay(), async (_store, sql) => {
    fill(sql);

    const rare = await ask(sql, { search: "rare", limit: 100 });
    expect(rare).toMatchObject({ written: 0, hint: "finish" });
    expect(rare.events).toHaveLength(EVENTS / 1000);
    // The word's entry and the event, and the event again to be sent.
    expect(rare.read).toBeLessThanOrEqual(4 * rare.events.length);

    const common = await ask(sql, { search: "every", limit: 100 });
    expect(common).toMatchObject({ written: 0, hint: "more" });
    expect(common.events).toHaveLength(100);
    expect(common.read).toBeGreaterThan(CANDIDATES);
    expect(common.read).toBeLessThanOrEqual(2 * CANDIDATES + 200);
    // Only the newest were looked at, and that is not said to be all.
    const most = await ask(sql, { search: "every", limit: 5000 });
    expect(most.events.map(({ created_at }) => created_at).sort((a, b) => a - b)[0]).toBe(AT + EVENTS - CANDIDATES + 1);
    expect(most).toMatchObject({ hint: "unknown" });
    expect(most.events).toHaveLength(CANDIDATES);

    // By the other conditions where they have fewer events: all are found, the oldest too.
    const byAuthor = await ask(sql, { search: "every", authors: [authorOf(7)], limit: 500 });
    expect(byAuthor.events).toHaveLength(EVENTS / AUTHORS);
    expect(byAuthor).toMatchObject({ hint: "finish" });
    const byTag = await ask(sql, { search: "every", "#t": ["1", "2", "77"] });
    expect(byTag.events).toHaveLength(3);
    const early = await ask(sql, { search: "every", until: AT + 500 });
    expect(early.events).toHaveLength(500);
    expect(early).toMatchObject({ hint: "finish" });
    // Where both have very many, what is before a time is still found.
    const before = await ask(sql, { search: "every", until: AT + EVENTS / 2, limit: 10 });
    expect(before.events).toHaveLength(10);
    for (const { created_at } of before.events) expect(created_at).toBeGreaterThan(AT + EVENTS / 2 - CANDIDATES);
    // By the word where it has fewer.
    const byWord = await ask(sql, { search: "rare every", kinds: [1] });
    expect(byWord.events).toHaveLength(EVENTS / 1000);
    expect(byWord.read).toBeLessThanOrEqual(15_000);

    const count = (raw: Filter) =>
      finished(countMatches(sql, [parse(raw)], READER, () => SNAPSHOT, 1_000_000, undefined));
    expect(count({ search: "tenth" })).toMatchObject({ count: EVENTS / 10, isApproximate: false });
    expect(count({ search: "every" })).toMatchObject({ count: 20_000, isApproximate: true });

    // Without kinds, so that they have to be looked up for each value.
    const thousand = Array.from({ length: 1000 }, (_, i) => authorOf(i));
    const lists = await ask(sql, { authors: thousand, limit: 5000 });
    expect(lists).toMatchObject({ isRefused: false });
    expect(lists.events).toHaveLength(5000);
    expect(lists.turns).toBeGreaterThan(5);
    const three = await ask(sql, { authors: thousand.slice(0, 500), kinds: [1, 2, 3], limit: 500 });
    expect(three.events).toHaveLength(500);
    const values = Array.from({ length: 20_001 }, (_, i) => String(i + 1));
    const largest = await ask(sql, { "#t": values.slice(1), limit: 10 });
    expect(largest.events).toHaveLength(10);
    expect(await ask(sql, { "#t": values, kinds: [1] })).toMatchObject({ isRefused: true, events: [], read: 0 });
  });
});
