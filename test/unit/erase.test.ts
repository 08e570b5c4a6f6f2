import { expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import type { Records } from "../../src/protocol/negentropy/records.ts";
import { Cleanup } from "../../src/store/erase/cleanup.ts";
import { AUTHOR, filter, finish, NOW, OTHER, READER, Stock, unsigned, verified } from "./stocked.ts";

// What is removed is hidden at once and erased behind, in bounded steps.

const manyTags = (n: number, from = 0) => Array.from({ length: n }, (_, i) => ["t", `${from}.${i}`]);
const HARD_STEP = 5000;

test("R-05-10 a deletion of many events with many tags hides them at once, and is erased in bounded steps", () => {
  const stock = new Stock();
  const targets = Array.from({ length: 40 }, (_, v) => unsigned({ tags: [...manyTags(2000, v), ["x", "y"]] }));
  for (const target of targets) stock.put(target);
  const deletion = unsigned({ kind: 5, tags: targets.map(({ id }) => ["e", id]) });
  const before = stock.sql.meter.spent;
  expect(stock.put(deletion)).toEqual(["stored"]);
  expect(stock.sql.meter.spent - before).toBeLessThan(HARD_STEP);
  expect(stock.query({ kinds: [1] })).toEqual([]);
  expect(stock.count({ kinds: [1] })).toBe(0);
  expect(stock.count({ "#x": ["y"] })).toBe(0);
  expect(stock.log.find(targets[39]?.id ?? "")).toBe(undefined);
  expect(stock.put(targets[0] ?? deletion)).toEqual(["deleted"]);
  expect(stock.put(targets[39] ?? deletion)).toEqual(["deleted"]);
  stock.restart();
  expect(stock.query({ kinds: [1] })).toEqual([]);
  expect(stock.put(targets[39] ?? deletion)).toEqual(["deleted"]);
  const { longest, steps, ms } = stock.erase();
  console.log("deletion of 40 x 2000 tags:", steps, "steps, the longest", longest, "units,", ms.toFixed(1), "ms");
  expect(longest).toBeLessThan(HARD_STEP);
  expect(stock.rows("tag")).toBe(40);
  expect(stock.rows("event")).toBe(1);
  expect(stock.rows("unfinished")).toBe(0);
  expect(stock.rows("tombstone")).toBe(40);
  expect(stock.put(targets[7] ?? deletion)).toEqual(["deleted"]);
});

test("R-05-06 a deletion of 2000 unknown ids is in force at once; a ban of its author gives the room back", () => {
  const stock = new Stock();
  const empty = stock.sql.size();
  const unseen = Array.from({ length: 2000 }, (_, i) => unsigned({ content: `unseen ${i}` }));
  const deletion = unsigned({ kind: 5, tags: unseen.map(({ id }) => ["e", id]) });
  expect(stock.put(deletion)).toEqual(["stored"]);
  const [first, last] = [unseen[0], unseen[1999]];
  expect(stock.put(first ?? deletion, last ?? deletion)).toEqual(["deleted", "deleted"]);
  // Of a stranger it says nothing.
  expect(stock.put(unsigned({ pubkey: OTHER, content: "other" }))).toEqual(["stored"]);
  stock.restart();
  expect(stock.put(first ?? deletion, last ?? deletion)).toEqual(["deleted", "deleted"]);
  expect(stock.erase().longest).toBeLessThan(HARD_STEP);
  expect(stock.put(first ?? deletion, last ?? deletion)).toEqual(["deleted", "deleted"]);
  expect(stock.rows("tombstone")).toBe(2000);
  const full = stock.sql.size();
  const cleanup = new Cleanup(stock.sql, stock.store);
  while (cleanup.removeAuthor(AUTHOR, 250) > 0);
  expect(stock.erase().longest).toBeLessThan(HARD_STEP);
  expect(stock.rows("tombstone")).toBe(0);
  expect(stock.rows("tag")).toBe(0);
  expect(stock.sql.size() - empty).toBeLessThan(0.2 * (full - empty));
});

test("R-05-06 a key leaves so many tombstones; a ban takes all of them, also those whose kind 5 is gone", () => {
  const stock = new Stock();
  const mine = unsigned();
  stock.put(mine, unsigned({ pubkey: OTHER }));
  const naming = (name: string, value: (i: number) => string, count = 2000) =>
    unsigned({
      kind: 5,
      tags: [["expiration", String(NOW + 60)], ...Array.from({ length: count }, (_, i) => [name, value(i)])],
    });
  const unknown = (serial: number) => (i: number) => `${serial}${i}`.padStart(64, "0");
  for (let serial = 1; serial <= 4; serial++) expect(stock.put(naming("e", unknown(serial)))).toEqual(["stored"]);
  expect(stock.put(naming("a", (i) => `30023:${AUTHOR}:${i}`))).toEqual(["stored"]);
  stock.put(unsigned({ kind: 5, pubkey: OTHER, tags: [["e", unknown(7)(0)]] }));
  stock.erase();
  expect(stock.rows("tombstone") + stock.rows("address_tombstone")).toBe(10_001);
  const may = (event: Event) => stock.log.mayBury(verified(event));
  expect(may(naming("e", unknown(5), 1))).toBe(false);
  expect(may(naming("a", (i) => `30024:${AUTHOR}:${i}`, 1))).toBe(false);
  expect(may(naming("e", () => mine.id, 1))).toBe(true);
  expect(may({ ...naming("e", unknown(5)), pubkey: OTHER })).toBe(true);
  const cleanup = new Cleanup(stock.sql, stock.store);
  while (cleanup.removeExpired(NOW + 60, 250) > 0);
  stock.erase();
  expect(stock.rows("tombstone") + stock.rows("address_tombstone")).toBe(10_001);
  while (cleanup.removeAuthor(AUTHOR, 250) > 0);
  expect(stock.rows("tombstone") + stock.rows("address_tombstone")).toBe(1);
  expect(stock.rows("event")).toBe(2);
});

test("R-05-08 a ban takes kind 5 events and the tombstones of what was never here; what was deleted here stays so", () => {
  const stock = new Stock();
  const version = (d: string) => unsigned({ kind: 30078, tags: [["d", d]] });
  const [mine, seen, unseen, unknown] = [unsigned(), version("seen"), version("unseen"), unsigned()];
  const wrap = unsigned({ kind: 1059, pubkey: OTHER, tags: [["p", AUTHOR]] });
  const theirs = unsigned({ pubkey: OTHER });
  // More than one step takes.
  const many = Array.from({ length: 600 }, (_, i) => unsigned({ content: `mine ${i}` }));
  stock.put(mine, seen, wrap, theirs, ...many);
  const named = [mine, unknown, wrap, ...many].map(({ id }) => ["e", id]);
  const addresses = ["seen", "unseen"].map((d) => ["a", `30078:${AUTHOR}:${d}`]);
  stock.put(unsigned({ kind: 5, tags: [...named, ...addresses] }));
  stock.put(unsigned({ kind: 5, pubkey: OTHER, tags: [["e", unsigned({ pubkey: OTHER }).id]] }));
  stock.restart();
  stock.erase();
  expect([stock.rows("tombstone"), stock.rows("address_tombstone")]).toEqual([604, 2]);
  const cleanup = new Cleanup(stock.sql, stock.store);
  let longest = 0;
  for (let removed = 1; removed > 0; ) {
    const before = stock.sql.meter.spent;
    removed = cleanup.removeDeletions(AUTHOR, 250);
    longest = Math.max(longest, stock.sql.meter.spent - before);
  }
  expect(longest).toBeLessThan(HARD_STEP);
  expect(stock.query({ kinds: [5] })).toHaveLength(1);
  expect([stock.rows("tombstone"), stock.rows("address_tombstone")]).toEqual([603, 1]);
  expect(stock.put(mine, wrap, seen, ...many)).toEqual(Array(603).fill("deleted"));
  expect(stock.put(unknown, unseen)).toEqual(["stored", "stored"]);
  expect(stock.query({ kinds: [1, 30078, 1059] }).sort()).toEqual([theirs, unknown, unseen].map(({ id }) => id).sort());
});

test("R-05-06 what a deletion under way has still to bury counts for its key", () => {
  const stock = new Stock();
  const naming = (serial: number) =>
    unsigned({ kind: 5, tags: Array.from({ length: 2000 }, (_, i) => ["e", `${serial}${i}`.padStart(64, "0")]) });
  for (let serial = 1; serial <= 5; serial++) {
    expect(stock.log.mayBury(verified(naming(serial)))).toBe(true);
    stock.put(naming(serial));
  }
  expect(stock.store.deletions.pendingOf(AUTHOR)).toBeGreaterThan(8000);
  expect(stock.log.mayBury(verified(naming(6)))).toBe(false);
});

test("R-05-07 an address deletion that is pending blocks and hides what is not newer", () => {
  const stock = new Stock();
  const address = (d: number) => `30078:${AUTHOR}:${d}`;
  const version = (d: number, at: number) => unsigned({ kind: 30078, created_at: at, tags: [["d", `${d}`]] });
  const old = Array.from({ length: 600 }, (_, d) => version(d, NOW));
  stock.put(...old);
  stock.put(unsigned({ kind: 5, created_at: NOW + 1, tags: old.map((_, d) => ["a", address(d)]) }));
  expect(stock.store.isErasing).toBe(true);
  expect(stock.query({ kinds: [30078] })).toEqual([]);
  const newer = version(599, NOW + 2);
  expect(stock.put(version(599, NOW + 1), newer)).toEqual(["deleted", "stored"]);
  expect(stock.query({ kinds: [30078] })).toEqual([newer.id]);
  stock.erase();
  expect(stock.query({ kinds: [30078] })).toEqual([newer.id]);
  expect(stock.rows("event")).toBe(2);
  expect(stock.rows("address_tombstone")).toBe(600);
});

test("R-05-05 a pending deletion does nothing to others' events, and a version that it removes makes way", () => {
  const stock = new Stock();
  const ids = Array.from({ length: 600 }, (_, i) => unsigned({ content: `none ${i}` }).id);
  const theirs = unsigned({ pubkey: OTHER });
  const current = unsigned({ kind: 10002, created_at: NOW });
  stock.put(theirs, current);
  stock.put(unsigned({ kind: 5, tags: [...ids, theirs.id, current.id].map((id) => ["e", id]) }));
  expect(stock.store.isErasing).toBe(true);
  expect(stock.query({ kinds: [1, 10002] })).toEqual([theirs.id]);
  // It would be superseded by the one that is deleted.
  const older = unsigned({ kind: 10002, created_at: NOW - 5 });
  expect(stock.put(older)).toEqual(["stored"]);
  stock.erase();
  expect(stock.query({ kinds: [1, 10002] }).sort()).toEqual([theirs.id, older.id].sort());
});

test("R-01-10 R-05-10 a deletion of more than a step removes is only noted by the transaction of its OK", () => {
  const stock = new Stock();
  const tags = Array.from({ length: 2000 }, (_, i) => ["a", `30023:${AUTHOR}:${`${i}`.padEnd(130, "x")}`]);
  const before = stock.sql.meter.spent;
  expect(stock.put(unsigned({ kind: 5, created_at: NOW, tags }))).toEqual(["stored"]);
  expect(stock.sql.meter.spent - before).toBeLessThan(HARD_STEP / 2);
  const named = unsigned({ kind: 30_023, created_at: NOW - 1, tags: [["d", "1999".padEnd(130, "x")]] });
  expect(stock.put(named)).toEqual(["deleted"]);
  expect(stock.erase().longest).toBeLessThan(HARD_STEP);
  expect(stock.rows("address_tombstone")).toBe(2000);
  expect(stock.put(named)).toEqual(["deleted"]);
});

test("R-05-34 a count that is under way when a large deletion hides events is of one moment", () => {
  const stock = new Stock();
  const events = Array.from({ length: 3000 }, (_, i) => unsigned({ created_at: NOW - 1 - i }));
  stock.put(...events);
  stock.restart();
  const counting = stock.log.count([filter({ kinds: [1] }), filter({ kinds: [2] })], READER);
  expect(counting.next().done).toBe(false);
  const named = events.filter((_, i) => i % 10 === 0).map(({ id }) => ["e", id]);
  stock.put(unsigned({ kind: 5, tags: named }));
  expect(finish(counting, () => 0).value).toMatchObject({ count: 2700 });
  // What is erased has been hidden before: nobody need count again.
  const again = stock.log.count([filter({ kinds: [1] }), filter({ kinds: [2] })], READER);
  again.next();
  stock.erase();
  expect(finish(again, () => 0).value).toMatchObject({ count: 2700, isApproximate: false });
});

test("R-01-10 R-02-04 an event with 12,000 tags is stored in bounded steps, and found by all of them from the first on", () => {
  const stock = new Stock();
  const list = (v: number) =>
    unsigned({ kind: 3, created_at: NOW + v, content: "fox", tags: [...manyTags(12_000, v), ["x", "y"]] });
  const [first, second] = [list(0), list(1)];
  const few = unsigned({ tags: [["x", "y"]] });
  const expectFound = (event: Event, v: number, others: Event[]) => {
    for (const t of [`${v}.0`, `${v}.11999`]) {
      expect(stock.query({ "#t": [t] })).toEqual([event.id]);
      expect(stock.query({ "#t": [t], search: "fox" })).toEqual([event.id]);
      expect(stock.query({ "#t": [t, "none"], kinds: [3], authors: [AUTHOR] })).toEqual([event.id]);
      expect(stock.count({ "#t": [t] })).toBe(1);
      const { value } = finish(
        stock.log.records(filter({ "#t": [t] }), READER, () => undefined),
        () => 0,
      );
      expect((value as Records).size).toBe(1);
    }
    expect(stock.query({ "#x": ["y"] }).sort()).toEqual([event, ...others].map(({ id }) => id).sort());
    expect(stock.count({ "#x": ["y"] })).toBe(1 + others.length);
    expect(stock.query({ "#t": ["none"] })).toEqual([]);
  };
  const put = (event: Event): number => {
    const before = stock.sql.meter.spent;
    expect(stock.put(event)).toEqual(["stored"]);
    return stock.sql.meter.spent - before;
  };
  expect(put(first)).toBeLessThan(HARD_STEP);
  expectFound(first, 0, []);
  put(few);
  stock.store.eraseSome();
  expectFound(first, 0, [few]);
  stock.restart();
  expectFound(first, 0, [few]);
  expect(stock.erase().longest).toBeLessThan(HARD_STEP);
  expect([stock.rows("tag"), stock.rows("unfinished"), stock.store.leftovers.untagged.length]).toEqual([12_002, 0, 0]);
  expectFound(first, 0, [few]);
  // What is replaced before its tags are written leaves none.
  expect(put(second)).toBeLessThan(HARD_STEP);
  stock.store.eraseSome();
  const third = list(2);
  expect(put(third)).toBeLessThan(HARD_STEP);
  expectFound(third, 2, [few]);
  expect(stock.query({ "#t": ["1.0"] })).toEqual([]);
  expect(stock.erase().longest).toBeLessThan(HARD_STEP);
  expect([stock.rows("tag"), stock.rows("unfinished"), stock.store.leftovers.untagged.length]).toEqual([12_002, 0, 0]);
  expectFound(third, 2, [few]);
});

test("R-05-10 R-06-17 an event whose tags are not written yet is deleted, also after a restart; a failed write leaves nothing", () => {
  const stock = new Stock();
  const event = unsigned({ tags: manyTags(3000) });
  stock.put(event);
  stock.restart();
  stock.put(unsigned({ kind: 5, tags: [["e", event.id]] }));
  expect(stock.query({ "#t": ["0.1"] })).toEqual([]);
  stock.erase();
  expect([stock.rows("tag"), stock.rows("unfinished")]).toEqual([1, 0]);
  stock.sql.all("CREATE TRIGGER broken BEFORE INSERT ON unfinished BEGIN SELECT raise(ABORT, 'broken'); END");
  expect(stock.put(unsigned({ tags: manyTags(3000) }))).toEqual(["failed"]);
  expect(stock.store.leftovers.untagged).toEqual([]);
});

test("R-04-03 replacing a version with very many tags takes a bounded step; its tags go behind", () => {
  const stock = new Stock();
  const versions = Array.from({ length: 20 }, (_, v) =>
    unsigned({ kind: 10002, created_at: NOW + v, tags: [...manyTags(2000, v), ["x", "y"]] }),
  );
  let longest = 0;
  for (const version of versions) {
    const start = performance.now();
    expect(stock.put(version)).toEqual(["stored"]);
    longest = Math.max(longest, performance.now() - start);
  }
  console.log("replacing 2000 tags:", longest.toFixed(1), "ms");
  expect(stock.query({ "#x": ["y"] })).toEqual([versions[19]?.id]);
  expect(stock.count({ "#x": ["y"] })).toBe(1);
  expect(stock.query({ "#t": ["3.7"] })).toEqual([]);
  stock.restart();
  expect(stock.count({ "#x": ["y"] })).toBe(1);
  const erased = stock.erase();
  expect(erased.longest).toBeLessThan(HARD_STEP);
  console.log("erasing their tags:", erased.steps, "steps, the longest", erased.ms.toFixed(1), "ms");
  expect(stock.rows("tag")).toBe(2001);
  expect(stock.rows("unfinished")).toBe(0);
});

test("an event comes back while its tags are left over", () => {
  const stock = new Stock();
  const event = unsigned({ tags: manyTags(1000) });
  stock.put(event);
  const cleanup = new Cleanup(stock.sql, stock.store);
  cleanup.removeEvent(event.id);
  expect(stock.store.leftovers.isPending).toBe(true);
  expect(stock.put(event)).toEqual(["stored"]);
  stock.erase();
  expect(stock.rows("tag")).toBe(1000);
  expect(stock.query({ "#t": ["0.999"] })).toEqual([event.id]);
});

test("R-05-20 erasing somebody with very many kinds takes bounded steps", () => {
  const stock = new Stock();
  for (let from = 0; from < 3000; from += 100) {
    stock.put(...Array.from({ length: 100 }, (_, i) => unsigned({ kind: 40_000 + from + i, created_at: NOW + 9 })));
  }
  const old = unsigned({ kind: 65_000 });
  stock.put(old);
  stock.put(unsigned({ kind: 62, created_at: NOW + 1, tags: [["relay", "ALL_RELAYS"]] }));
  expect(stock.query({ ids: [old.id] })).toEqual([]);
  let longest = 0;
  for (let n = 0; stock.store.vanishing.isPending; n++) {
    const before = stock.sql.meter.spent;
    stock.store.eraseVanished(250);
    longest = Math.max(longest, stock.sql.meter.spent - before);
    expect(n).toBeLessThan(100);
  }
  expect(longest).toBeLessThan(HARD_STEP);
  expect(stock.rows("event")).toBe(3001);
});

test("what is full takes events again when something was removed", () => {
  const stock = new Stock({ maxStorage: 2_000_000 });
  let n = 0;
  while (!stock.log.isFull()) stock.put(unsigned({ content: "z".repeat(90_000) + n++ }));
  const cleanup = new Cleanup(stock.sql, stock.store);
  while (cleanup.removeAuthor(AUTHOR, 250) > 0);
  expect(stock.log.isFull()).toBe(false);
});
