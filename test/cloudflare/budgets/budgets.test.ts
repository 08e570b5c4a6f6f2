import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { durableSql } from "../../../src/hosts/cloudflare/durable-sql.ts";
import { createCrypto } from "../../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../../src/protocol/crypto/verify.ts";
import { type Event, serializeEvent } from "../../../src/protocol/event.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import { EventStore } from "../../../src/store/event-store.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import { migrate } from "../../../src/store/schema.ts";
import type { Sql } from "../../../src/store/sql.ts";
import type { Client, Filter } from "../../support/client.ts";
import { freshRelay, type WorkerdRelay as TestRelay } from "../../support/hosts/workerd.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { counting } from "../../support/stock.ts";
import { alarmOf } from "../inside.ts";

// What an operation may cost, in rows as they are billed.

/** The store does not look at signatures, so thousands of events need none. */
const crypto = { ...createCrypto(wasm), verifyAll: () => true };
const hex = (n: number) => n.toString(16).padStart(64, "0");
let serial = 0;

function verified(event: Event): VerifiedEvent {
  const checked = VerifiedEvent.check(event, crypto);
  if (!checked.ok) throw new Error(checked.reason);
  return checked.value;
}

function stored(template: {
  pubkey?: string;
  kind?: number;
  created_at?: number;
  tags?: string[][];
  content?: string;
}): VerifiedEvent {
  const base = { id: "", pubkey: hex(1), kind: 1, created_at: 1_700_000_000, tags: [], sig: "0".repeat(128) };
  const draft = { ...base, content: `${++serial}`, ...template };
  return verified({ ...draft, id: crypto.sha256(serializeEvent(draft).hashed) });
}

/** Runs `body` on an empty store of its own. */
function inStore<T>(body: (store: EventStore, sql: Sql) => T): Promise<T> {
  return runInDurableObject(freshRelay().stub, (_object, state) => {
    const sql = durableSql(state.storage);
    migrate(sql);
    return body(new EventStore(sql), sql);
  });
}

/** Rows written and read by `act`. */
function cost(sql: Sql, act: () => void): { written: number; read: number } {
  const { written, read } = sql.meter;
  act();
  return { written: sql.meter.written - written, read: sql.meter.read - read };
}

const tagged = (count: number) => Array.from({ length: count }, (_, i) => ["eptiakgr".charAt(i), hex(100 + i)]);

describe("rows written", () => {
  test.each([0, 1, 4, 8])(
    "a job request with %i indexed tags: at most 4 and its tags, and 3 of the ledger",
    async (count) => {
      const event = stored({ kind: 5050, tags: [...tagged(count), ["param", "x", "y"], ["relays", "wss://x"]] });
      const { written } = await inStore((store, sql) =>
        cost(sql, () => expect(store.put([event])).toEqual([{ outcome: "stored", position: 1 }])),
      );
      expect(written).toBeLessThanOrEqual(4 + count + 3);
      // The meter counts: the event and each tag need a row.
      expect(written).toBeGreaterThan(count);
    },
  );

  test("R-02-04 a contact list of 10,000 follows: itself, its address, and a row for each; replaced, as many again", async () => {
    const follows = (from: number) => Array.from({ length: 10_000 }, (_, i) => ["p", hex(from + i)]);
    const [older, newer] = [0, 1].map((later) =>
      stored({ kind: 3, created_at: 1_700_000_000 + later, tags: follows(later) }),
    ) as [VerifiedEvent, VerifiedEvent];
    await inStore((store, sql) => {
      const put = (event: VerifiedEvent) =>
        cost(sql, () => {
          store.put([event]);
          while (store.isErasing) store.eraseSome();
        });
      const [first, next] = [put(older), put(newer)];
      console.log("a contact list of 10,000:", first, "and replaced:", next);
      // What is done behind has a row of its own, which is written and removed.
      expect(first.written).toBeLessThanOrEqual(5 + 10_000 + 2);
      expect(next.written).toBeLessThanOrEqual(5 + 10_000 + 2 + 1 + 10_000 + 2);
    });
  });

  test("R-02-04 an article of 250,000 characters costs as many rows as a short one", async () => {
    const [older, newer] = [0, 1].map((later) =>
      stored({
        kind: 30023,
        created_at: 1_700_000_000 + later,
        tags: [["d", "x"], ...tagged(4)],
        content: "word ".repeat(50_000),
      }),
    ) as [VerifiedEvent, VerifiedEvent];
    await inStore((store, sql) => {
      const [first, next] = [older, newer].map((event) => cost(sql, () => store.put([event])));
      console.log("an article of 250,000 characters:", first, "and replaced:", next);
      expect(first?.written).toBeLessThanOrEqual(5 + 5);
      expect(next?.written).toBeLessThanOrEqual(5 + 5 + 1 + 5);
    });
  });

  test("R-02-04 long values, and an address with a long d, cost as many rows as short ones", async () => {
    const d = "d".repeat(100_000);
    const [older, newer] = [0, 1].map((later) =>
      stored({
        kind: 30023,
        created_at: 1_700_000_000 + later,
        tags: [
          ["d", d],
          ["r", `r${d}`],
        ],
      }),
    ) as [VerifiedEvent, VerifiedEvent];
    await inStore((store, sql) => {
      expect(cost(sql, () => store.put([older])).written).toBeLessThanOrEqual(4 + 2 + 1);
      expect(cost(sql, () => store.put([newer])).written).toBeLessThanOrEqual(4 + 2 + 1 + 1 + 2);
    });
  });

  test("a batch of 100 job requests costs no more than its events", async () => {
    const events = Array.from({ length: 100 }, () => stored({ kind: 5050, tags: tagged(4) }));
    expect((await inStore((store, sql) => cost(sql, () => store.put(events)))).written).toBeLessThanOrEqual(
      100 * (8 + 3),
    );
  });

  test("a duplicate and a superseded version: none", async () => {
    const event = stored({ kind: 5050, tags: tagged(4) });
    const newer = stored({ kind: 0, created_at: 1_700_000_001 });
    const older = stored({ kind: 0, tags: tagged(2) });
    await inStore((store, sql) => {
      store.put([event, newer]);
      const outcomes = [{ outcome: "duplicate" }, { outcome: "superseded" }];
      expect(cost(sql, () => expect(store.put([event, older])).toEqual(outcomes)).written).toBe(0);
    });
  });

  test.each([
    [0, []],
    [30023, [["d", "x"]]],
  ])("an update of kind %i: the new version, its address, and the old one's row and tags", async (kind, d) => {
    const older = stored({ kind, tags: [...d, ...tagged(3)] });
    const newer = stored({ kind, tags: [...d, ...tagged(1)], created_at: 1_700_000_001 });
    await inStore((store, sql) => {
      const first = cost(sql, () => store.put([older]));
      expect(first.written).toBeLessThanOrEqual(4 + older.tags.length + 1);
      const update = cost(sql, () => expect(store.put([newer])).toEqual([{ outcome: "stored", position: 2 }]));
      expect(update.written).toBeLessThanOrEqual(4 + newer.tags.length + 1 + 1 + older.tags.length);
    });
  });
});

describe("rows read", () => {
  const times = (count: number) => Array.from({ length: count }, (_, i) => 1_700_000_000 + i);

  /** Holds one whole answer against its budget: what each event may cost, and 1 for each range. */
  function check(sql: Sql, store: EventStore, raw: Filter, events: number, ranges: number, each: number): void {
    const filter = parseFilter(raw, { andFilters: false });
    if (!filter.ok) throw new Error(filter.reason);
    const reader = { authed: new Set([hex(1)]), privateKinds: new Set([4, 1059]) };
    const limits = { defaultLimit: 500, maxLimit: 5000 };
    let sent = 0;
    const { read, written } = cost(sql, () => {
      const scan = new Scan(sql, [filter.value], reader, limits, {
        head: store.head,
        recent: store.recent,
        now: 1_800_000_000,
        retention: [],
      });
      while (!scan.isDone) sent += scan.page(500).length;
      expect(scan.isRefused).toBe(false);
      scan.completeness();
    });
    const about = JSON.stringify(raw).slice(0, 200);
    // Which of them the reader has is looked up; not for kinds that anybody may see.
    const lookUps = raw.kinds === undefined ? reader.privateKinds.size : 0;
    expect({ sent, written }, about).toEqual({ sent: events, written: 0 });
    expect(read, about).toBeGreaterThanOrEqual(events);
    expect(read, about).toBeLessThanOrEqual(each * events + ranges + lookUps);
  }

  test("by author or kind, among other authors and kinds: 1.1 for each event, 1 for each range", async () => {
    await inStore((store, sql) => {
      for (const pubkey of [hex(1), hex(2), hex(3)]) {
        for (const kind of [1, 7, 1111]) {
          store.put(times(300).map((created_at) => stored({ pubkey, kind, created_at, tags: [["t", "x"]] })));
        }
      }
      const one = { authors: [hex(1)], kinds: [1] };
      check(sql, store, one, 300, 1, 1.1);
      check(sql, store, { ...one, limit: 20 }, 20, 1, 1.1);
      check(sql, store, { ...one, since: 1_700_000_100, until: 1_700_000_149 }, 50, 1, 1.1);
      check(sql, store, { authors: [hex(1), hex(2)], kinds: [1, 7], limit: 100 }, 100, 4, 1.1);
      check(sql, store, { authors: [hex(1)], kinds: [2] }, 0, 1, 1.1);
      check(sql, store, { authors: [hex(1)], limit: 100 }, 100, 3, 1.1);
      check(sql, store, { kinds: [7], limit: 40 }, 40, 1, 1.1);
      check(sql, store, { limit: 100 }, 100, 3, 1.1);
    });
  });

  test("by tag: 2.1 for each event, 1 for each range", async () => {
    await inStore((store, sql) => {
      for (const kind of [1, 7]) {
        for (const value of ["x", "y", "z"]) {
          store.put(times(200).map((created_at) => stored({ kind, created_at, tags: [["t", value]] })));
        }
      }
      check(sql, store, { "#t": ["x"], kinds: [1] }, 200, 1, 2.1);
      check(sql, store, { "#t": ["x"], kinds: [1], limit: 20 }, 20, 1, 2.1);
      check(sql, store, { "#t": ["x", "y"], kinds: [1, 7], limit: 100 }, 100, 4, 2.1);
      check(sql, store, { "#t": ["x"], limit: 100 }, 100, 2, 2.1);
      check(sql, store, { "#t": ["none"], kinds: [1] }, 0, 1, 2.1);
    });
  });

  test("by 500 authors and 3 kinds: 1.1 for each event, 1 for each of the 1500 ranges", async () => {
    await inStore((store, sql) => {
      const authors = Array.from({ length: 500 }, (_, i) => hex(i + 1));
      for (const [i, pubkey] of authors.entries()) {
        const some = times(4).map((at) => at + 37 * ((i * 7) % 500));
        store.put(some.flatMap((created_at) => [1, 6, 7, 11].map((kind) => stored({ pubkey, kind, created_at }))));
      }
      const { counted, statements } = counting(sql);
      check(counted, store, { authors, kinds: [1, 6, 7], limit: 500 }, 500, 1500, 1.1);
      // Opened 16 at a time; then one for each range that has given all that was read of it.
      expect(statements()).toBeLessThanOrEqual(500);
    });
  });

  test("R-07-13 the queries of a job market read nothing of 5000 unrelated events", async () => {
    await inStore((store, sql) => {
      for (let part = 0; part < 10; part++) {
        const some = times(500).map((at) => at + 500 * part);
        store.put(some.map((at) => stored({ created_at: at, kind: [1, 7, 6050][at % 3], tags: [["p", hex(9)]] })));
      }
      const job = hex(77);
      store.put(times(30).map((at) => stored({ created_at: at, kind: 5050, tags: [["p", hex(1)]] })));
      const answers = times(10).map((at) => stored({ created_at: at, kind: [6050, 7000][at % 2], tags: tagged(2) }));
      store.put(answers);
      check(sql, store, { kinds: [5050], since: 1_700_000_020 }, 10, 1, 1.1);
      check(sql, store, { kinds: [5050], since: 1_700_000_030 }, 0, 1, 1.1);
      check(sql, store, { kinds: [5050], "#p": [hex(1)] }, 30, 1, 2.1);
      check(sql, store, { kinds: [6050, 7000], "#e": [hex(100)] }, 10, 2, 2.1);
      check(sql, store, { kinds: [6050, 7000], "#e": [job] }, 0, 2, 2.1);
      // With two ways in, the index rows of the one that is taken may have been counted before.
      check(sql, store, { kinds: [6050, 7000], "#e": [hex(100)], "#p": [hex(101)] }, 10, 4, 3.1);
    });
  });
});

/** Rows that the object has changed since it started, those of its key-value storage and its alarm included. */
const changed = (relay: TestRelay): Promise<number> =>
  runInDurableObject(relay.stub, (_object, { storage }) =>
    Number(storage.sql.exec("SELECT total_changes()").raw().next().value?.[0]),
  );

const keys = (relay: TestRelay): Promise<string[]> =>
  runInDurableObject(relay.stub, (_object, { storage }) =>
    [...storage.kv.list({ prefix: "sub:" })].map(([key]) => key),
  );

const written = (relay: TestRelay, count: number) =>
  expect.poll(async () => (await keys(relay)).length, { timeout: 5000 }).toBe(count);

/** A relay that holds the events from before its start, so that what follows is all that it writes. */
async function holding(...events: Event[]): Promise<{ relay: TestRelay; a: Client }> {
  const relay = freshRelay();
  await runInDurableObject(relay.stub, (_object, state) => {
    const sql = durableSql(state.storage);
    migrate(sql);
    const store = new EventStore(sql, { search: { exceptKinds: new Set() } });
    store.put(events.map((event) => verified(event)));
    store.counts.save(store.head);
  });
  return { relay, a: await relay.login(alice) };
}

const sockets = (relay: TestRelay): Promise<number> =>
  runInDurableObject(relay.stub, (_object, state) => state.getWebSockets().length);

describe("rows changed in the object", () => {
  test("connect, AUTH, ping, refused and unstored events, queries, disconnect: none", async () => {
    const event = unique(bob);
    const profile = unique(bob, { kind: 0 });
    const forged = { ...unique(bob), content: "forged" };
    const { relay, a } = await holding(event, profile);
    // Where somebody has not logged in within a moment, the alarm that ends the wait is set: a row, which is not counted here.
    await relay.connect();
    await expect.poll(() => alarmOf(relay), { timeout: 10_000 }).not.toBeNull();
    const before = await changed(relay);
    const b = await relay.connect();
    let brief: Client | undefined;
    const steps: [string, () => Promise<unknown>][] = [
      ["connect", async () => (brief = await relay.connect())],
      ["EVENT before AUTH", () => b.publish(event)],
      ["AUTH that fails", () => b.auth(bob, "wss://elsewhere.example")],
      ["AUTH", () => b.auth(bob)],
      ["AUTH again", () => b.auth(alice)],
      ["ping", async () => expect([b.send("ping"), await b.nextText()][1]).toBe("pong")],
      ["not JSON", () => b.ask("{")],
      ["duplicate", () => b.publish(event)],
      ["superseded", () => b.publish(unique(bob, { kind: 0, created_at: profile.created_at - 1 }))],
      ["forged", () => b.publish(forged)],
      ["expired", () => b.publish(unique(bob, { tags: [["expiration", "1"]] }))],
      ["ephemeral, unheard", () => b.publish(unique(bob, { kind: 20001 }))],
      ["query", () => b.query({})],
      ["COUNT", () => b.ask(["COUNT", "c", {}])],
      ["CLOSE of nothing", async () => b.send(["CLOSE", "never"])],
      ["disconnect", async () => [b, brief].map((client) => client?.close())],
    ];
    for (const [name, step] of steps) {
      await step();
      // Served after the step; a REQ would have a row to be written behind.
      expect((await a.ask(["COUNT", "after", { kinds: [9] }]))[0]).toBe("COUNT");
      expect([name, await changed(relay)]).toEqual([name, before]);
    }
    await expect.poll(() => sockets(relay), { timeout: 5000 }).toBe(2);
    // A row written behind marks the time by which all else would have been written.
    await a.req("stays", { kinds: [20001] });
    await written(relay, 1);
    expect(await changed(relay)).toBe(before + 1);
    expect((await a.publish(unique(alice, { kind: 20001 })))[2]).toBe(true);
    expect(await changed(relay)).toBe(before + 1);
  });

  test("R-06-20 T-030 a REQ closed at once costs no row; one left open 1 when written behind, 1 when deleted", async () => {
    const { relay, a } = await holding();
    const before = await changed(relay);
    for (const id of ["brief", "s:1"]) {
      await a.req(id, { kinds: [1] });
      a.send(["CLOSE", id]);
    }
    for (const id of ["one", "s:1", "three"]) await a.req(id, { kinds: [1] });
    await a.settled();
    await written(relay, 3);
    expect(await changed(relay)).toBe(before + 3);
    expect((await keys(relay)).map((key) => key.split(":").slice(2).join(":")).sort()).toEqual(["one", "s:1", "three"]);
    a.send(["CLOSE", "s:1"]);
    await a.settled();
    expect(await changed(relay)).toBe(before + 4);
    a.close();
    await written(relay, 0);
    expect(await changed(relay)).toBe(before + 6);
  });

  test("R-06-20 a disconnect before the rows are written costs none", async () => {
    const { relay, a } = await holding();
    const b = await relay.login(bob);
    const before = await changed(relay);
    for (const id of ["one", "two"]) await a.req(id, { kinds: [1] });
    a.close();
    await expect.poll(() => sockets(relay), { timeout: 5000 }).toBe(1);
    await b.req("stays", { kinds: [1] });
    await written(relay, 1);
    expect(await changed(relay)).toBe(before + 1);
  });

  test("an event that is stored changes rows, which this way of counting sees", async () => {
    const { relay, a } = await holding();
    const before = await changed(relay);
    await a.publish(unique(alice, { tags: [["t", "x"]] }));
    expect(await changed(relay)).toBeGreaterThanOrEqual(before + 2);
  });
});
