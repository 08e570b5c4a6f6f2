import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { alice, bob, carol, signed } from "../support/keys.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";
import { relayHolding, unsigned } from "./stocked.ts";

// What comes while the set of a sync is being collected.

/** Asks for all ids. */
const OPENING = "6100000200";
const many = (count: number, template = {}) =>
  Array.from({ length: count }, (_, n) =>
    unsigned({ created_at: 1_600_000_000 + n, tags: [["d", `${n}`]], ...template }),
  );

async function idsOf(client: Client): Promise<string> {
  return String((await client.until(([verb]) => verb === "NEG-MSG", 20_000))[2]);
}

test("R-01-09 R-05-43 a NEG-OPEN is answered before a malformed NEG-MSG", async () => {
  const relay = await relayHolding(...many(5000));
  const a = await relay.login(alice);
  await receiveTogether(relay.stub, [
    [a, ["NEG-OPEN", "n", { kinds: [1] }, OPENING]],
    [a, ["NEG-MSG", "n", "zz"]],
  ]);
  expect([await a.next(), await a.next()].map(([verb]) => verb)).toEqual(["NEG-MSG", "NEG-ERR"]);
  expect((await a.ask(["NEG-MSG", "n", OPENING]))[2]).toMatch(/^closed: /);
});

test("R-05-42 a key that is added while a NEG-OPEN waits for its place does not count", async () => {
  const wrap = unsigned({ kind: 1059, pubkey: "2".repeat(64), tags: [["p", bob.pubkey]] });
  const relay = await relayHolding(...many(20_000), wrap);
  const [a, b] = [await relay.login(alice), await relay.login(carol)];
  const busy = Array.from({ length: 4 }, (_, n): Arrival => [b, ["NEG-OPEN", `${n}`, { kinds: [1] }, OPENING]]);
  await receiveTogether(relay.stub, [
    ...busy,
    [a, ["NEG-OPEN", "n", { kinds: [7, 1059] }, OPENING]],
    [a, ["AUTH", a.authEvent(bob)]],
  ]);
  expect(await idsOf(a)).not.toContain(wrap.id);
});

test("R-05-42 R-04-03 of an address that is replaced meanwhile one version is in the set", async () => {
  const kind = 30_000;
  const older = unsigned({ kind, pubkey: alice.pubkey, created_at: 1_500_000_000, tags: [["d", "v"]] });
  const newer = signed(alice, { kind, created_at: 1_500_000_001, tags: [["d", "v"]] });
  const relay = await relayHolding(...many(20_000, { kind }), older);
  const a = await relay.login(alice);
  await receiveTogether(relay.stub, [
    [a, ["NEG-OPEN", "n", { kinds: [kind] }, OPENING]],
    [a, ["EVENT", newer]],
  ]);
  const ids = await idsOf(a);
  expect(ids.includes(older.id) !== ids.includes(newer.id)).toBe(true);
});
