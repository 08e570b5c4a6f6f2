import type { Event } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, carol, now, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { stock, unsigned } from "../../support/stock.ts";

const MAX_SUBSCRIPTIONS = 200;
const STORED = 4000;

/** A relay with thousands of old events of kind 1, so that an answer takes several pages. */
async function filled(): Promise<{ relay: TestRelay; ids: string[] }> {
  const relay = freshRelay();
  const events = Array.from({ length: STORED }, (_, i) =>
    unsigned({ pubkey: alice.pubkey, created_at: 1_700_000_000 + (i >> 1) }),
  );
  await stock(relay, events);
  return { relay, ids: events.map(({ id }) => id) };
}

async function pair(): Promise<{ relay: TestRelay; a: Client; b: Client }> {
  const relay = freshRelay();
  return { relay, a: await relay.login(alice), b: await relay.login(bob) };
}

async function open(client: Client, id: string, ...filters: unknown[]): Promise<void> {
  expect((await client.req(id, ...filters)).end.slice(0, 2)).toEqual(["EOSE", id]);
}

async function accepted(client: Client, event: { id: string }): Promise<void> {
  expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
}

/** Each event once, one EOSE, and before it only the stored answer in its order (R-03-10, R-03-16). */
function check(frames: Frame[], sub: string, ids: readonly string[]): void {
  const own = frames.filter((frame) => frame[1] === sub);
  const events = own.filter(([verb]) => verb === "EVENT").map((frame) => frame[2] as Event);
  expect(events.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(own.length).toBe(ids.length + 1);
  const end = own.findIndex(([verb]) => verb === "EOSE");
  const stored = events.slice(0, end);
  expect(stored).toEqual([...stored].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)));
}

test("T-090 R-03-20 of 500 events published while REQs are being answered, each arrives exactly once", async () => {
  const { relay, ids } = await filled();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  const events = Array.from({ length: 500 }, () => unique(bob));
  const every = [...ids, ...events.map(({ id }) => id)];
  const subs = ["0", "1", "2", "3", "4"];
  const frames: Frame[] = [];
  const log: string[] = [];

  const publishing = (async () => {
    for (const [i, event] of events.entries()) {
      // A new REQ with every hundredth event: its answer is under way while the others are stored.
      if (i % 100 === 0) a.send(["REQ", subs[i / 100], { kinds: [1], limit: 5000 }]);
      b.send(["EVENT", event]);
      if (i % 10 === 9) for (let n = 0; n < 10; n++) log.push((await b.next())[0]);
    }
  })();
  const expected = subs.length * (every.length + 1);
  while (frames.length < expected) {
    const frame = await a.next();
    frames.push(frame);
    if (frame[0] === "EOSE") log.push("EOSE");
  }
  await publishing;
  frames.push(...(await a.settled()));
  for (const sub of subs) check(frames, sub, every);
  // Events were accepted before, between and after the ends of the answers.
  expect(log.filter((verb) => verb === "OK").length).toBe(500);
  expect(log.indexOf("OK")).toBeLessThan(log.indexOf("EOSE"));
}, 60_000);

test("R-03-20 R-01-09 pipelined with its REQ, an event arrives once, before or after EOSE", async () => {
  const a = await freshRelay().login(alice);
  const [one, two, three] = [unique(alice), unique(alice), unique(alice)];
  for (const frame of [
    ["EVENT", one],
    ["EVENT", two],
    ["REQ", "s", { kinds: [1] }],
    ["EVENT", three],
  ])
    a.send(frame);
  // The probe flushes what waits, so all has come when it is answered.
  const frames = await a.settled();
  check(frames, "s", [one.id, two.id, three.id]);
  const stored = frames
    .slice(
      0,
      frames.findIndex(([verb]) => verb === "EOSE"),
    )
    .map((frame) => frame[2]);
  expect(stored).toContainEqual(one);
  expect(stored).toContainEqual(two);
});

test("R-03-20 several filters, and events that match more than one, while pages are under way", async () => {
  const { relay, ids } = await filled();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  const events = Array.from({ length: 60 }, (_, i) => unique(bob, { tags: [["t", `${i % 2}`]] }));
  a.send(["REQ", "s", { kinds: [1], limit: 5000 }, { "#t": ["0"] }, { authors: [bob.pubkey] }]);
  for (const event of events) b.send(["EVENT", event]);
  for (const _ of events) expect((await b.next())[2]).toBe(true);
  const frames: Frame[] = [];
  while (frames.length < ids.length + events.length + 1) frames.push(await a.next());
  check([...frames, ...(await a.settled())], "s", [...ids, ...events.map(({ id }) => id)]);
}, 60_000);

test("T-091 R-03-21 one EVENT for each subscription, however many of its filters match", async () => {
  const { a, b } = await pair();
  await open(a, "one", { kinds: [1] }, { authors: [bob.pubkey] }, { "#t": ["x", "y"] }, {});
  await open(a, "two", { kinds: [1] });
  await open(a, "three", { kinds: [7] });
  await open(b, "own", { authors: [bob.pubkey] });
  const event = unique(bob, { tags: ["x", "y"].map((value) => ["t", value]) });
  await accepted(b, event);
  expect((await a.settled()).sort()).toEqual(["one", "two"].map((id) => ["EVENT", id, event]));
  // The publisher's own subscription is served too.
  expect(await b.settled()).toEqual([["EVENT", "own", event]]);
});

test("T-096 R-03-22 a subscription with a past until still gets late, back-dated events", async () => {
  const { a, b } = await pair();
  const until = now() - 1000;
  await open(a, "s", { kinds: [1], until });
  const late = unique(bob, { created_at: until });
  await accepted(b, late);
  await accepted(b, unique(bob, { created_at: until + 1 }));
  expect(await a.settled()).toEqual([["EVENT", "s", late]]);
});

test("R-03-22 limit does not end live delivery", async () => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [1], limit: 2 });
  const events = Array.from({ length: 5 }, () => unique(bob));
  for (const event of events) await accepted(b, event);
  expect(await a.settled()).toEqual(events.map((event) => ["EVENT", "s", event]));
});

test("T-097 R-03-23 a subscription of ids stays open and gets the event when it comes", async () => {
  const { a, b } = await pair();
  const [known, coming] = [unique(bob), unique(bob)];
  await accepted(b, known);
  expect((await a.req("s", { ids: [known.id, coming.id] })).events).toEqual([known]);
  await accepted(b, coming);
  expect(await a.settled()).toEqual([["EVENT", "s", coming]]);
});

test("T-092 R-03-24 a REQ with an open id replaces the subscription without CLOSED", async () => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [1] });
  a.send(["REQ", "s", { kinds: [2] }]);
  expect((await a.settled()).map((frame) => frame.slice(0, 2))).toEqual([["EOSE", "s"]]);
  const two = unique(bob, { kind: 2 });
  await accepted(b, unique(bob));
  await accepted(b, two);
  expect(await a.settled()).toEqual([["EVENT", "s", two]]);
});

test("R-03-24 replaced while its answer is under way, the old subscription says no more", async () => {
  const { relay } = await filled();
  const a = await relay.login(alice);
  const two = unique(alice, { kind: 2 });
  await accepted(a, two);
  a.send(["REQ", "s", { kinds: [1], limit: 5000 }]);
  a.send(["REQ", "s", { kinds: [2] }]);
  const own = (await a.settled()).filter((frame) => frame[1] === "s");
  expect(own.slice(-2).map(([verb, , event]) => [verb, verb === "EVENT" && event])).toEqual([
    ["EVENT", two],
    ["EOSE", false],
  ]);
  const old = own.slice(0, -2);
  // Either it was cut short without an EOSE, or it had come to its end before.
  expect(old.filter(([verb]) => verb === "EVENT").length).toBe(old.at(-1)?.[0] === "EOSE" ? STORED : old.length);
});

test("R-01-16 R-03-23 closed while its answer is under way, a subscription says no more", async () => {
  const { relay } = await filled();
  const a = await relay.login(alice);
  a.send(["REQ", "s", { kinds: [1], limit: 5000 }]);
  expect((await a.next())[0]).toBe("EVENT");
  a.send(["CLOSE", "s"]);
  a.send(["REQ", "after", { kinds: [9] }]);
  // What was sent before the CLOSE was served still comes; nothing may come after the answer to the next message.
  for (let frame = await a.next(); frame[1] !== "after"; ) frame = await a.next();
  await accepted(a, unique(alice));
  expect(await a.settled()).toEqual([]);
});

test("R-01-09 R-01-10 30 large answers come one after the other, an OK at its place; what a CLOSE names is not begun", async () => {
  const { relay } = await filled();
  const a = await relay.login(alice);
  const event = unique(alice, { kind: 7 });
  const large = (id: number): unknown => ["REQ", `${id}`, { kinds: [1], limit: 5000 }];
  for (let n = 0; n < 8; n++) a.send(large(n));
  a.send(["CLOSE", "7"]);
  a.send(["EVENT", event]);
  for (let n = 8; n < 30; n++) a.send(large(n));
  a.send(["CLOSE", "29"]);
  const ended: unknown[] = [];
  const began: unknown[] = [];
  while (ended.length < 29) {
    const [verb, id] = await a.next(20_000);
    if (verb === "OK" || verb === "EOSE") ended.push(id);
    else if (began.at(-1) !== id) began.push(id);
  }
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `${from + n}`);
  expect(ended).toEqual([...ids(0, 7), event.id, ...ids(8, 29)]);
  expect(began).toEqual(ended.filter((id) => id !== event.id));
}, 60_000);

test("T-093 R-03-25 a refused replacement ends the old subscription too", async () => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [1] });
  await open(a, "other", { kinds: [7] });
  expect((await a.ask(["REQ", "s", { kinds: "1" }])).slice(0, 2)).toEqual(["CLOSED", "s"]);
  const seven = unique(bob, { kind: 7 });
  await accepted(b, unique(bob));
  await accepted(b, seven);
  expect(await a.settled()).toEqual([["EVENT", "other", seven]]);
});

test("T-094 R-03-26 one subscription too many is CLOSED, the others go on", async () => {
  const { a, b } = await pair();
  for (let i = 0; i < MAX_SUBSCRIPTIONS; i++) await open(a, `${i}`, { kinds: [1000 + i] });
  const [verb, id, reason] = await a.ask(["REQ", "more", { kinds: [1] }]);
  expect([verb, id, String(reason).split(" ")[0]]).toEqual(["CLOSED", "more", "rate-limited:"]);
  // A replacement is no further subscription (R-03-24), nor is one after a CLOSE.
  await open(a, "7", { kinds: [7] });
  a.send(["CLOSE", "8"]);
  await open(a, "fits", { kinds: [8] });
  const events = [1000, 7, 8, 1, 1199].map((kind) => unique(bob, { kind }));
  for (const event of events) await accepted(b, event);
  const got: Frame[] = [];
  for (let i = 0; i < 4; i++) got.push(await a.next());
  expect(got.map((frame) => frame[1])).toEqual(["0", "7", "fits", "199"]);
  // Room is needed for the probe.
  a.send(["CLOSE", "0"]);
  expect(await a.settled()).toEqual([]);
});

test("R-03-26 subscriptions are bounded in what their filters name", async () => {
  const { a, b } = await pair();
  const hex = (n: number): string => n.toString(16).padStart(64, "0");
  const authors = Array.from({ length: 7700 }, (_, n) => hex(n));
  for (let i = 0; i < 8; i++) await open(a, `s${i}`, { authors, limit: 0 });
  const isRefused = async (client: Client, id: string, ...filters: unknown[]): Promise<void> => {
    const [verb, closedId, reason] = await client.ask(["REQ", id, ...filters]);
    expect([verb, closedId, String(reason).split(" ")[0]]).toEqual(["CLOSED", id, "rate-limited:"]);
  };
  await isRefused(a, "more", { authors, limit: 0 });
  // A tag value counts by its length, and filters without values count too.
  await isRefused(a, "long", { "#t": ["x".repeat(260_000)], limit: 0 });
  await open(a, "small", { authors: authors.slice(0, 3000), limit: 0 });
  await isRefused(a, "many", ...Array.from({ length: 100 }, () => ({ "#t": [..."abcdefgh"], limit: 0 })));
  await open(a, "s7", { authors: authors.slice(1), limit: 0 });
  // Others have room of their own.
  await open(b, "mine", { authors, limit: 0 });
  a.send(["CLOSE", "s3"]);
  await open(a, "more", { authors, limit: 0 });
  // A refused replacement ends the older one (R-03-25), which makes room.
  await isRefused(a, "small", { authors, limit: 0 });
  await open(a, "small", { authors: authors.slice(0, 3500), limit: 0 });
});

test("R-03-26 subscriptions are bounded in what their filters name, on all connections together", async () => {
  const { relay } = await pair();
  const filter = { kinds: Array.from({ length: 50_000 }, (_, n) => n), limit: 0 };
  const clients: Client[] = [];
  for (let i = 0; i < 20; i++) {
    const client = await relay.login(alice);
    clients.push(client);
    const { end } = await client.req("s", filter);
    if (i < 19) expect(end.slice(0, 2)).toEqual(["EOSE", "s"]);
    else expect(end).toEqual(["CLOSED", "s", expect.stringMatching(/^rate-limited: there are too many/)]);
  }
  // Who holds much may hold less, and who has gone makes room.
  const [first, second] = [clients[0] as Client, clients[1] as Client];
  await open(first, "s", { kinds: filter.kinds.slice(1), limit: 0 });
  second.send(["CLOSE", "s"]);
  await open(clients[19] as Client, "s", filter);
});

test("T-095 R-01-13 two connections may use one id, and one closes only its own", async () => {
  const { a, b } = await pair();
  await open(a, "x", { kinds: [1] });
  await open(b, "x", { kinds: [1] });
  a.send(["CLOSE", "x"]);
  expect(await a.settled()).toEqual([]);
  const event = unique(alice);
  await accepted(a, event);
  expect(await b.settled()).toEqual([["EVENT", "x", event]]);
  expect(await a.settled()).toEqual([]);
});

test("R-03-27 replacing a delivered event sends the newer version and nothing about the older", async () => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [0] });
  const [older, newer] = [1, 2].map((step) => unique(bob, { kind: 0, created_at: now() - 10 + step }));
  await accepted(b, older);
  await accepted(b, newer);
  expect(await a.settled()).toEqual([
    ["EVENT", "s", older],
    ["EVENT", "s", newer],
  ]);
});

test("R-03-27 the end of a delivered event's life produces no message", async () => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [1] });
  const brief = unique(bob, { tags: [["expiration", `${now() + 2}`]] });
  await accepted(b, brief);
  expect(await a.next()).toEqual(["EVENT", "s", brief]);
  await expect.poll(() => b.query({ ids: [brief.id] }), { timeout: 5000 }).toEqual([]);
  expect(await a.settled()).toEqual([]);
});

test("R-03-28 duplicates, refused events, late versions and AUTH events are not broadcast", async () => {
  const { a, b } = await pair();
  const event = unique(bob);
  const newer = unique(bob, { kind: 0 });
  await accepted(b, event);
  await accepted(b, newer);
  await open(a, "s", { limit: 0 });
  const older = unique(bob, { kind: 0, created_at: newer.created_at - 1 });
  const bad = { ...unique(bob), content: "forged" };
  const answers = [];
  for (const it of [event, bad, older, b.authEvent(bob)]) answers.push((await b.publish(it))[2]);
  expect(answers).toEqual([true, false, false, false]);
  expect(await a.settled()).toEqual([]);
});

test.each([28934, 28936])("R-03-28 a join or leave request, kind %i, is not broadcast", async (kind) => {
  const { a, b } = await pair();
  await open(a, "s", { kinds: [kind] });
  await b.publish(unique(bob, { kind, tags: [["-"], ["claim", carol.pubkey]] }));
  expect(await a.settled()).toEqual([]);
});
