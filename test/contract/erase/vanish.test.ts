import { afterEach, expect, test, vi } from "vitest";
import { alice, bob, carol, type Key, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import {
  countOf,
  inStore,
  lookUp,
  putAll,
  relayHolding,
  stock,
  storedEvents,
  unsigned,
  verdict,
} from "../../support/stock.ts";

afterEach(() => void vi.useRealTimers());

const AT = now() - 1000;
const OK = [true, ""];
const BLOCKED = [false, "blocked"];

const vanishing = (by: Key, relays: string[] = ["ALL_RELAYS"], created_at = AT) =>
  unique(by, { kind: 62, created_at, tags: relays.map((relay) => ["relay", relay]) });

const wrapFor = (to: Key, created_at = AT) =>
  unsigned({ pubkey: "9".repeat(64), kind: 1059, created_at, tags: [["p", to.pubkey]] });

test.each([
  "ALL_RELAYS",
  "wss://nexus.openagents.com",
  "wss://nexus.openagents.com/",
  "WSS://Nexus.OpenAgents.com:443/",
])("T-116 R-05-18 R-05-20 R-05-21 the relay '%s' means this one", async (name) => {
  const relay = await relayHolding(
    unsigned({ pubkey: alice.pubkey, created_at: AT }),
    unsigned({ pubkey: alice.pubkey, created_at: AT + 1 }),
    unsigned({ pubkey: alice.pubkey, created_at: AT - 500, kind: 0 }),
    unsigned({ pubkey: bob.pubkey, created_at: AT - 1, tags: [["p", alice.pubkey]] }),
    wrapFor(alice),
    wrapFor(alice, AT + 1),
    wrapFor(bob),
  );
  const a = await relay.login(alice, bob);
  const request = vanishing(alice, ["wss://elsewhere.example", name]);
  expect(verdict(await a.publish(request))).toEqual(OK);
  const seen = async () =>
    (await a.query({})).map(({ kind, created_at, pubkey }) => [kind, created_at, pubkey === alice.pubkey]);
  const expected = [
    [1, AT + 1, true],
    [1059, AT + 1, false],
    [62, AT, true],
    [1059, AT, false],
    [1, AT - 1, false],
  ];
  expect((await seen()).sort()).toEqual(expected.sort());
  await relay.ring();
  expect((await seen()).sort()).toEqual(expected.sort());
  expect(await storedEvents(relay)).toBe(5);
});

test("T-116 R-05-21 what is handed in again is blocked, erased or not; newer is accepted", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const note = unique(alice, { created_at: AT });
  const wrap = unique(carol, { kind: 1059, created_at: AT, tags: [["p", alice.pubkey]] });
  const older = vanishing(alice, ["ALL_RELAYS"], AT - 9);
  for (const event of [note, wrap, older]) await a.publish(event);
  const request = vanishing(alice);
  await a.publish(request);
  for (let round = 0; round < 2; round++) {
    for (const event of [note, wrap, older, unique(alice, { created_at: AT })]) {
      expect(verdict(await a.publish(event))).toEqual(BLOCKED);
    }
    expect(verdict(await a.publish(request))).toEqual([true, "duplicate"]);
    expect(verdict(await a.publish(unique(alice, { created_at: AT + 1 })))).toEqual(OK);
    expect(await countOf(a, { kinds: [62] })).toBe(1);
    await relay.ring();
    await relay.restart();
    await a.settled();
  }
  expect(await a.query({ ids: [note.id, wrap.id, older.id] })).toEqual([]);
});

test.each([
  ["another relay", [["relay", "wss://other.example.com"]]],
  ["another path", [["relay", "wss://nexus.openagents.com/x"]]],
  ["another case of ALL_RELAYS", [["relay", "all_relays"]]],
  ["no relay", []],
  ["a relay without value", [["relay"]]],
  ["the name in another tag", [["r", "ALL_RELAYS"]]],
])("T-117 R-05-19 a request that names %s is invalid and erases nothing", async (_name, tags) => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const note = unique(alice, { created_at: AT });
  await a.publish(note);
  expect(verdict(await a.publish(unique(alice, { kind: 62, tags })))).toEqual([false, "invalid"]);
  expect(await a.query({})).toEqual([note]);
  expect(verdict(await a.publish(unique(alice, { created_at: AT })))).toEqual(OK);
});

test("R-05-20 kind 5 and its own older requests go too, tombstones stay", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const target = unique(alice, { created_at: AT + 50 });
  await a.publish(unique(alice, { kind: 5, created_at: AT - 5, tags: [["e", target.id]] }));
  await a.publish(vanishing(alice, ["ALL_RELAYS"], AT - 3));
  const request = vanishing(alice);
  await a.publish(request);
  expect(await a.query({})).toEqual([request]);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(1);
  expect(verdict(await a.publish(target))).toEqual(BLOCKED);
});

test("R-05-22 it is honoured from any login, without the work that others need; with full storage too", async () => {
  const relay = freshRelay({ MIN_POW: "200" });
  const b = await relay.login(bob);
  expect(verdict(await b.publish(unique(alice)))).toEqual([false, "pow"]);
  expect(verdict(await b.publish(vanishing(alice)))).toEqual(OK);
  const forged = { ...vanishing(carol), content: "forged" };
  expect(verdict(await b.publish(forged))).toEqual([false, "invalid"]);
  const c = await relay.connect();
  expect(verdict(await c.publish(vanishing(carol)))).toEqual([false, "auth-required"]);
});

test("R-02-12 who has vanished is blocked before the kind is looked at", async () => {
  const a = await freshRelay().login(alice);
  expect(verdict(await a.publish(vanishing(alice)))).toEqual(OK);
  const handler = unique(alice, { kind: 31990, created_at: AT - 10 });
  expect(verdict(await a.publish(handler))).toEqual(BLOCKED);
  expect(verdict(await a.publish(vanishing(alice, ["wss://elsewhere.example"], AT - 10)))).toEqual(BLOCKED);
  expect(verdict(await a.publish(vanishing(alice, ["wss://elsewhere.example"], AT + 10)))).toEqual([false, "invalid"]);
});

test("R-05-20 a later request goes further, an earlier one no less", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const note = unique(alice, { created_at: AT + 5 });
  await a.publish(vanishing(alice, ["ALL_RELAYS"], AT));
  expect(verdict(await a.publish(note))).toEqual(OK);
  const later = vanishing(alice, ["ALL_RELAYS"], AT + 10);
  await a.publish(later);
  expect(verdict(await a.publish(vanishing(alice, ["ALL_RELAYS"], AT + 3)))).toEqual(BLOCKED);
  await relay.ring();
  expect(await a.query({})).toEqual([later]);
  expect(verdict(await a.publish(unique(alice, { created_at: AT + 10 })))).toEqual(BLOCKED);
});

test("R-05-20 R-01-10 an answer that is under way when its author vanishes stops showing the author", async () => {
  const relay = freshRelay();
  await inStore(relay, (store) => {
    putAll(
      store,
      Array.from({ length: 4000 }, (_, i) => unsigned({ pubkey: alice.pubkey, created_at: AT - i })),
    );
  });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const request = vanishing(alice);
  b.send(["REQ", "s", { kinds: [1], limit: 4000 }]);
  a.send(["EVENT", request]);
  // Whatever follows the request has it committed at once, while the answer has pages to go.
  a.send(["COUNT", "c", { kinds: [9] }]);
  let count = 0;
  for (;;) {
    const frame = await b.next();
    if (frame[0] === "EOSE") break;
    count++;
  }
  expect(verdict(await a.until(([verb]) => verb === "OK"))).toEqual(OK);
  expect(await countOf(b, { kinds: [1] })).toBe(0);
  expect(count).toBeLessThan(4000);
});

test("R-05-20 two who vanish at the same time, and a wrap from one to the other", async () => {
  const relay = await relayHolding(
    unsigned({ pubkey: alice.pubkey, created_at: AT }),
    unsigned({ pubkey: bob.pubkey, created_at: AT }),
    unsigned({
      pubkey: alice.pubkey,
      kind: 1059,
      created_at: AT,
      tags: [
        ["p", bob.pubkey],
        ["p", alice.pubkey],
      ],
    }),
    unsigned({ pubkey: carol.pubkey, created_at: AT }),
  );
  const a = await relay.login(alice, bob);
  for (const event of [vanishing(alice), vanishing(bob)]) a.send(["EVENT", event]);
  expect([verdict(await a.next()), verdict(await a.next())]).toEqual([OK, OK]);
  expect(await countOf(a, { kinds: [1, 1059], since: 0 })).toBe(1);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(3);
  expect(verdict(await a.publish(signed(alice, { created_at: AT })))).toEqual(BLOCKED);
});

test("T-116 R-05-18 an alias of the relay means it too", async () => {
  const relay = freshRelay({ RELAY_URL_ALIASES: "wss://alias.example.com/nostr" });
  const a = await relay.login(alice);
  await a.publish(unique(alice, { created_at: AT }));
  expect(verdict(await a.publish(vanishing(alice, ["wss://alias.example.com/"])))).toEqual([false, "invalid"]);
  expect(verdict(await a.publish(vanishing(alice, ["WSS://Alias.Example.com:443/nostr/"])))).toEqual(OK);
  expect(await countOf(a, { kinds: [1] })).toBe(0);
});

test.each<Record<string, string>>([
  { WRITE_ACCESS: "allowed", READ_ACCESS: "allowed" },
  { WRITE_ACCESS: "members", READ_ACCESS: "members", RELAY_SECRET_KEY: "7".repeat(64) },
])("T-117 R-05-22 R-05-58 who may neither read nor write is heard all the same, %j", async (variables) => {
  const relay = freshRelay(variables);
  await stock(relay, [unsigned({ pubkey: alice.pubkey, created_at: AT })]);
  const a = await relay.login(alice);
  expect(verdict(await a.publish(unique(alice)))).toEqual([false, "restricted"]);
  expect(verdict(await a.publish(vanishing(alice)))).toEqual(OK);
  await relay.ring();
  expect(await lookUp(relay, "SELECT count(*) FROM event WHERE kind = 1")).toBe(0);
});
