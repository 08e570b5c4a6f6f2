import type { Event, EventTemplate } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, carol, now, signed, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import type { TestRelay } from "../../support/relay.ts";
import { relayHolding, unsigned } from "../../support/stock.ts";

// What happens to events, and to who asks, while a large answer is under way: live events wait for its end.

const MANY = 4000;
const many = (count = MANY) => Array.from({ length: count }, (_, n) => unsigned({ created_at: 1_600_000_000 + n }));
const ALL = ["REQ", "s", { kinds: [1, 5, 62, 30023], limit: 5000 }];

/** All frames up to the end of the stored answer, and what follows at once. */
async function whole(client: Client): Promise<Frame[]> {
  const frames: Frame[] = [];
  do frames.push(await client.next(20_000));
  while (frames.at(-1)?.[0] !== "EOSE");
  return [...frames, ...(await client.settled())];
}

const idOf = (frame: Frame | undefined) => (frame?.[0] === "EVENT" ? (frame[2] as Event).id : undefined);

test.each([
  ["R-05-10 deleted", (event: Event) => signed(alice, { kind: 5, tags: [["e", event.id]] })],
  ["R-05-20 of who vanished", () => signed(alice, { kind: 62, created_at: now(), tags: [["relay", "ALL_RELAYS"]] })],
])("%s before the stored answer ends, a live event is not shown after it", async (_name, end) => {
  const a = await (await relayHolding(...many())).login(alice);
  const [event, kept] = [unique(alice), unique(bob)];
  const request = end(event);
  for (const frame of [ALL, ["EVENT", event], ["EVENT", request], ["EVENT", kept]]) a.send(frame);
  const frames = await whole(a);
  const ids = [event.id, request.id, kept.id];
  expect(frames.map(idOf).filter((id) => ids.includes(String(id)))).toEqual([request.id, kept.id]);
  // It was accepted, and gone, while the answer was under way.
  expect(frames.findLastIndex(([verb]) => verb === "OK")).toBeLessThan(frames.findIndex(([verb]) => verb === "EOSE"));
});

test("R-05-74 banned before the stored answer ends, an author is not shown after it", async () => {
  const relay = await relayHolding(...many(5000));
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const [event, kept] = [unique(bob), unique(carol)];
  a.send(ALL);
  b.send(["EVENT", event]);
  await b.until(([verb]) => verb === "OK");
  await caller(relay.fetch)("banpubkey", bob.pubkey);
  a.send(["EVENT", kept]);
  const frames = await whole(a);
  expect(frames.map(idOf).filter((id) => id === event.id || id === kept.id)).toEqual([kept.id]);
});

test("R-03-20 R-03-27 replaced before the stored answer ends, both versions come after it", async () => {
  const a = await (await relayHolding(...many())).login(alice);
  const versions = [0, 1].map((n) => signed(alice, { kind: 30023, created_at: now() + n, tags: [["d", "x"]] }));
  for (const frame of [ALL, ...versions.map((version) => ["EVENT", version])]) a.send(frame);
  const frames = await whole(a);
  const end = frames.findIndex(([verb]) => verb === "EOSE");
  expect(frames.slice(end + 1).map(idOf)).toEqual(versions.map(({ id }) => id));
});

/** More than is sent in one go, so that the end waits for some seconds. */
const large = () =>
  Array.from({ length: 500 }, (_, n) =>
    unsigned({ created_at: 1_600_000_000 + n, content: `${n} ${"x".repeat(90_000)}` }),
  );

type End = (relay: TestRelay, b: Client, versions: Event[]) => Promise<unknown>;
const publishing =
  (draft: (versions: Event[]) => Partial<EventTemplate>): End =>
  async (_relay, b, versions) =>
    expect((await b.publish(signed(bob, draft(versions))))[2]).toBe(true);

test.concurrent.each<[string, End]>([
  ["R-05-07 deleted by address", publishing(() => ({ kind: 5, tags: [["a", `30023:${bob.pubkey}:x`]] }))],
  ["R-05-06 deleted by id", publishing((all) => ({ kind: 5, tags: all.map(({ id }) => ["e", id]) }))],
  ["R-05-20 of who vanished", publishing(() => ({ kind: 62, tags: [["relay", "ALL_RELAYS"]] }))],
  ["R-05-74 of who was banned", (relay) => caller(relay.fetch)("banpubkey", bob.pubkey)],
])(
  "%s and gone before the stored answer ends, no version is shown after it",
  async (_name, end) => {
    const relay = await relayHolding(...large());
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    a.send(ALL);
    const first = await a.next();
    const at = now() - 10;
    const versions = [0, 1].map((n) => signed(bob, { kind: 30023, created_at: at + n, tags: [["d", "x"]] }));
    for (const version of versions) expect((await b.publish(version))[2]).toBe(true);
    await end(relay, b, versions);
    await relay.ring();
    const ids = [first, ...(await whole(a))].map(idOf);
    expect(versions.map(({ id }) => ids.includes(id))).toEqual([false, false]);
  },
  60_000,
);

test.concurrent("R-03-20 banned, let in again and published again before the stored answer ends, an event comes once", async () => {
  const relay = await relayHolding(...large());
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const call = caller(relay.fetch);
  a.send(ALL);
  const first = await a.next();
  const event = unique(bob);
  expect((await b.publish(event))[2]).toBe(true);
  for (const method of ["banevent", "unbanevent"]) expect((await call(method, event.id)).status).toBe(200);
  expect((await b.publish(event)).slice(2)).toEqual([true, ""]);
  const ids = [first, ...(await whole(a))].map(idOf);
  expect(ids.filter((id) => id === event.id).length).toBe(1);
}, 60_000);

test.concurrent("R-05-15 what expires while a large answer waits for its reader is not shown any more", async () => {
  const at = now() + 3;
  const tags = [["expiration", `${at}`]];
  const stored = unsigned({ created_at: 1_500_000_000, tags });
  const last = unsigned({ created_at: 1_500_000_000, content: 'not a tag: ["expiration","1"]' });
  const relay = await relayHolding(...large(), stored, last);
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  a.send(["REQ", "s", { kinds: [1], limit: 600 }]);
  const live = unique(bob, { tags });
  expect((await b.publish(live))[2]).toBe(true);
  const ids = (await whole(a)).map(idOf);
  expect(now()).toBeGreaterThanOrEqual(at);
  expect(ids).toContain(last.id);
  expect(ids).not.toContain(stored.id);
  expect(ids).not.toContain(live.id);
}, 60_000);

test("R-05-33 R-03-17 a key that is added does not widen an answer under way", async () => {
  const wraps = Array.from({ length: 2400 }, (_, n) =>
    unsigned({ kind: 1059, created_at: 1_600_000_000 + n, tags: [["p", bob.pubkey]] }),
  );
  const open = many(2400);
  const a = await (await relayHolding(...open, ...wraps)).login(alice);
  a.send(["REQ", "s", { ids: [...open, ...wraps].map(({ id }) => id), limit: 5000 }]);
  const first = await a.next();
  a.send(["AUTH", a.authEvent(bob)]);
  const frames = [first, ...(await whole(a))];
  expect(frames.map(idOf).filter((id) => id !== undefined).length).toBe(open.length);
  expect(frames.findIndex(([verb]) => verb === "OK")).toBeLessThan(frames.findIndex(([verb]) => verb === "EOSE"));
});
