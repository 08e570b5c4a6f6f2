import { expect, test } from "vitest";
import { HyperLogLog } from "../../../src/protocol/hyperloglog.ts";
import type { Client, Filter } from "../../support/client.ts";
import { alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { hexOf, KEYS, PUBKEY, V4 } from "../../support/registers.ts";
import { freshRelay } from "../../support/relay.ts";
import { inStore, putAll, relayHolding, unsigned } from "../../support/stock.ts";

const EMPTY = hexOf({});

async function ask(client: Client, ...filters: Filter[]): Promise<Record<string, unknown>> {
  const [verb, id, result] = await client.ask(["COUNT", "c", ...filters]);
  expect([verb, id]).toEqual(["COUNT", "c"]);
  return result as Record<string, unknown>;
}

test("T-123 R-05-36 R-05-37 COUNT of one tag value comes with the registers of V-4 and the exact count", async () => {
  const a = await freshRelay().login(alice);
  for (const [value, letter] of V4) {
    for (const by of KEYS) await a.publish(unique(by, { kind: 7, tags: [[letter, value]] }));
  }
  // A second event of an author changes the count and no register.
  await a.publish(unique(bob, { kind: 7, tags: [["t", "bitcoin"]] }));
  for (const [value, letter, registers] of V4) {
    const count = letter === "t" ? 6 : 5;
    expect(await ask(a, { [`#${letter}`]: [value] })).toEqual({ count, hll: hexOf(registers) });
    expect(await ask(a, { [`#${letter}`]: [value, value], kinds: [7], limit: 1 })).toEqual({
      count,
      hll: hexOf(registers),
    });
    // With conditions that the index of the tag does not serve.
    const authors = KEYS.map(({ pubkey }) => pubkey);
    expect(await ask(a, { [`#${letter}`]: [value], authors })).toEqual({ count, hll: hexOf(registers) });
  }
  expect(await ask(a, { "#t": ["nobody"] })).toEqual({ count: 0, hll: EMPTY });
});

test.each<[string, Filter[]]>([
  ["two values", [{ "#t": ["bitcoin", "x"] }]],
  ["two tags", [{ "#t": ["bitcoin"], "#p": [PUBKEY] }]],
  ["no tag", [{ kinds: [7] }]],
  ["two filters", [{ "#t": ["bitcoin"] }, { "#t": ["bitcoin"] }]],
  ["no value", [{ "#t": [] }]],
])("T-123 R-05-36 no registers with %s", async (_name, filters) => {
  const a = await freshRelay().login(alice);
  await a.publish(
    unique(bob, {
      kind: 7,
      tags: [
        ["t", "bitcoin"],
        ["p", PUBKEY],
      ],
    }),
  );
  expect(Object.keys(await ask(a, ...filters))).toEqual(["count"]);
});

test("R-05-36 ENABLE_HLL=false: counts come alone", async () => {
  const a = await freshRelay({ ENABLE_HLL: "false" }).login(alice);
  await a.publish(unique(bob, { tags: [["t", "bitcoin"]] }));
  expect(await ask(a, { "#t": ["bitcoin"] })).toEqual({ count: 1 });
});

test("R-05-29 R-05-15 registers show visible events only: not private, expired or vanished ones", async () => {
  const bitcoin = [["t", "bitcoin"]];
  const relay = await relayHolding(
    unsigned({ pubkey: alice.pubkey, tags: bitcoin }),
    unsigned({ pubkey: bob.pubkey, kind: 4, tags: [...bitcoin, ["p", carol.pubkey]] }),
    unsigned({ pubkey: carol.pubkey, tags: [...bitcoin, ["expiration", "1700000001"]] }),
  );
  const registersOf = (...pubkeys: string[]): string => {
    const sketch = new HyperLogLog("bitcoin");
    for (const pubkey of pubkeys) sketch.add(pubkey);
    return sketch.toHex();
  };
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const filter = { "#t": ["bitcoin"] };
  expect(await ask(a, filter)).toEqual({ count: 1, hll: registersOf(alice.pubkey) });
  expect(await ask(c, filter)).toEqual({ count: 2, hll: registersOf(alice.pubkey, bob.pubkey) });
  await a.publish(unique(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] }));
  expect(await ask(a, filter)).toEqual({ count: 0, hll: EMPTY });
  await relay.ring();
  expect(await ask(c, filter)).toEqual({ count: 1, hll: registersOf(bob.pubkey) });
});

test("R-05-34 R-05-36 20,000 matches are counted in several stretches, each once", async () => {
  const relay = freshRelay();
  const authors = Array.from({ length: 50 }, (_, i) => key(i + 1).pubkey);
  await inStore(relay, (store) => {
    const events = Array.from({ length: 20_000 }, (_, i) =>
      unsigned({
        pubkey: authors[i % 50] ?? "",
        created_at: 1_700_000_000 + (i >> 2),
        tags: [["t", "x"]],
        kind: 1 + (i % 2),
      }),
    );
    putAll(store, events);
  });
  const sketch = new HyperLogLog("x");
  for (const author of authors) sketch.add(author);
  const a = await relay.login(alice);
  expect(await ask(a, { "#t": ["x"] })).toEqual({ count: 20_000, hll: sketch.toHex() });
  expect(await ask(a, { "#t": ["x"], kinds: [1] })).toMatchObject({ count: 10_000 });
  expect(await ask(a, { "#t": ["x"], since: 1_700_000_100, until: 1_700_000_199 })).toMatchObject({ count: 400 });
  const capped = freshRelay({ MAX_COUNT: "3" });
  const b = await capped.login(bob);
  for (let i = 0; i < 4; i++) await b.publish(unique(bob, { tags: [["t", "x"]], created_at: now() - i }));
  // R-05-38: registers of a part would be wrong.
  expect(await ask(b, { "#t": ["x"] })).toEqual({ count: 3, approximate: true });
});

test("R-05-34 counts by kind follow deletion, replacement, restart and private kinds", async () => {
  const relay = freshRelay();
  let a = await relay.login(alice);
  const [gone, stays] = [unique(alice), unique(alice)];
  for (const event of [gone, stays, unique(bob, { kind: 4 }), unique(alice, { kind: 4 })]) await a.publish(event);
  for (const step of [0, 1]) await a.publish(unique(alice, { kind: 0, created_at: now() - 9 + step }));
  const check = async (): Promise<void> => {
    expect((await ask(a, { kinds: [1] })).count).toBe(1);
    expect((await ask(a, { kinds: [0, 1, 5, 9] })).count).toBe(3);
    expect((await ask(a, { kinds: [1, 4] })).count).toBe(2);
    expect((await ask(a, {})).count).toBe(4);
  };
  await a.publish(unique(alice, { kind: 5, tags: [["e", gone.id]] }));
  await check();
  await relay.restart();
  a = await relay.login(alice);
  await check();
});
