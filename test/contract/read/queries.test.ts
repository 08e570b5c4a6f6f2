import type { Event } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client, Filter } from "../../support/client.ts";
import { alice, bob, carol, now, signed, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { stock, unsigned } from "../../support/stock.ts";

const AT = now() - 100_000;
const MAX_LIMIT = 5000;
const DEFAULT_LIMIT = 500;

/** Fills a relay that has not been used yet with one event of alice's for each time given. */
async function filled(times: number[]): Promise<{ relay: TestRelay; ids: string[] }> {
  const relay = freshRelay();
  const events = times.map((created_at) => unsigned({ pubkey: alice.pubkey, created_at }));
  await stock(relay, events);
  return { relay, ids: events.map(({ id }) => id) };
}

/** Publishes in the order given. */
async function publish(client: Client, events: Event[]): Promise<void> {
  for (const event of events) expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
}

/** `count` events, the newest first. */
function newestFirst(count: number, at = AT): Event[] {
  return Array.from({ length: count }, (_, i) => unique(alice, { created_at: at - i }));
}

/** R-03-10. */
const byOrder = (a: Event, b: Event) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);

/** The third element of EOSE; undefined when there is none. */
async function hint(client: Client, ...filters: Filter[]): Promise<unknown> {
  const { end } = await client.req(`hint-${Math.random()}`, ...filters);
  expect(end[0]).toBe("EOSE");
  expect(end.length).toBeLessThan(4);
  return end[2];
}

test("T-079 R-03-11 limit 2 of five gives the newest two, newest first", async () => {
  const a = await freshRelay().login(alice);
  const events = newestFirst(5);
  await publish(
    a,
    [2, 4, 0, 3, 1].map((i) => events[i]),
  );
  expect(await a.query({ limit: 2 })).toEqual(events.slice(0, 2));
  expect(await a.query({})).toEqual(events);
});

test("T-080 R-03-10 equal times are ordered by id, ascending", async () => {
  const a = await freshRelay().login(alice);
  const events = Array.from({ length: 3 }, () => unique(alice, { created_at: AT })).sort(byOrder);
  await publish(a, [events[1], events[2], events[0]]);
  expect(await a.query({ limit: 2 })).toEqual(events.slice(0, 2));
  expect(await a.query({ authors: [alice.pubkey], kinds: [1] })).toEqual(events);
  expect(await a.query({ ids: events.map(({ id }) => id).reverse() })).toEqual(events);
});

test("R-03-10 the order is one over many authors, kinds and tag values", async () => {
  const a = await freshRelay().login(alice);
  const events = Array.from({ length: 40 }, (_, i) =>
    unique([alice, bob, carol][i % 3], {
      kind: [1, 2, 4, 7][i % 4],
      created_at: AT + (i % 5),
      tags: [["t", `${i % 7}`]],
    }),
  );
  await publish(a, events);
  // Kind 4 is private.
  const expected = events.filter(({ kind, pubkey }) => kind !== 4 || pubkey === alice.pubkey).sort(byOrder);
  expect(await a.query({})).toEqual(expected);
  expect(await a.query({ kinds: [7, 4, 2, 1] })).toEqual(expected);
  expect(await a.query({ authors: [alice, bob, carol].map(({ pubkey }) => pubkey) })).toEqual(expected);
  expect(await a.query({ "#t": ["6", "5", "4", "3", "2", "1", "0"] })).toEqual(expected);
});

test("T-082 R-03-10 two overlapping filters give each event once, in one order", async () => {
  const a = await freshRelay().login(alice);
  const events = Array.from({ length: 6 }, (_, i) =>
    unique(alice, { kind: i < 4 ? 1 : 7, created_at: AT - (i % 3), tags: i < 2 ? [] : [["t", "x"]] }),
  );
  await publish(a, events);
  expect(await a.query({ "#t": ["x"] }, { kinds: [1] })).toEqual([...events].sort(byOrder));
});

test("T-083 R-03-11 each filter has its own limit, taken before the union", async () => {
  const a = await freshRelay().login(alice);
  const events = newestFirst(6);
  const sevens = Array.from({ length: 6 }, (_, i) => unique(alice, { kind: 7, created_at: AT - 10 - i }));
  await publish(a, [...events, ...sevens]);
  expect(await a.query({ kinds: [7], limit: 3 }, { kinds: [1], limit: 2 })).toEqual([
    ...events.slice(0, 2),
    ...sevens.slice(0, 3),
  ]);
  expect(await a.query({ kinds: [1], limit: 2 }, { authors: [alice.pubkey], limit: 3 })).toEqual(events.slice(0, 3));
});

test("T-084 R-03-12 more than MAX_LIMIT is never sent, and DEFAULT_LIMIT without a limit", async () => {
  const { relay, ids } = await filled(Array.from({ length: MAX_LIMIT + 100 }, (_, i) => AT - i));
  const a = await relay.login(alice);
  const got = async (filter: Filter) => (await a.query(filter)).map(({ id }) => id);
  for (const limit of [10 ** 9, MAX_LIMIT, 1234])
    expect(await got({ limit })).toEqual(ids.slice(0, Math.min(limit, MAX_LIMIT)));
  expect(await got({})).toEqual(ids.slice(0, DEFAULT_LIMIT));
  expect([["more"], undefined]).toContainEqual(await hint(a, { limit: 10 ** 9 }));
  expect([["more"], undefined]).toContainEqual(await hint(a, {}));
  // The last page is whole: paging must not take it for the end.
  expect(await hint(a, { until: AT - MAX_LIMIT })).toEqual(["finish"]);
  expect(await hint(a, { since: AT - DEFAULT_LIMIT + 1 })).toEqual(["finish"]);
});

test("R-03-19 paging by until loses nothing where many events share one second", async () => {
  const { relay, ids } = await filled(Array.from({ length: 2400 }, (_, i) => AT - Math.floor(i / 700)));
  const a = await relay.login(alice);
  const seen: unknown[] = [];
  for (let until = AT; ; ) {
    const { events, end } = await a.req("page", { until });
    seen.push(...events.map(({ id }) => id));
    if ((end[2] as string[] | undefined)?.[0] === "finish" || events.length === 0) break;
    // All events of the oldest second have come, so the next page begins before it.
    until = (events.at(-1)?.created_at as number) - 1;
  }
  expect([...seen].sort()).toEqual([...ids].sort());
});

test("R-03-19 R-03-12 the client's own limit cuts even between events of one second", async () => {
  const { relay } = await filled(Array.from({ length: 20 }, () => AT));
  const a = await relay.login(alice);
  expect((await a.query({ limit: 7 })).length).toBe(7);
});

test("T-081 R-03-13 limit 0 gives EOSE only, then live events", async () => {
  const a = await freshRelay().login(alice);
  await publish(a, newestFirst(2));
  const { events, end } = await a.req("s", { kinds: [1], limit: 0 });
  expect(events).toEqual([]);
  expect(end.slice(0, 2)).toEqual(["EOSE", "s"]);
  expect(end[2]).not.toEqual(["finish"]);
  const live = unique(alice);
  await a.publish(live);
  expect(await a.settled()).toEqual([["EVENT", "s", live]]);
});

test("R-03-16 one EOSE for each REQ, after its stored events", async () => {
  const a = await freshRelay().login(alice);
  await publish(a, newestFirst(3));
  for (const filters of [[{}], [{ kinds: [9] }], [{}, { kinds: [1] }, { limit: 0 }], [{ kinds: [] }]]) {
    a.send(["REQ", "s", ...filters]);
    const verbs = (await a.settled()).map(([verb]) => verb);
    expect(verbs.indexOf("EOSE")).toBe(verbs.length - 1);
    a.send(["CLOSE", "s"]);
  }
});

test("R-03-14 an event is gone from every query once it has expired", async () => {
  const a = await freshRelay().login(alice);
  const brief = unique(alice, {
    kind: 7,
    tags: [
      ["expiration", `${now() + 2}`],
      ["t", "x"],
    ],
  });
  const older = unique(alice, { kind: 7, created_at: now() - 5, tags: [["t", "x"]] });
  await publish(a, [brief, older]);
  expect(await a.query({ ids: [brief.id] })).toEqual([brief]);
  await expect.poll(() => a.query({ ids: [brief.id] }), { timeout: 5000 }).toEqual([]);
  const filters = [{}, { kinds: [7] }, { authors: [alice.pubkey] }, { "#t": ["x"] }, { kinds: [7], limit: 1 }];
  for (const filter of filters) expect(await a.query(filter)).toEqual([older]);
  expect(await hint(a, { kinds: [7], limit: 1 })).toEqual(["finish"]);
});

test("R-03-14 ephemeral events and AUTH events are never in an answer", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  await b.req("s", { kinds: [20001] });
  const ephemeral = unique(alice, { kind: 20001 });
  const auth = a.authEvent(alice);
  for (const event of [ephemeral, auth]) await a.publish(event);
  expect(await a.query({})).toEqual([]);
  expect(await a.query({ ids: [ephemeral.id, auth.id] })).toEqual([]);
  expect(await a.query({ kinds: [20001, 22242] })).toEqual([]);
});

test("R-03-14 R-05-30 private events of others are silently missing and take nothing from the limit", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  const visible = newestFirst(3, AT - 100);
  const toBob = Array.from({ length: 5 }, (_, i) =>
    unique(carol, { kind: 1059, created_at: AT - i, tags: [["p", bob.pubkey]] }),
  );
  await publish(a, [...visible, ...toBob]);
  expect(await a.query({ limit: 3 })).toEqual(visible);
  for (const filter of [
    { ids: toBob.map(({ id }) => id) },
    { kinds: [1059] },
    { "#p": [bob.pubkey] },
    { authors: [carol.pubkey] },
  ]) {
    expect(await a.query(filter)).toEqual([]);
    expect(await b.query(filter)).toEqual(toBob);
  }
  expect(await b.query({ limit: 6 })).toEqual([...toBob, visible[0]]);
});

test("R-03-15 a replaced version is not found, not even by its id", async () => {
  const a = await freshRelay().login(alice);
  for (const [kind, tags] of [
    [0, []],
    [30023, [["d", "x"]]],
  ] as [number, string[][]][]) {
    const older = signed(alice, { kind, tags, created_at: AT, content: "older" });
    const newer = signed(alice, { kind, tags, created_at: AT + 1, content: "newer" });
    await publish(a, [older, newer]);
    expect(await a.query({ kinds: [kind] })).toEqual([newer]);
    expect(await a.query({ authors: [alice.pubkey], kinds: [kind], limit: 5 })).toEqual([newer]);
    expect(await a.query({ kinds: [kind], until: AT })).toEqual([]);
    expect(await a.query({ ids: [older.id, newer.id] })).toEqual([newer]);
  }
});

test("T-088 R-03-17 the hint is finish when all matches were sent, and never otherwise", async () => {
  const a = await freshRelay().login(alice);
  const events = newestFirst(6);
  await publish(a, events.slice(0, 5));
  expect(await hint(a, {})).toEqual(["finish"]);
  expect(await hint(a, { kinds: [9] })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [1], limit: 5 })).toEqual(["finish"]);
  expect(await hint(a, { ids: [events[0].id], limit: 1 })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [1], limit: 5 }, { kinds: [9], limit: 1 })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [] })).toEqual(["finish"]);
  await publish(a, events.slice(5));
  const open = [["more"], undefined];
  expect(open).toContainEqual(await hint(a, { kinds: [1], limit: 5 }));
  expect(open).toContainEqual(await hint(a, { authors: [alice.pubkey], limit: 1 }));
  expect(open).toContainEqual(await hint(a, { limit: 0 }));
  expect(open).toContainEqual(await hint(a, { kinds: [9] }, { kinds: [1], limit: 2 }));
  expect(open).toContainEqual(await hint(a, { kinds: [1], limit: 2 }, { authors: [alice.pubkey], limit: 3 }));
  // What one filter keeps back, the other one sends.
  expect(await hint(a, { kinds: [1], limit: 2 }, { authors: [alice.pubkey] })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [1], limit: 6 }, { authors: [alice.pubkey], limit: 1 })).toEqual(["finish"]);
  expect(open).toContainEqual(await hint(a, { kinds: [1], limit: 2 }, { kinds: [1, 9], authors: [bob.pubkey] }));
  // What is wanted live only is sent too, or kept back.
  expect(await hint(a, { kinds: [1], limit: 0 }, { authors: [alice.pubkey] })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [9], limit: 0 }, { authors: [alice.pubkey] })).toEqual(["finish"]);
  expect(await hint(a, { kinds: [1], limit: 0 }, { ids: [events[0].id] })).toEqual(["more"]);
});

test("T-089 R-03-18 hidden wraps beyond the limit leave the hint at finish", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const visible = newestFirst(3);
  const wrap = (created_at: number) =>
    unique(carol, {
      kind: 1059,
      created_at,
      tags: [
        ["p", bob.pubkey],
        ["t", "x"],
      ],
    });
  await publish(a, [...visible, ...[AT + 1, AT - 1, AT - 10, AT - 11].map(wrap)]);
  expect(await a.query({ limit: 3 })).toEqual(visible);
  expect(await hint(a, { limit: 3 })).toEqual(["finish"]);
  for (const filter of [
    { kinds: [1059] },
    { "#t": ["x"] },
    { "#p": [bob.pubkey] },
    { kinds: [1, 1059], since: AT - 20 },
  ]) {
    expect(await hint(a, { ...filter, limit: 3 })).toEqual(["finish"]);
  }
  const b = await relay.login(bob);
  expect([["more"], undefined]).toContainEqual(await hint(b, { limit: 3 }));
});

test("R-03-10 R-03-11 large events among small ones come whole and in order, by every way", async () => {
  const client = await freshRelay().login(alice);
  // 4,096 bytes are a border in the store, and a line break is one in what it reads.
  const sizes = [10, 5000, 20, 60_000, 3600, 3700, 3800, 3900, 4000, 30, 90_000, 90_000, 40];
  const events = sizes.map((size, i) =>
    unique(alice, { created_at: AT - i, tags: [["t", "size"]], content: `${i}\n`.padEnd(size, "é\n") }),
  );
  await publish(client, events);
  const filters: Filter[] = [{ kinds: [1] }, { authors: [alice.pubkey] }, { "#t": ["size"] }, {}];
  for (const filter of [...filters, { ids: events.map(({ id }) => id) }]) {
    expect(await client.query(filter)).toEqual(events);
    for (let limit = 1; limit <= 4; limit++)
      expect(await client.query({ ...filter, limit })).toEqual(events.slice(0, limit));
    expect(await client.query({ ...filter, until: AT - 2 })).toEqual(events.slice(2));
  }
});

test("T-072 R-03-03 R-03-10 hundreds of ids are found in one order, known ones and unknown", async () => {
  const { relay, ids } = await filled(Array.from({ length: 350 }, (_, i) => AT - ((i * 101) % 350)));
  const client = await relay.login(alice);
  const unknown = Array.from({ length: 50 }, (_, i) => i.toString(16).padStart(64, "0"));
  const stored = await client.query({ kinds: [1] });
  expect(stored.length).toBe(350);
  expect(await client.query({ ids: [...unknown, ...ids] })).toEqual(stored);
  expect(await client.query({ ids: [...ids, ...unknown], limit: 101 })).toEqual(stored.slice(0, 101));
});
