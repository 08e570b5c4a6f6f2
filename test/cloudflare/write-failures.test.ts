import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import type { WorkerdRelay as TestRelay } from "../support/hosts/workerd.ts";
import { alice, bob, carol, unique } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { DONE, managedRelay, publishOne } from "../support/managed.ts";
import { ADDED, join, joining, LIST, leaving, memberRelay, membersOf, operator } from "../support/member-relay.ts";
import { countOf, storedEvents } from "../support/stock.ts";
import { breakMethod, type InspectedRelay, inspected, mendMethod } from "./inspect.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";

// A write that fails in the middle of something leaves neither half of it, and keeps nobody from being served.

/** Breaks writes that the pattern finds while `body` runs. */
async function whileBroken<T>(relay: TestRelay, pattern: RegExp, body: () => Promise<T>): Promise<T> {
  await runInDurableObject(relay.stub, (_object, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql);
    const value = (query: string, ...bindings: unknown[]) => {
      if (pattern.test(`${query} -- ${bindings[0]}`)) throw new Error("disk full");
      return exec(query, ...bindings);
    };
    Object.defineProperty(sql, "exec", { configurable: true, value });
  });
  try {
    return await body();
  } finally {
    await runInDurableObject(relay.stub, (_object, { storage: { sql } }) => mendMethod(sql, "exec"));
  }
}

async function whileRowsStay(relay: InspectedRelay, body: () => Promise<void>): Promise<void> {
  await relay.inside((state) => breakMethod(state.storage.kv, "delete"));
  await body();
  await relay.inside((state) => mendMethod(state.storage.kv, "delete"));
}

/** A connection of alice's with a subscription that has its row. */
async function subscribed(relay: InspectedRelay): Promise<Client> {
  const a = await relay.login(alice);
  await a.req("s", { kinds: [1] });
  await relay.expectRows(`${await relay.prefixOf(a)}s`);
  return a;
}

test("R-01-18 R-03-25 what was CLOSED is closed, and stays so, although its row could not be deleted", async () => {
  const relay = inspected(managedRelay());
  const [a, b] = [await subscribed(relay), await relay.login(bob)];
  await whileRowsStay(relay, async () => {
    expect((await a.req("s", { foo: 1 })).end[0]).toBe("CLOSED");
  });
  await publishOne(b);
  expect((await a.settled()).filter(([verb]) => verb === "EVENT")).toEqual([]);
  await relay.expectRows();
  await relay.evict();
  await publishOne(b);
  expect(await a.settled()).toEqual([]);
});

test("R-06-20 a row that is to be deleted later is not that of a subscription opened meanwhile", async () => {
  const relay = inspected(managedRelay());
  const a = await subscribed(relay);
  await whileRowsStay(relay, async () => {
    a.send(["CLOSE", "s"]);
    await a.req("s", { kinds: [7] });
  });
  await vi.waitFor(async () => expect(Object.values(await relay.rows())).toEqual([[{ kinds: [7] }]]), 4000);
  await relay.evict();
  const event = unique(bob, { kind: 7 });
  await (await relay.login(bob)).publish(event);
  expect(await a.settled()).toEqual([["EVENT", "s", event]]);
});

test("R-05-74 who is banned reads no more, on no connection, although a row cannot be deleted", async () => {
  const relay = inspected(managedRelay());
  const [a, b] = [await subscribed(relay), await relay.login(bob)];
  const other = await relay.login(alice);
  await other.req("t", { kinds: [1] });
  await whileRowsStay(relay, async () => {
    expect(await relay.call("banpubkey", alice.pubkey)).toEqual(DONE);
  });
  expect((await b.publish(unique(bob)))[2]).toBe(true);
  for (const client of [a, other]) {
    client.send(["PING"]);
    const frames: Frame[] = [];
    for (let frame = await client.next(); frame[0] !== "PONG"; frame = await client.next()) frames.push(frame);
    expect(frames.map(([verb]) => verb)).toEqual(["CLOSED"]);
  }
});

test("R-06-17 R-05-72 a ban of an event that cannot be recorded is undone in memory too", async () => {
  const relay = inspected(managedRelay());
  const a = await relay.login(alice);
  const [event, other] = [await publishOne(a), await publishOne(a)];
  const answer = await whileBroken(relay, /INSERT INTO audit/, () => relay.call("banevent", event.id));
  expect(answer.status).toBe(500);
  expect((await relay.call("listbannedevents")).result).toEqual([]);
  const ids = [event.id, other.id];
  for (const filter of [{ kinds: [1] }, { ids }, { authors: [alice.pubkey] }]) {
    expect((await a.query(filter)).map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(await countOf(a, filter)).toBe(2);
  }
});

test("R-05-64 a join whose code cannot be taken off is none", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const a = await relay.login(alice);
  const refused = await whileBroken(relay, /INSERT INTO access.*-- invite/s, () => a.publish(joining(alice, code)));
  expect(refused.slice(2)).toEqual([false, "error: internal error"]);
  expect(Object.keys(await membersOf(await relay.login(operator)))).toEqual([]);
  await join(a, alice, code);
});

test("R-06-17 while something cannot be announced everybody is served; it is announced later", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const [a, b, watcher] = [await relay.login(alice), await relay.login(bob), await relay.login(operator)];
  const late = await relay.connect();
  await watcher.req("live", { kinds: [ADDED, LIST], limit: 0 });
  await join(a, alice, code);
  await whileBroken(relay, /^\s*(INSERT|UPDATE|DELETE)/i, async () => {
    expect((await b.req("r", { kinds: [1] })).end[0]).toBe("EOSE");
    expect(await b.ask(["PING"])).toEqual(["PONG"]);
    expect((await late.auth(bob))[2]).toBe(true);
    // By now it would have been done without a read.
    await scheduler.wait(500);
  });
  // Nobody asks for anything.
  const kinds = [await watcher.next(), await watcher.next()].map(([, , event]) => (event as { kind: number }).kind);
  expect(kinds.sort((x, y) => x - y)).toEqual([ADDED, LIST]);
});

test.each([1, 2, 3])(
  "R-06-17 %i who read in one turn do not keep each other from it while nothing can be stored",
  async (n) => {
    const relay = memberRelay();
    const a = await relay.login(alice);
    const code = await relay.code();
    const readers = await Promise.all([operator, bob, bob].slice(0, n).map((by) => relay.login(by)));
    await join(a, alice, code);
    await whileBroken(relay, /INSERT INTO event/, async () => {
      await receiveTogether(
        relay.stub,
        readers.map((reader): Arrival => [reader, ["REQ", "r", { kinds: [1] }], 1]),
      );
      for (const reader of readers) await reader.until(([verb]) => verb === "EOSE");
    });
  },
);

test("R-05-65 a leave is done or not done: the list, and what may be read", async () => {
  const relay = memberRelay({ READ_ACCESS: "members" });
  const a = await relay.login(alice);
  await join(a, alice, await relay.code());
  await a.req("s", { kinds: [1] });
  const refused = await whileBroken(relay, /INSERT INTO access.*-- owed/s, () => a.publish(leaving(alice)));
  expect(refused.slice(2)).toEqual([false, "error: internal error"]);
  const event = unique(operator);
  const boss = await relay.login(operator);
  await boss.publish(event);
  expect((await a.settled()).filter(([verb]) => verb === "EVENT")).toEqual([["EVENT", "s", event]]);
  expect((await a.publish(leaving(alice))).slice(2)).toEqual([true, "info: you have left this relay"]);
  expect(await a.until(([verb]) => verb === "CLOSED")).toEqual(["CLOSED", "s", expect.stringMatching(/^restricted: /)]);
  expect(await membersOf(boss)).toEqual({});
});

test("R-05-74 R-06-17 a ban of a member that cannot be recorded ends nothing", async () => {
  const relay = memberRelay({ READ_ACCESS: "members" });
  const a = await relay.login(alice);
  await join(a, alice, await relay.code());
  await a.req("s", { kinds: [1] });
  const call = caller((url, init) => relay.stub.fetch(url, init), operator);
  const answer = await whileBroken(relay, /INSERT INTO audit/, () => call("banpubkey", alice.pubkey));
  expect(answer.status).toBe(500);
  const event = unique(operator);
  await (await relay.login(operator)).publish(event);
  expect(await a.next()).toEqual(["EVENT", "s", event]);
});

test("R-06-17 the lists are what they were before a change that failed, also where nothing can be read", async () => {
  const relay = inspected(managedRelay());
  const listed = async () => [
    (await relay.call("listbannedpubkeys")).result,
    (await relay.call("listallowedpubkeys")).result,
  ];
  await relay.call("allowpubkey", bob.pubkey);
  await relay.call("banpubkey", carol.pubkey);
  const before = await listed();
  const broken = /INSERT INTO audit|SELECT list, subject/;
  const answer = await whileBroken(relay, broken, () => relay.call("banpubkey", bob.pubkey));
  expect(answer.status).toBe(500);
  expect(await listed()).toEqual(before);
  await relay.evict();
  expect(await listed()).toEqual(before);
});

test("R-05-72 a banned event that cannot be removed is hidden, and removed later", async () => {
  const relay = inspected(managedRelay({ BAN_ERASE_AFTER: "0" }));
  const a = await relay.login(alice);
  const event = await publishOne(a);
  const answer = await whileBroken(relay, /DELETE FROM event/, async () => {
    const banned = await relay.call("banevent", event.id);
    await relay.ring();
    return banned;
  });
  expect(answer).toEqual({ ...DONE, hidden: 1 });
  expect(await storedEvents(relay)).toBe(1);
  expect(await a.query({ ids: [event.id] })).toEqual([]);
  await relay.evict();
  expect(await a.query({ ids: [event.id] })).toEqual([]);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(0);
});
