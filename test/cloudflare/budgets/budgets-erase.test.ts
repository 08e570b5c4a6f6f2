import { expect, test } from "vitest";
import { type Filter as ParsedFilter, parseFilter } from "../../../src/protocol/filter.ts";
import { Cleanup } from "../../../src/store/erase/cleanup.ts";
import type { EventStore } from "../../../src/store/event-store.ts";
import { countMatches } from "../../../src/store/read/count.ts";
import type { Sql } from "../../../src/store/sql.ts";
import type { Filter } from "../../support/client.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { inStore, putAll, unsigned, verified } from "../../support/stock.ts";

// What deleting, erasing and counting cost, in rows as they are billed. docs/cost.md has the figures printed here.

const AT = 1_700_000_000;
const AUTHOR = "1".repeat(64);
const TAGS = [
  ["t", "x"],
  ["e", "e".repeat(64)],
];
const MAX_REMOVED = 250;

interface Cost {
  written: number;
  read: number;
  ms: number;
}

async function cost(sql: Sql, act: () => unknown): Promise<Cost> {
  const { written, read } = sql.meter;
  const start = performance.now();
  await act();
  const ms = Math.round(performance.now() - start);
  return { written: sql.meter.written - written, read: sql.meter.read - read, ms };
}

function show(what: string, { written, read, ms }: Cost, of = 1): void {
  console.log(`${what}: ${written / of} written, ${read / of} read, ${ms} ms in all`);
}

const events = (count: number, template: object = {}) =>
  Array.from({ length: count }, (_, i) => unsigned({ pubkey: AUTHOR, created_at: AT - i, tags: TAGS, ...template }));

test("R-05-10 a deletion: itself, a tombstone, and the row and tags of its target", async () => {
  await inStore(freshRelay(), async (store, sql) => {
    const [target] = events(1);
    putAll(store, [target ?? unsigned({})]);
    const request = verified(unsigned({ pubkey: AUTHOR, kind: 5, created_at: AT, tags: [["e", target?.id ?? ""]] }));
    const byId = await cost(sql, () => expect(store.put([request])[0]?.outcome).toBe("stored"));
    show("delete by id, 2 tags", byId);
    // 4 + 1 for the kind 5, 1 tombstone, 1 + 2 for the target.
    expect(byId.written).toBeLessThanOrEqual(9);
    const unseen = verified(unsigned({ pubkey: AUTHOR, kind: 5, created_at: AT, tags: [["e", "f".repeat(64)]] }));
    const early = await cost(sql, () => store.put([unseen]));
    show("delete of an unseen event", early);
    expect(early.written).toBeLessThanOrEqual(6);
    const blocked = await cost(sql, () =>
      expect(store.put([verified(target ?? unsigned({}))])[0]?.outcome).toBe("deleted"),
    );
    show("resubmission", blocked);
    expect(blocked.written).toBe(0);
  });
});

/** Runs steps until nothing is left; the rows for each event, and the longest step. */
async function inSteps(what: string, sql: Sql, store: EventStore, total: number, run: () => void): Promise<Cost> {
  let longest = 0;
  let steps = 0;
  const all = await cost(sql, () => {
    for (let left = total; left > 0; steps++) {
      const start = performance.now();
      run();
      longest = Math.max(longest, performance.now() - start);
      const now = store.counts.byKind().get(1) ?? 0;
      expect(left - now).toBeGreaterThan(0);
      expect(left - now).toBeLessThanOrEqual(MAX_REMOVED);
      left = now;
    }
  });
  show(what, all, total);
  console.log(`${what}: ${steps} steps, the longest ${Math.round(longest)} ms`);
  return all;
}

test("R-05-20 vanish of 10,000 events with 2 tags: 1 + 2 written for each", {
  timeout: 120_000,
}, async () => {
  await inStore(freshRelay(), async (store, sql) => {
    putAll(store, events(10_000));
    // Others' and newer events cost nothing.
    putAll(store, events(500, { pubkey: "2".repeat(64), kind: 7 }));
    putAll(
      store,
      Array.from({ length: 500 }, (_, i) => unsigned({ pubkey: AUTHOR, created_at: AT + 9 + i, kind: 7 })),
    );
    store.counts.save(store.head);
    const request = verified(unsigned({ pubkey: AUTHOR, kind: 62, created_at: AT, tags: [["relay", "ALL_RELAYS"]] }));
    const asking = await cost(sql, () => store.put([request]));
    show("request to vanish", asking);
    expect(asking.written).toBeLessThanOrEqual(7);
    const erasing = await inSteps("vanish", sql, store, 10_000, () => store.eraseVanished(MAX_REMOVED));
    expect(erasing.written).toBeLessThanOrEqual(10_000 * 3 + 150);
    expect(erasing.read).toBeLessThanOrEqual(10_000 * 7.5);
  });
});

test("R-05-15 expiry of 10,000 events with 2 tags: 1 + 2 written for each", { timeout: 120_000 }, async () => {
  await inStore(freshRelay(), async (store, sql) => {
    putAll(store, events(10_000, { tags: [...TAGS, ["expiration", `${AT + 5}`]] }));
    store.counts.save(store.head);
    const cleanup = new Cleanup(sql, store);
    const erasing = await inSteps("expiry", sql, store, 10_000, () => cleanup.removeExpired(AT + 6, MAX_REMOVED));
    expect(erasing.written).toBeLessThanOrEqual(10_000 * 3 + 150);
    expect(erasing.read).toBeLessThanOrEqual(10_000 * 7.5);
  });
});

test("R-05-20 events with very many tags are erased in smaller steps", { timeout: 120_000 }, async () => {
  await inStore(freshRelay(), async (store, sql) => {
    const tags = Array.from({ length: 100 }, (_, i) => ["t", `${i}`]);
    putAll(store, events(100, { tags }));
    const request = verified(unsigned({ pubkey: AUTHOR, kind: 62, created_at: AT, tags: [["relay", "ALL_RELAYS"]] }));
    store.put([request]);
    let steps = 0;
    for (; store.vanishing.isPending; steps++) {
      // Five events with their tags, and the counts.
      expect((await cost(sql, () => store.eraseVanished(MAX_REMOVED))).written).toBeLessThanOrEqual(5 * 101 + 2);
    }
    expect(steps).toBe(21);
    expect(store.counts.byKind().get(1) ?? 0).toBe(0);
  });
});

const MANY = 100_000;

/** Rows as the store writes them, made by SQL: 100,000 of kind 1 by 1,000 authors with a tag. */
function fillMany(sql: Sql): void {
  const at = `(${AT} + n / 10)`;
  const place = `unhex(printf('%014x', ${Number.MAX_SAFE_INTEGER} - ${at}) || hex(id))`;
  sql.all(`CREATE TABLE made AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${MANY})
    SELECT n, randomblob(32) AS id FROM c`);
  sql.all(`INSERT INTO event SELECT n, id, ${place}, 1, unhex(printf('%064x', n % 1000)), NULL, NULL,
    '{"id":"' || lower(hex(id)) || '","pubkey":"' || printf('%064x', n % 1000) || '","created_at":' || ${at} ||
    ',"kind":1,"tags":[["t","x"]],"content":"' || hex(zeroblob(100)) || '","sig":""}' FROM made`);
  sql.all(`INSERT INTO tag SELECT unhex('7478'), 1, ${place}, n FROM made`);
  sql.all("DROP TABLE made");
}

test("R-05-34 COUNT of 100,000 matches: rows and stretches by shape", { timeout: 120_000 }, async () => {
  const relay = freshRelay();
  await inStore(relay, (_store, sql) => fillMany(sql));
  await inStore(relay, async (store, sql) => {
    store.counts.save(store.head);
    const reader = { authed: new Set([AUTHOR]), privateKinds: new Set([4, 1059]) };
    const ask = async (raw: Filter, hasRegisters: boolean, hasCounts: boolean): Promise<Cost & { longest: number }> => {
      const parsed = parseFilter(raw, { andFilters: false });
      if (!parsed.ok) throw new Error(parsed.reason);
      const filters: ParsedFilter[] = [parsed.value];
      let longest = 0;
      const counts = hasCounts ? { counts: () => store.counts.known() } : {};
      const snapshot = { head: store.head, recent: store.recent, now: AT + 100_000, retention: [], ...counts };
      const spent = await cost(sql, async () => {
        const sketched = hasRegisters ? "x" : undefined;
        const steps = countMatches(sql, filters, reader, () => snapshot, 1_000_000, sketched);
        for (let last = performance.now(); ; last = performance.now()) {
          const { done, value } = steps.next();
          longest = Math.max(longest, performance.now() - last);
          if (done) {
            expect(value?.count).toBe(MANY);
            expect(value?.hll?.length).toBe(hasRegisters ? 512 : undefined);
            return;
          }
          await scheduler.wait(0);
        }
      });
      const what = `COUNT ${JSON.stringify(raw)}${hasRegisters ? " with registers" : ""}${hasCounts ? "" : " by index"}`;
      show(what, spent);
      console.log(`${what}: longest stretch ${Math.round(longest)} ms`);
      return { ...spent, longest };
    };
    expect(await ask({ kinds: [1] }, false, true)).toMatchObject({ written: 0 });
    // The seek for what has expired, and no event.
    expect((await ask({ kinds: [1] }, false, true)).read).toBeLessThanOrEqual(1);
    // The same, two rows for each of two kinds and for the end, and which private kinds the reader has.
    expect((await ask({}, false, true)).read).toBeLessThanOrEqual(6 + reader.privateKinds.size);
    const bounds: [Filter, boolean, number][] = [
      [{ kinds: [1] }, false, 1],
      [{ kinds: [1], since: AT }, false, 1],
      [{ "#t": ["x"] }, false, 1],
      [{ "#t": ["x"], kinds: [1] }, true, 2],
    ];
    for (const [filter, hasRegisters, each] of bounds) {
      const { read, written, longest } = await ask(filter, hasRegisters, false);
      expect(written).toBe(0);
      expect(read).toBeGreaterThanOrEqual(MANY);
      expect(read).toBeLessThanOrEqual(each * MANY + 60);
      // Ten times what is wanted, for a machine that has other things to do.
      expect(longest).toBeLessThan(500);
    }
    // An expired event that is still stored has each looked at.
    putAll(store, [
      unsigned({
        created_at: AT,
        tags: [
          ["t", "x"],
          ["expiration", `${AT + 1}`],
        ],
      }),
    ]);
    expect((await ask({ "#t": ["x"] }, false, true)).read).toBeLessThanOrEqual(2 * MANY + 120);
    expect((await ask({ kinds: [1] }, false, true)).read).toBeLessThanOrEqual(2 * MANY + 120);
  });
});
