import { describe, expect, test } from "vitest";
import { messageFromHex } from "../../../src/protocol/negentropy/negentropy.ts";
import { RangeReader } from "../../../src/protocol/negentropy/reader.ts";
import type { Client, Filter, Frame } from "../../support/client.ts";
import { alice, bob, carol, key, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

// Sessions of NIP-77 over sockets; the algorithm itself is tested by negentropy*.test.ts.

const AT = now() - 1000;

/** The message of a client that holds nothing: it is answered with all ids. */
const EMPTY = "6100000200";

/** The ids that the relay lists to a client that holds nothing. */
async function idsOf(client: Client, filter: Filter, id = "ids"): Promise<string[]> {
  const [verb, , hex] = await client.ask(["NEG-OPEN", id, filter, EMPTY]);
  if (verb !== "NEG-MSG") throw new Error(`${verb}: ${hex}`);
  client.send(["NEG-CLOSE", id]);
  return listedIds(hex as string);
}

function listedIds(hex: string): string[] {
  const reader = new RangeReader(messageFromHex(hex) as Uint8Array);
  const ids: string[] = [];
  for (let range = reader.next(); range !== undefined; range = reader.next()) {
    for (let i = 0; i + 32 <= range.payload.length; i += 32) {
      ids.push([...range.payload.subarray(i, i + 32)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
  }
  return ids;
}

const negErr = (id: string, prefix: string): Frame => [
  "NEG-ERR",
  id,
  expect.stringMatching(new RegExp(`^${prefix}: .`)) as unknown as string,
];

/** `count` events of kind 1 by alice, oldest first. */
async function stock(client: Client, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, (_, i) => unique(alice, { created_at: AT + i }));
  for (const event of events) client.send(["EVENT", event]);
  for (const _ of events) expect((await client.next())[2]).toBe(true);
  return events.map(({ id }) => id);
}

describe("answers", () => {
  test("R-05-41 R-05-40 a filter may search, as that of a REQ may; private events are not found", async () => {
    const a = await freshRelay().login(alice);
    const note = (kind: number, content: string) => unique(alice, { kind, content, tags: [["p", bob.pubkey]] });
    const [found, other, hidden] = [note(1, "good day"), note(1, "good night"), note(4, "good day")];
    for (const event of [found, other, hidden]) await a.publish(event);
    expect(await idsOf(a, { search: "day good" })).toEqual([found.id]);
    expect((await idsOf(a, { search: "good" })).sort()).toEqual([found.id, other.id].sort());
  });

  test("R-05-41 a filter may come as the only one of an array; more of them, and none, are invalid", async () => {
    const a = await freshRelay().login(alice);
    const ids = await stock(a, 2);
    expect((await idsOf(a, [{ kinds: [1] }] as unknown as Filter)).sort()).toEqual(ids.sort());
    for (const filters of [[], [{}, {}], [[{}]], [1]]) {
      expect(await a.ask(["NEG-OPEN", "n", filters, EMPTY])).toEqual(negErr("n", "invalid"));
    }
  });

  test("T-124 R-05-48 the empty set is answered with all ids, the same set with 61, version 2 with 61", async () => {
    const a = await freshRelay().login(alice);
    const ids = await stock(a, 3);
    expect(await a.ask(["NEG-OPEN", "n", { kinds: [1] }, EMPTY])).toEqual([
      "NEG-MSG",
      "n",
      `6100000203${ids.join("")}`,
    ]);
    expect(await a.ask(["NEG-MSG", "n", "62"])).toEqual(["NEG-MSG", "n", "61"]);
    // The session is kept, and hex of either case is read.
    expect(await a.ask(["NEG-MSG", "n", "6100000200".toUpperCase()])).toEqual([
      "NEG-MSG",
      "n",
      `6100000203${ids.join("")}`,
    ]);
    expect(await a.ask(["NEG-OPEN", "m", { kinds: [7] }, EMPTY])).toEqual(["NEG-MSG", "m", "6100000200"]);
    a.send(["NEG-CLOSE", "n"]);
    expect(await a.settled()).toEqual([]);
  });

  test("R-05-42 the set is fixed at NEG-OPEN", async () => {
    const a = await freshRelay().login(alice);
    const ids = await stock(a, 2);
    const all = `6100000202${ids.join("")}`;
    expect(await a.ask(["NEG-OPEN", "n", {}, EMPTY])).toEqual(["NEG-MSG", "n", all]);
    const later = unique(alice);
    await a.publish(later);
    expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-MSG", "n", all]);
    expect(await idsOf(a, {})).toEqual([...ids, later.id]);
  });

  test("R-05-42 R-01-09 an event sent just before NEG-OPEN is in the set, one just after is not", async () => {
    const a = await freshRelay().login(alice);
    const [before, after] = [unique(alice, { created_at: AT }), unique(alice)];
    a.send(["EVENT", before]);
    a.send(["NEG-OPEN", "n", {}, EMPTY]);
    a.send(["EVENT", after]);
    const frames = [await a.next(), await a.next(), await a.next()];
    expect(frames).toContainEqual(["NEG-MSG", "n", `6100000201${before.id}`]);
    expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-MSG", "n", `6100000201${before.id}`]);
  });

  test("R-05-42 R-03-10 limit takes the newest, ties by the lowest id; without it there is none", async () => {
    const a = await freshRelay().login(alice);
    const ids = await stock(a, 600);
    expect(await idsOf(a, { kinds: [1] })).toEqual(ids);
    expect(await idsOf(a, { kinds: [1], limit: 5 })).toEqual(ids.slice(-5));
    expect(await idsOf(a, { limit: 0 })).toEqual([]);
    expect(await idsOf(a, { limit: 1000 })).toEqual(ids);
    expect(await idsOf(a, { since: AT + 10, until: AT + 12 })).toEqual(ids.slice(10, 13));
    const tied = Array.from({ length: 4 }, () => unique(bob, { kind: 7, created_at: AT }));
    for (const event of tied) await a.publish(event);
    const lowest = tied.map(({ id }) => id).sort();
    expect(await idsOf(a, { kinds: [7], limit: 2 })).toEqual(lowest.slice(0, 2));
  });

  test("R-05-42 an event that several ranges find is in the set once", async () => {
    const a = await freshRelay().login(alice);
    const event = unique(alice, { tags: ["x", "y", "z"].map((value) => ["t", value]) });
    const other = unique(bob, { created_at: AT, tags: [["t", "y"]] });
    for (const one of [event, other, unique(bob)]) await a.publish(one);
    expect(await idsOf(a, { "#t": ["x", "y", "z"] })).toEqual([other.id, event.id]);
    expect(await idsOf(a, { "#t": ["x", "y"], authors: [alice.pubkey] })).toEqual([event.id]);
    expect(await idsOf(a, { ids: [event.id, other.id], kinds: [1] })).toEqual([other.id, event.id]);
    expect(await idsOf(a, { ids: [event.id], kinds: [2] })).toEqual([]);
    expect(await idsOf(a, { kinds: [] })).toEqual([]);
  });
});

describe("what is hidden is not in the set", () => {
  test("R-05-28 R-05-29 private kinds are there for their parties only", async () => {
    const relay = freshRelay();
    const [a, b, c] = [await relay.login(alice), await relay.login(bob), await relay.login(carol)];
    const wrap = unique(carol, { kind: 1059, created_at: AT, tags: [["p", bob.pubkey]] });
    const message = unique(alice, { kind: 4, created_at: AT + 1, tags: [["p", bob.pubkey]] });
    const open = unique(carol, { created_at: AT + 2 });
    for (const event of [wrap, message, open]) expect((await a.publish(event))[2]).toBe(true);
    const filters: Filter[] = [
      {},
      { kinds: [1, 4, 1059] },
      { ids: [wrap.id, message.id, open.id] },
      { authors: [alice.pubkey, carol.pubkey] },
      { since: AT, "#p": [bob.pubkey] },
      { kinds: [4, 1059], "#p": [bob.pubkey] },
    ];
    for (const filter of filters) {
      const isForBob = "#p" in filter;
      const seen = async (client: Client) => [filter, await idsOf(client, filter)];
      expect(await seen(a)).toEqual([filter, isForBob ? [message.id] : [message.id, open.id]]);
      expect(await seen(b)).toEqual([filter, isForBob ? [wrap.id, message.id] : [wrap.id, message.id, open.id]]);
      expect(await seen(c)).toEqual([filter, isForBob ? [wrap.id] : [wrap.id, open.id]]);
    }
    expect(await idsOf(await relay.login(key(9)), { kinds: [4, 1059] })).toEqual([]);
  });

  test("R-05-42 R-05-52 a key that logs in later does not change an open set", async () => {
    const a = await freshRelay().login(alice);
    const message = unique(carol, { kind: 4, tags: [["p", bob.pubkey]] });
    await a.publish(message);
    expect(await a.ask(["NEG-OPEN", "n", {}, EMPTY])).toEqual(["NEG-MSG", "n", EMPTY]);
    await a.auth(bob);
    expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-MSG", "n", EMPTY]);
    expect(await idsOf(a, {})).toEqual([message.id]);
  });

  test("R-05-15 R-05-20 R-07-01 expired, vanished, deleted, replaced and overdue events are not", async () => {
    const relay = freshRelay();
    const at = now();
    relay.setTime(at);
    const a = await relay.login(alice);
    const b = bob.pubkey;
    const kept = unique(alice, { created_at: AT });
    const doomed = unique(alice, { created_at: AT });
    const old = signed(alice, { kind: 0, created_at: AT - 1 });
    const current = signed(alice, { kind: 0, created_at: AT + 1 });
    const expiring = unique(alice, { created_at: AT + 2, tags: [["expiration", `${at + 2}`]] });
    const overdue = unique(alice, { kind: 5050, created_at: at - 86_400 + 2 });
    const vanishing = Array.from({ length: 3 }, () => unique(bob, { created_at: AT + 3 }));
    for (const event of [kept, doomed, old, current, expiring, overdue, ...vanishing]) {
      expect((await a.publish(event))[2]).toBe(true);
    }
    expect((await idsOf(a, {})).length).toBe(8);
    await a.publish(signed(alice, { kind: 5, created_at: AT + 9, tags: [["e", doomed.id]] }));
    const vanish = signed(bob, { kind: 62, created_at: AT + 10, tags: [["relay", "ALL_RELAYS"]] });
    a.send(["EVENT", vanish]);
    a.send(["NEG-OPEN", "at-once", { authors: [b] }, EMPTY]);
    await a.until(([verb]) => verb === "OK");
    expect((await a.until(([verb]) => verb === "NEG-MSG"))[2]).toBe(`6100000201${vanish.id}`);
    relay.setTime(at + 3);
    expect(await idsOf(a, { kinds: [0, 1, 5050] })).toEqual([kept.id, current.id]);
    expect(await idsOf(a, { ids: [overdue.id, expiring.id, kept.id] })).toEqual([kept.id]);
    expect(await idsOf(a, { authors: [alice.pubkey], kinds: [1] })).toEqual([kept.id]);
  });
});

describe("sessions", () => {
  test("T-127 R-05-43 NEG-MSG for an unknown, closed or somebody else's id is closed:", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    await a.ask(["NEG-OPEN", "n", {}, EMPTY]);
    expect(await b.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    a.send(["NEG-CLOSE", "n"]);
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    for (const id of ["n", "", "never"]) a.send(["NEG-CLOSE", id]);
    expect(await a.settled()).toEqual([]);
  });

  test("T-127 R-05-41 a second NEG-OPEN of an id silently replaces the first", async () => {
    const a = await freshRelay().login(alice);
    const [id] = await stock(a, 1);
    expect(await a.ask(["NEG-OPEN", "n", { kinds: [1] }, EMPTY])).toEqual(["NEG-MSG", "n", `6100000201${id}`]);
    expect(await a.ask(["NEG-OPEN", "n", { kinds: [7] }, EMPTY])).toEqual(["NEG-MSG", "n", EMPTY]);
    expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-MSG", "n", EMPTY]);
    // Nor does the first survive a second one that is refused.
    expect(await a.ask(["NEG-OPEN", "n", { kinds: 1 }, EMPTY])).toEqual(negErr("n", "invalid"));
    expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(negErr("n", "closed"));
    expect(await a.settled()).toEqual([]);
  });

  test("R-01-13 the ids of syncs and subscriptions are apart", async () => {
    const a = await freshRelay().login(alice);
    await a.req("n", { kinds: [1] });
    await a.ask(["NEG-OPEN", "n", {}, EMPTY]);
    a.send(["CLOSE", "n"]);
    expect((await a.ask(["NEG-MSG", "n", "61"]))[0]).toBe("NEG-MSG");
    expect(await a.settled()).toEqual([]);
  });

  test("R-05-44 four syncs of one connection, the fifth is rate-limited:", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    for (const id of ["1", "2", "3", "4", "4"]) expect((await a.ask(["NEG-OPEN", id, {}, EMPTY]))[0]).toBe("NEG-MSG");
    expect(await a.ask(["NEG-OPEN", "5", {}, EMPTY])).toEqual(negErr("5", "rate-limited"));
    expect((await b.ask(["NEG-OPEN", "5", {}, EMPTY]))[0]).toBe("NEG-MSG");
    a.send(["NEG-CLOSE", "2"]);
    expect((await a.ask(["NEG-OPEN", "5", {}, EMPTY]))[0]).toBe("NEG-MSG");
    expect((await a.ask(["NEG-MSG", "1", "61"]))[0]).toBe("NEG-MSG");
  });

  test("R-05-44 after its last sync the object may sleep; afterwards NEG-MSG is closed:", async () => {
    const relay = freshRelay();
    const a = await relay.login(alice);
    await a.ask(["NEG-OPEN", "n", {}, EMPTY]);
    a.send(["NEG-CLOSE", "n"]);
    // Fails while a timer is pending for much longer than it is swept for idle syncs.
    await relay.restart();
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    expect((await a.ask(["NEG-OPEN", "n", {}, EMPTY]))[0]).toBe("NEG-MSG");
  });

  const malformed: [string, string][] = [
    ["T-125 an odd number of digits", "610"],
    ["T-125 no version byte", "50"],
    ["T-125 an unknown mode", "6100000300"],
    ["T-125 2^40 ids", "61000002a08080808000"],
    ["T-125 a prefix of 33 bytes", `610021${"00".repeat(33)}0000`],
    ["R-05-51 bounds that go backwards", "610502abcd000101ab00"],
    ["an empty message", ""],
  ];
  test.each(malformed)("R-05-43 %s: invalid:, and the session is gone", async (_, hex) => {
    const a = await freshRelay().login(alice);
    expect(await a.ask(["NEG-OPEN", "n", {}, hex])).toEqual(negErr("n", "invalid"));
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    await a.ask(["NEG-OPEN", "n", {}, EMPTY]);
    expect(await a.ask(["NEG-MSG", "n", hex])).toEqual(negErr("n", "invalid"));
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    expect(await a.settled()).toEqual([]);
  });

  const parts: [string, unknown[], string][] = [
    ["no filter", [], "invalid"],
    ["no message", [{}], "invalid"],
    ["a message that is no string", [{}, 61], "invalid"],
    ["a filter that is a list", [[], EMPTY], "invalid"],
    ["a list of filters", [[{}, {}], EMPTY], "invalid"],
    ["a bad filter", [{ limit: -1 }, EMPTY], "invalid"],
    ["an unknown condition", [{ foo: 1 }, EMPTY], "invalid"],
    ["a deep surplus", [{}, EMPTY, [[[[[[[[[[1]]]]]]]]]]], "invalid"],
  ];
  test.each(parts)("M-13 NEG-OPEN with %s is refused with its id", async (_, rest, prefix) => {
    const a = await freshRelay().login(alice);
    expect(await a.ask(["NEG-OPEN", "n", ...rest])).toEqual(negErr("n", prefix));
    expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
  });

  test("M-13 R-01-12 NEG-MSG without a message ends its session; an id of 65 characters is refused", async () => {
    const a = await freshRelay().login(alice);
    for (const rest of [[], [1], [["61"]]]) {
      await a.ask(["NEG-OPEN", "n", {}, EMPTY]);
      expect(await a.ask(["NEG-MSG", "n", ...rest])).toEqual(negErr("n", "invalid"));
      expect(await a.ask(["NEG-MSG", "n", "61"])).toEqual(negErr("n", "closed"));
    }
    const long = "x".repeat(65);
    expect(await a.ask(["NEG-OPEN", long, {}, EMPTY])).toEqual(negErr(long, "invalid"));
  });
});
