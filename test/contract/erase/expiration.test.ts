import { afterEach, expect, test, vi } from "vitest";
import type { Client, Filter } from "../../support/client.ts";
import { alice, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { countOf, inStore, lookUp, putAll, setClock, storedEvents, unsigned, verdict } from "../../support/stock.ts";

afterEach(() => void vi.useRealTimers());

const until = (seconds: number): string[][] => [["expiration", `${now() + seconds}`]];

/** Everything that can show an event of kind 1 tagged x. */
const FILTERS: Filter[] = [
  {},
  { kinds: [1] },
  { authors: [alice.pubkey] },
  { "#t": ["x"] },
  { "#t": ["x"], kinds: [1] },
];

async function expectAbsent(client: Client, id: string): Promise<void> {
  for (const filter of [...FILTERS, { ids: [id] }]) {
    expect([filter, await client.query(filter), await countOf(client, filter)]).toEqual([filter, [], 0]);
  }
}

test.each([
  ["a second ago", "-1", "invalid"],
  ["now", "0", "invalid"],
  ["in a minute", "60", ""],
])("T-115 R-05-14 an event that expires %s", async (_name, offset, prefix) => {
  const a = await freshRelay().login(alice);
  setClock(1_800_000_000);
  const event = unique(alice, { tags: until(Number(offset)) });
  expect(verdict(await a.publish(event))).toEqual([prefix === "", prefix]);
  expect((await a.query({})).length).toBe(prefix === "" ? 1 : 0);
});

test.each(["", "x", "1.5", "-1", "1e99", " 99999999999"])("R-05-13 expiration '%s' is invalid", async (value) => {
  const a = await freshRelay().login(alice);
  expect(verdict(await a.publish(unique(alice, { tags: [["expiration", value]] })))).toEqual([false, "invalid"]);
  expect(verdict(await a.publish(unique(alice, { tags: [["expiration"]] })))).toEqual([false, "invalid"]);
});

test.each(["9999999999999999", "18446744073709551615", "9".repeat(400)])(
  "R-05-13 expiration %s is far away, also for the alarm",
  async (value) => {
    const relay = freshRelay();
    const a = await relay.login(alice);
    const event = unique(alice, { tags: [["expiration", value]] });
    expect(verdict(await a.publish(event))).toEqual([true, ""]);
    expect(await a.query({ ids: [event.id] })).toEqual([event]);
    // Some thousand years do not fit into a date.
    expect(await relay.due()).toBeGreaterThan(now() + 1e9);
    await relay.restart();
    expect(await (await relay.login(alice)).query({ ids: [event.id] })).toEqual([event]);
  },
);

test("R-05-14 what has expired and is not removed yet is no duplicate but refused", async () => {
  const a = await freshRelay().login(alice);
  setClock(1_800_000_000);
  const event = unique(alice, { tags: until(2) });
  expect(verdict(await a.publish(event))).toEqual([true, ""]);
  expect(verdict(await a.publish(event))).toEqual([true, "duplicate"]);
  setClock(1_800_000_002);
  expect(verdict(await a.publish(event))).toEqual([false, "invalid"]);
});

test("R-05-13 the first expiration tag counts", async () => {
  const a = await freshRelay().login(alice);
  expect(verdict(await a.publish(unique(alice, { tags: [...until(60), ["expiration", "1"]] })))).toEqual([true, ""]);
  expect(verdict(await a.publish(unique(alice, { tags: [["expiration", "1"], ...until(60)] })))[0]).toBe(false);
});

test("T-115 R-05-15 at its second it is gone from REQ, COUNT and ids, and the alarm removes it later", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  setClock(1_800_000_000);
  const event = unique(alice, { tags: [["t", "x"], ...until(2)] });
  await a.publish(event);
  setClock(1_800_000_001);
  for (const filter of [...FILTERS, { ids: [event.id] }]) expect(await a.query(filter)).toEqual([event]);
  setClock(1_800_000_002);
  await expectAbsent(a, event.id);
  expect(await storedEvents(relay)).toBe(1);
  setClock(1_800_000_060);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(0);
  expect(await lookUp(relay, "SELECT count(*) FROM tag")).toBe(0);
  await expectAbsent(a, event.id);
  expect(await relay.due()).toBe(undefined);
  expect(verdict(await a.publish(event))).toEqual([false, "invalid"]);
});

test("R-05-15 what has expired is skipped under a limit, and no hint speaks of it", async () => {
  const relay = freshRelay();
  await inStore(relay, (store) => {
    const dead = [["expiration", "1700000100"]];
    const events = Array.from({ length: 20 }, (_, i) =>
      unsigned({ created_at: 1_700_000_000 + i, tags: i % 2 ? dead : [] }),
    );
    putAll(store, events);
  });
  const a = await relay.login(alice);
  const { events, end } = await a.req("s", { kinds: [1], limit: 10 });
  expect([events.length, end]).toEqual([10, ["EOSE", "s", ["finish"]]]);
});

test("R-05-16 a newer version replaces an expired one, and the older does not come back by itself", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  setClock(1_800_000_000);
  const [first, second, third, fourth] = [0, 1, 2, 3].map((step) =>
    unique(alice, { kind: 0, created_at: now() - 9 + step, tags: step === 1 || step === 3 ? until(5) : [] }),
  );
  for (const event of [first, second]) await a.publish(event);
  setClock(1_800_000_010);
  expect(await a.query({ kinds: [0] })).toEqual([]);
  expect(verdict(await a.publish(third))).toEqual([true, ""]);
  expect(await a.query({ kinds: [0] })).toEqual([third]);
  // Once the row of an expired one is gone, an older one may be stored.
  setClock(1_800_000_000);
  await a.publish(fourth);
  setClock(1_800_000_060);
  await relay.ring();
  expect(await a.query({ kinds: [0] })).toEqual([]);
  expect(verdict(await a.publish(third))).toEqual([true, ""]);
  expect(await a.query({ kinds: [0] })).toEqual([third]);
});

test("R-05-17 an ephemeral event: refused when expired, passed on when not", async () => {
  const a = await freshRelay().login(alice);
  await a.req("s", { kinds: [20001] });
  expect(verdict(await a.publish(unique(alice, { kind: 20001, tags: until(-1) })))).toEqual([false, "invalid"]);
  expect(await a.settled()).toEqual([]);
  const event = unique(alice, { kind: 20001, tags: until(60) });
  expect(verdict(await a.publish(event))).toEqual([true, ""]);
  expect(await a.next()).toEqual(["EVENT", "s", event]);
});
