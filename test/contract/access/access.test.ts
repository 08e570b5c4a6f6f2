import { describe, expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, carol, key, signed, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { type Entry, enlist, storedEvents, verdict } from "../../support/stock.ts";

const RELAY_KEY = "7".repeat(64);
const admin = key(9);

async function relayListing(variables: Record<string, string>, ...entries: Entry[]): Promise<TestRelay> {
  const relay = freshRelay(variables);
  await enlist(relay, ...entries);
  return relay;
}

/** What a connection is told when it reads: the verb, and the prefix of a refusal. */
async function reading(client: Client): Promise<Record<string, unknown>> {
  const prefix = (frame: Frame, at: number) => [frame[0], String(frame[at] ?? "").split(":")[0]];
  const req = await client.ask(["REQ", "read", { limit: 0 }]);
  const count = await client.ask(["COUNT", "count", {}]);
  const sync = await client.ask(["NEG-OPEN", "sync", {}, "6100000200"]);
  client.send(["CLOSE", "read"]);
  client.send(["NEG-CLOSE", "sync"]);
  return {
    req: req[0] === "EOSE" ? "yes" : prefix(req, 2)[1],
    count: count[0] === "COUNT" ? "yes" : prefix(count, 2)[1],
    sync: sync[0] === "NEG-MSG" ? "yes" : prefix(sync, 2)[1],
  };
}

const READS = { req: "yes", count: "yes", sync: "yes" };
const REFUSED = { req: "restricted", count: "restricted", sync: "restricted" };
const BANNED = { req: "blocked", count: "blocked", sync: "blocked" };

const writing = async (client: Client, by = alice) => verdict(await client.publish(unique(by)));

describe("who is let in", () => {
  test.each<[string, Record<string, string>, Entry[], string[], string[]]>([
    // Variables, lists, who may read, who may write: of a (alice), b (bob), o (the operator).
    ["by default everybody", {}, [], ["a", "b", "o"], ["a", "b", "o"]],
    ["an allow list without a mode counts", {}, [["allowed-pubkey", alice.pubkey]], ["a", "o"], ["a", "o"]],
    [
      "it lets members in besides",
      { RELAY_SECRET_KEY: RELAY_KEY },
      [
        ["allowed-pubkey", bob.pubkey],
        ["member", alice.pubkey, "[]"],
      ],
      ["a", "b", "o"],
      ["a", "b", "o"],
    ],
    [
      "authenticated means everybody, whatever the list",
      { READ_ACCESS: "authenticated" },
      [["allowed-pubkey", alice.pubkey]],
      ["a", "b", "o"],
      ["a", "o"],
    ],
    [
      "open means everybody, whatever the list",
      { READ_ACCESS: "open" },
      [["allowed-pubkey", alice.pubkey]],
      ["a", "b", "o"],
      ["a", "o"],
    ],
    ["an allow list that was used counts when it is empty", {}, [["setting", "closed"]], ["o"], ["o"]],
    ["allowed with an empty list means operators only", { WRITE_ACCESS: "allowed" }, [], ["a", "b", "o"], ["o"]],
    [
      "allowed does not mean members",
      { READ_ACCESS: "allowed", WRITE_ACCESS: "allowed" },
      [
        ["member", alice.pubkey, "[]"],
        ["allowed-pubkey", bob.pubkey],
      ],
      ["b", "o"],
      ["b", "o"],
    ],
    [
      "members does not mean the allow list",
      { READ_ACCESS: "members", WRITE_ACCESS: "members", RELAY_SECRET_KEY: RELAY_KEY },
      [
        ["member", alice.pubkey, "[]"],
        ["allowed-pubkey", bob.pubkey],
      ],
      ["a", "o"],
      ["a", "o"],
    ],
    [
      "who was a member is let in no more by a relay that keeps none",
      { READ_ACCESS: "members" },
      [
        ["member", alice.pubkey, "[]"],
        ["allowed-pubkey", bob.pubkey],
      ],
      ["o"],
      ["b", "o"],
    ],
    [
      "an admin by grant is let in",
      { READ_ACCESS: "members", WRITE_ACCESS: "members" },
      [["admin", bob.pubkey, "[]"]],
      ["b", "o"],
      ["b", "o"],
    ],
    [
      "read and write apart",
      { READ_ACCESS: "members", WRITE_ACCESS: "allowed", RELAY_SECRET_KEY: RELAY_KEY },
      [
        ["member", alice.pubkey, "[]"],
        ["allowed-pubkey", bob.pubkey],
      ],
      ["a", "o"],
      ["b", "o"],
    ],
  ])("R-05-58 %s", async (_name, variables, entries, readers, writers) => {
    const relay = await relayListing({ RELAY_PUBKEY: admin.pubkey, ...variables }, ...entries);
    for (const [name, who] of [
      ["a", alice],
      ["b", bob],
      ["o", admin],
    ] as const) {
      const client = await relay.login(who);
      expect([name, await reading(client)]).toEqual([name, readers.includes(name) ? READS : REFUSED]);
      const expected = writers.includes(name) ? [true, ""] : [false, "restricted"];
      expect([name, await writing(client, carol)]).toEqual([name, expected]);
    }
  });

  test("R-05-58 R-05-56 one allowed key on a connection is enough, and a key that is added later counts at once", async () => {
    const relay = await relayListing({}, ["allowed-pubkey", alice.pubkey]);
    const client = await relay.login(bob);
    expect(await reading(client)).toEqual(REFUSED);
    expect((await client.auth(alice))[2]).toBe(true);
    expect(await reading(client)).toEqual(READS);
    expect(await writing(client, bob)).toEqual([true, ""]);
  });

  test("R-05-29 who may not read does not learn from a duplicate what is stored", async () => {
    const relay = await relayListing({}, ["allowed-pubkey", alice.pubkey]);
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    const event = unique(alice);
    expect(verdict(await a.publish(event))).toEqual([true, ""]);
    expect(verdict(await b.publish(event))).toEqual([false, "restricted"]);
    expect(verdict(await b.publish(unique(alice)))).toEqual([false, "restricted"]);
  });

  test("R-06-07 without AUTH_REQUIRED an unknown reader of a closed relay is asked to log in", async () => {
    const relay = await relayListing({ AUTH_REQUIRED: "false", READ_ACCESS: "allowed" }, [
      "allowed-pubkey",
      alice.pubkey,
    ]);
    const client = await relay.connect();
    expect((await reading(client)).req).toBe("auth-required");
    expect(await writing(client)).toEqual([false, "auth-required"]);
    await client.auth(alice);
    expect(await reading(client)).toEqual(READS);
  });
});

test("R-06-07 R-05-58 without AUTH_REQUIRED 'authenticated' still means whoever has logged in", async () => {
  const relay = freshRelay({
    AUTH_REQUIRED: "false",
    READ_ACCESS: "authenticated",
    WRITE_ACCESS: "authenticated",
  });
  const client = await relay.connect();
  const asked = "auth-required";
  expect(await reading(client)).toEqual({ req: asked, count: asked, sync: asked });
  expect(await writing(client)).toEqual([false, asked]);
  await client.auth(alice);
  expect(await reading(client)).toEqual(READS);
  expect(await writing(client)).toEqual([true, ""]);
});

test.each<[Record<string, string>, Entry[], { read: string; write: string }]>([
  [{}, [], { read: "every key that logs in", write: "every key that logs in" }],
  [
    { AUTH_REQUIRED: "false", WRITE_ACCESS: "authenticated" },
    [],
    { read: "everybody, without a login", write: "every key that logs in" },
  ],
  [
    { READ_ACCESS: "open" },
    [["allowed-pubkey", alice.pubkey]],
    { read: "every key that logs in", write: "keys on the allow list and admins" },
  ],
  [
    { WRITE_ACCESS: "members", RELAY_SECRET_KEY: RELAY_KEY },
    [["setting", "closed"]],
    { read: "keys on the allow list, members and admins", write: "members and admins" },
  ],
  [
    { READ_ACCESS: "allowed", WRITE_ACCESS: "members" },
    [],
    { read: "keys on the allow list and admins", write: "admins only, since the relay keeps no members" },
  ],
])("R-08-02 NIP-11 and the page say who may read and publish: %j", async (variables, entries, access) => {
  const relay = await relayListing(variables, ...entries);
  const response = await relay.fetch("/", { headers: { Accept: "application/nostr+json" } });
  expect(await response.json()).toMatchObject({ access });
  const page = await (await relay.fetch("/")).text();
  expect(page).toContain(`Who may read: ${access.read}. Who may publish: ${access.write}.`);
});

describe("bans", () => {
  test("T-129 R-05-58 a banned key may log in, and neither reads nor writes; its events come from nobody", async () => {
    const relay = await relayListing({}, ["banned-pubkey", carol.pubkey, "spam"]);
    const [a, c] = [await relay.login(alice), await relay.login(carol)];
    expect(await reading(c)).toEqual(BANNED);
    expect(await writing(c, carol)).toEqual([false, "blocked"]);
    expect(await writing(c, alice)).toEqual([false, "blocked"]);
    expect(await writing(a, carol)).toEqual([false, "blocked"]);
    expect(await writing(a, alice)).toEqual([true, ""]);
  });

  test("R-05-58 a banned key on a connection spoils it, and what it had open ends", async () => {
    const relay = await relayListing({}, ["banned-pubkey", carol.pubkey]);
    const client = await relay.login(alice);
    await client.req("open", { kinds: [1] });
    client.send(["AUTH", client.authEvent(carol)]);
    const frames = [await client.next(), await client.next()];
    expect(frames.map(([verb]) => verb).sort()).toEqual(["CLOSED", "OK"]);
    expect(frames.find(([verb]) => verb === "CLOSED")?.slice(1)).toEqual(["open", "blocked: this key is banned"]);
    expect(await reading(client)).toEqual(BANNED);
  });

  test("T-117 R-05-22 a banned key's request to vanish is honoured", async () => {
    const relay = freshRelay();
    const c = await relay.login(carol);
    for (let i = 0; i < 3; i++) expect(await writing(c, carol)).toEqual([true, ""]);
    await relay.restart();
    await enlist(relay, ["banned-pubkey", carol.pubkey]);
    await relay.restart();
    const request = signed(carol, { kind: 62, tags: [["relay", "ALL_RELAYS"]] });
    expect(verdict(await c.publish(request))).toEqual([true, ""]);
    await relay.ring();
    expect(await storedEvents(relay)).toBe(0);
  });

  test("R-05-73 events of a key that is being erased are hidden at once and removed in the background", async () => {
    const relay = freshRelay();
    const [a, c] = [await relay.login(alice), await relay.login(carol)];
    for (let i = 0; i < 5; i++) expect(await writing(c, carol)).toEqual([true, ""]);
    expect(await writing(a, alice)).toEqual([true, ""]);
    await relay.restart();
    await enlist(relay, ["banned-pubkey", carol.pubkey], ["erasing", carol.pubkey]);
    await relay.restart();
    expect((await a.query({})).map(({ pubkey }) => pubkey)).toEqual([alice.pubkey]);
    expect((await a.ask(["COUNT", "n", {}]))[2]).toMatchObject({ count: 1 });
    await relay.ring();
    expect(await storedEvents(relay)).toBe(1);
    expect((await a.query({})).length).toBe(1);
  });

  test("R-05-73 a banned event is refused, whoever hands it in", async () => {
    const event = unique(alice);
    const relay = await relayListing({}, ["banned-event", event.id, "illegal"]);
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    for (const client of [a, b]) expect(verdict(await client.publish(event))).toEqual([false, "blocked"]);
    expect(await a.query({ ids: [event.id] })).toEqual([]);
  });
});

describe("kinds", () => {
  test("R-05-73 disallowed kinds are blocked, stored or passed on", async () => {
    const relay = await relayListing({}, ["disallowed-kind", "7"], ["disallowed-kind", "20001"]);
    const a = await relay.login(alice);
    for (const kind of [7, 20001])
      expect(verdict(await a.publish(unique(alice, { kind })))).toEqual([false, "blocked"]);
    expect(verdict(await a.publish(unique(alice)))).toEqual([true, ""]);
  });

  test("R-05-73 R-05-22 ALLOWED_KINDS shuts out all others but those that management allows, and a request to vanish", async () => {
    const relay = await relayListing({ ALLOWED_KINDS: "1,5050" }, ["allowed-kind", "7"], ["disallowed-kind", "5050"]);
    const a = await relay.login(alice);
    const accepted: number[] = [];
    for (const kind of [0, 1, 7, 5050, 30023]) {
      const [isAccepted, prefix] = verdict(await a.publish(unique(alice, { kind })));
      if (isAccepted) accepted.push(kind);
      else expect(prefix).toBe("blocked");
    }
    expect(accepted).toEqual([1, 7]);
    const request = signed(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] });
    expect(verdict(await a.publish(request))).toEqual([true, ""]);
  });
});
