import { expect, test } from "vitest";
import type { Client, Filter } from "../../support/client.ts";
import { alice, bob, carol, now, signed, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const AT = now() - 1000;

/** The number; an exact count is marked as nothing else (R-05-34). */
async function count(client: Client, ...filters: Filter[]): Promise<number> {
  const [verb, id, result] = await client.ask(["COUNT", "c", ...filters]);
  const { count, approximate, ...others } = result as Record<string, unknown>;
  expect([verb, id, approximate ?? false]).toEqual(["COUNT", "c", false]);
  // R-05-36: registers may come with a filter of one tag value.
  expect(Object.keys(others).filter((key) => key !== "hll")).toEqual([]);
  return count as number;
}

/** Six events of kind 1 by alice, of which two are tagged x; four of kind 7 by bob, of which one is. */
async function stocked(): Promise<{ relay: TestRelay; a: Client }> {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const x = (isTagged: boolean) => (isTagged ? [["t", "x"]] : []);
  const ones = Array.from({ length: 6 }, (_, i) => unique(alice, { created_at: AT - i, tags: x(i < 2) }));
  const sevens = Array.from({ length: 4 }, (_, i) => unique(bob, { kind: 7, created_at: AT - i, tags: x(i < 1) }));
  for (const event of [...ones, ...sevens]) expect((await a.publish(event))[2]).toBe(true);
  return { relay, a };
}

test("R-05-34 COUNT gives the number of matches", async () => {
  const { a } = await stocked();
  const table: [Filter, number][] = [
    [{}, 10],
    [{ kinds: [1] }, 6],
    [{ kinds: [1, 7, 9] }, 10],
    [{ kinds: [9] }, 0],
    [{ kinds: [] }, 0],
    [{ authors: [bob.pubkey] }, 4],
    [{ authors: [alice.pubkey, bob.pubkey], kinds: [7] }, 4],
    [{ "#t": ["x"] }, 3],
    [{ "#t": ["x", "y"], kinds: [1] }, 2],
    [{ "#t": ["x"], authors: [bob.pubkey] }, 1],
    [{ since: AT - 1 }, 4],
    [{ until: AT - 4 }, 2],
  ];
  for (const [filter, expected] of table) expect([filter, await count(a, filter)]).toEqual([filter, expected]);
});

test("T-122 R-05-34 two overlapping filters give the size of their union, and limit is ignored", async () => {
  const { a } = await stocked();
  expect(await count(a, { kinds: [1] }, { "#t": ["x"] })).toBe(7);
  expect(await count(a, { kinds: [1] }, { kinds: [1], authors: [alice.pubkey] })).toBe(6);
  expect(await count(a, { kinds: [1], limit: 1 })).toBe(6);
  expect(await count(a, { kinds: [1], limit: 0 })).toBe(6);
  expect(await count(a, { kinds: [1], limit: 1 }, { kinds: [7], limit: 2 })).toBe(10);
});

test("R-05-34 an event with two of the tag values counts once", async () => {
  const a = await freshRelay().login(alice);
  await a.publish(unique(alice, { tags: ["x", "y"].map((value) => ["t", value]) }));
  expect(await count(a, { "#t": ["x", "y"] })).toBe(1);
});

test("R-05-34 replaced and ephemeral events do not count", async () => {
  const a = await freshRelay().login(alice);
  await a.req("s", { kinds: [20001] });
  for (const step of [0, 1]) await a.publish(signed(alice, { kind: 0, created_at: AT + step }));
  expect((await a.publish(unique(alice, { kind: 20001 })))[2]).toBe(true);
  a.send(["CLOSE", "s"]);
  await a.settled();
  expect(await count(a, {})).toBe(1);
  expect(await count(a, { kinds: [0, 20001] })).toBe(1);
});

test("R-05-15 an event that has expired does not count", async () => {
  const a = await freshRelay().login(alice);
  await a.publish(unique(alice, { tags: [["expiration", `${now() + 2}`]] }));
  expect(await count(a, { kinds: [1] })).toBe(1);
  await expect.poll(() => count(a, { kinds: [1] }), { timeout: 5000 }).toBe(0);
  expect(await count(a, {})).toBe(0);
});

test("R-05-35 COUNT opens no subscription", async () => {
  const { a } = await stocked();
  await count(a, { kinds: [1] });
  await a.publish(unique(alice));
  expect(await a.settled()).toEqual([]);
});

test("R-05-35 R-01-13 COUNT with the id of an open subscription leaves that open", async () => {
  const { a } = await stocked();
  await a.req("c", { kinds: [9] });
  expect(await count(a, { kinds: [1] })).toBe(6);
  const event = unique(alice, { kind: 9 });
  await a.publish(event);
  expect(await a.settled()).toEqual([["EVENT", "c", event]]);
  // Nor does a refused COUNT end it.
  expect((await a.ask(["COUNT", "c", { kinds: "1" }]))[0]).toBe("CLOSED");
  const later = unique(alice, { kind: 9 });
  await a.publish(later);
  expect(await a.settled()).toEqual([["EVENT", "c", later]]);
});

test.each([
  ["no filter", [], "invalid:"],
  ["a filter that is a list", [[]], "invalid:"],
  ["null", [null], "invalid:"],
  ["a wrong type", [{ kinds: "1" }], "invalid:"],
  ["one bad filter of two", [{}, { limit: -1 }], "invalid:"],
  ["an unknown element", [{ foo: 1 }], "unsupported:"],
  ["101 filters", Array.from({ length: 101 }, () => ({})), "invalid:"],
])("R-05-35 M-09 M-10 COUNT with %s is CLOSED", async (_name, filters, prefix) => {
  const { a } = await stocked();
  const [verb, id, reason] = await a.ask(["COUNT", "c", ...filters]);
  expect([verb, id, String(reason).split(" ")[0]]).toEqual(["CLOSED", "c", prefix]);
  expect(await a.settled()).toEqual([]);
});

test("T-121 R-05-31 private kinds are counted for their parties only", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const to = (pubkey: string) => unique(carol, { kind: 1059, tags: [["p", pubkey]] });
  for (const event of [to(alice.pubkey), to(alice.pubkey), to(bob.pubkey), unique(bob)]) await a.publish(event);
  for (const filter of [
    { kinds: [1059] },
    { kinds: [4, 1059] },
    { kinds: [1059], "#p": [bob.pubkey] },
    { kinds: [1059], "#p": [alice.pubkey, bob.pubkey] },
    { kinds: [1059], authors: [carol.pubkey] },
  ]) {
    const [verb, id, reason] = await a.ask(["COUNT", "c", filter]);
    expect([verb, id, String(reason).split(" ")[0]]).toEqual(["CLOSED", "c", "restricted:"]);
  }
  expect(await count(a, { kinds: [1059], "#p": [alice.pubkey] })).toBe(2);
  expect(await count(a, { kinds: [1059], authors: [alice.pubkey] })).toBe(0);
  // Filters that also ask for other kinds count what is visible.
  expect(await count(a, { kinds: [1, 1059] })).toBe(3);
  expect(await count(a, {})).toBe(3);
  expect(await count(a, { authors: [carol.pubkey] })).toBe(2);
  expect(await count(a, { "#p": [bob.pubkey] })).toBe(0);
});

test("R-05-29 COUNT by id does not tell whether somebody else's private event exists", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  const wrap = unique(carol, { kind: 1059, tags: [["p", bob.pubkey]] });
  await a.publish(wrap);
  expect(await count(b, { ids: [wrap.id] })).toBe(1);
  expect(await count(a, { ids: [wrap.id] })).toBe(0);
});

test("R-05-38 beyond MAX_COUNT the answer is that number, and approximate; at it, it is exact", async () => {
  const a = await freshRelay({ MAX_COUNT: "3" }).login(alice);
  const ask = async (...filters: Filter[]) => (await a.ask(["COUNT", "c", ...filters]))[2];
  for (let i = 0; i < 3; i++) await a.publish(unique(alice, { tags: [["t", "x"]] }));
  for (const filter of [{}, { kinds: [1] }, { authors: [alice.pubkey] }, { "#t": ["x", "y"] }]) {
    expect(await ask(filter)).toEqual({ count: 3 });
  }
  await a.publish(unique(alice, { tags: [["t", "x"]] }));
  for (const filter of [{}, { kinds: [1] }, { authors: [alice.pubkey] }, { "#t": ["x", "y"] }]) {
    expect([filter, await ask(filter)]).toEqual([filter, { count: 3, approximate: true }]);
  }
  expect(await ask({ kinds: [1] }, { kinds: [7] })).toEqual({ count: 3, approximate: true });
});
