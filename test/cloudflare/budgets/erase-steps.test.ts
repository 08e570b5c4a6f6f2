import { afterEach, expect, test, vi } from "vitest";
import type { Client } from "../../support/client.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { alice, bob, type Key, key, now, unique } from "../../support/keys.ts";
import {
  countOf,
  inStore,
  lookUp,
  putAll,
  setClock,
  stock,
  storedEvents,
  unsigned,
  verdict,
} from "../../support/stock.ts";

// What is hidden is removed in bounded steps, one for each alarm, over evictions.

afterEach(() => void vi.useRealTimers());

const OK = [true, ""];
const DAY = 86_400;
const AT = now() - 1000;
/** On a half-hour, ahead of the runtime's own clock. */
const T0 = 1_800_000_000;

const vanishing = (by: Key) => unique(by, { kind: 62, created_at: AT, tags: [["relay", "ALL_RELAYS"]] });

const wrapFor = (to: Key, created_at = AT) =>
  unsigned({ pubkey: "9".repeat(64), kind: 1059, created_at, tags: [["p", to.pubkey]] });

test("R-05-15 1,200 expired events are removed in steps, over a restart, and others stay", async () => {
  const relay = freshRelay();
  await inStore(relay, (store) => {
    const dead = Array.from({ length: 1200 }, (_, i) =>
      unsigned({
        created_at: 1_700_000_000 + i,
        tags: [
          ["t", "x"],
          ["expiration", `${1_700_010_000 + (i % 7)}`],
        ],
      }),
    );
    putAll(store, [...dead, unsigned({ pubkey: bob.pubkey, tags: [["t", "x"]] })]);
  });
  const a = await relay.login(alice);
  expect(await countOf(a, { "#t": ["x"] })).toBe(1);
  let before = 1201;
  let rings = 0;
  for (let left = await storedEvents(relay); left > 1; left = await storedEvents(relay)) {
    // A step is bounded: no ring removes them all.
    expect(before - left).toBeLessThanOrEqual(1000);
    before = left;
    expect(await countOf(a, { kinds: [1] })).toBe(1);
    if (rings++ === 0) await relay.restart();
    await relay.ringOnce();
  }
  await relay.ring();
  expect(await lookUp(relay, "SELECT count(*) FROM tag")).toBe(1);
  expect(await relay.due()).toBe(undefined);
  const b = await relay.login(bob);
  expect(await countOf(b, { kinds: [1] })).toBe(1);
});

test("R-07-01 R-03-17 1,100 jobs past their time are removed in steps, and no limit or hint speaks of them", async () => {
  const relay = freshRelay();
  await inStore(relay, (store) => {
    const jobs = (count: number, at: number) =>
      Array.from({ length: count }, (_, i) =>
        unsigned({ pubkey: bob.pubkey, kind: 5000 + (i % 9), created_at: at - i, tags: [["t", "x"]] }),
      );
    putAll(store, [...jobs(1100, T0 - DAY), ...jobs(5, T0)]);
  });
  setClock(T0);
  const a = await relay.login(alice);
  const { events, end } = await a.req("s", { "#t": ["x"], limit: 5 });
  expect([events.length, end]).toEqual([5, ["EOSE", "s", ["finish"]]]);
  let left = 1105;
  for (; left > 5; left = await storedEvents(relay)) {
    expect(await countOf(a, { "#t": ["x"] })).toBe(5);
    await relay.ringOnce();
    expect(left - (await storedEvents(relay))).toBeLessThanOrEqual(500);
  }
  expect(left).toBe(5);
});

test("T-116 R-05-20 3,000 events and wraps: gone at once, erased over several alarms with evictions, right meanwhile", async () => {
  const relay = freshRelay();
  const kinds = [0, 1, 7, 30023];
  await inStore(relay, (store) => {
    const own = Array.from({ length: 2000 }, (_, i) =>
      unsigned({
        pubkey: alice.pubkey,
        kind: kinds[i % 3 === 0 ? 1 : i % 4] ?? 1,
        created_at: AT - 2000 + i,
        tags: [
          ["t", "x"],
          ["d", `${i}`],
        ],
      }),
    );
    const others = Array.from({ length: 300 }, (_, i) =>
      unsigned({
        pubkey: bob.pubkey,
        created_at: AT - 2000 + 6 * i,
        tags: [
          ["t", "x"],
          ["p", alice.pubkey],
        ],
      }),
    );
    const newer = Array.from({ length: 20 }, (_, i) =>
      unsigned({ pubkey: alice.pubkey, created_at: AT + 1 + i, tags: [["t", "x"]] }),
    );
    putAll(
      store,
      own.filter(({ kind }) => kind !== 0),
    );
    putAll(store, [...others, ...newer, ...Array.from({ length: 1000 }, (_, i) => wrapFor(alice, AT - i))]);
  });
  const before = await storedEvents(relay);
  // The alarms of the relay's clock then lie ahead of the runtime's, so that only the test rings them.
  setClock(now() + 86_400);
  let a = await relay.login(alice);
  const isRight = async (client: Client): Promise<void> => {
    expect(await countOf(client, {})).toBe(321);
    expect(await countOf(client, { "#t": ["x"] })).toBe(320);
    expect(await countOf(client, { authors: [alice.pubkey] })).toBe(21);
    expect(await countOf(client, { kinds: [1] })).toBe(320);
    expect(await countOf(client, { kinds: [1059], "#p": [alice.pubkey] })).toBe(0);
    const { events, end } = await client.req("s", { kinds: [1, 7, 1059], limit: 400 });
    expect([events.length, end]).toEqual([320, ["EOSE", "s", ["finish"]]]);
    // An open subscription waits for the clock before its row is written, and would keep the object.
    client.send(["CLOSE", "s"]);
    await client.settled();
  };
  expect(verdict(await a.publish(vanishing(alice)))).toEqual(OK);
  await isRight(a);
  expect(await storedEvents(relay)).toBe(before + 1);
  let rings = 0;
  for (let left = before + 1; left > 321; rings++) {
    expect(await relay.ringOnce()).toBe(true);
    if (rings % 2 === 0) {
      await relay.restart();
      a = await relay.login(alice);
    }
    await isRight(a);
    const stored = await storedEvents(relay);
    expect(left - stored).toBeGreaterThan(0);
    left = stored;
  }
  expect(rings).toBeGreaterThan(1);
  await relay.ring();
  await isRight(a);
  expect(await storedEvents(relay)).toBe(321);
  expect(await lookUp(relay, "SELECT count(*) FROM tag")).toBe(620);
  expect(await lookUp(relay, "SELECT count(*) FROM vanished WHERE pending = 1")).toBe(0);
  expect(await relay.due()).toBe(undefined);
});

test("R-05-20 500 who vanish at once are erased together, in a few alarms", async () => {
  const keys = Array.from({ length: 500 }, (_, i) => key(4000 + i));
  const relay = freshRelay();
  await stock(relay, [
    ...keys.map(({ pubkey }) => unsigned({ pubkey, created_at: AT })),
    ...keys.map(({ pubkey }, i) =>
      unsigned({ pubkey, kind: 1059, created_at: AT, tags: [["p", (keys[(i + 1) % 500] as Key).pubkey]] }),
    ),
  ]);
  setClock(now() + 86_400);
  const a = await relay.login(alice);
  for (const by of keys) a.send(["EVENT", vanishing(by)]);
  for (const _ of keys) expect(verdict(await a.next())).toEqual(OK);
  expect(await countOf(a, {})).toBe(500);
  await relay.restart();
  await a.settled();
  let rings = 0;
  while ((await relay.due()) !== undefined && rings++ < 20) await relay.ringOnce();
  expect(rings).toBeLessThan(20);
  expect(await storedEvents(relay)).toBe(500);
  // The counts that are kept beside the events are right, too.
  expect(await countOf(a, { kinds: [1] })).toBe(0);
  expect(await countOf(a, { kinds: [62] })).toBe(500);
});
