import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { expectServed, login } from "../../support/exchange.ts";
import { alice, bob, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** An event of any shape, rightly hashed as what it is and rightly signed, so that only its shape is wrong. */
function forged(members: Record<string, unknown>): { id: string; [member: string]: unknown } {
  const event = { pubkey: alice.pubkey, created_at: now(), kind: 1, tags: [], content: "", ...members };
  const text = JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
  const id = bytesToHex(sha256(utf8ToBytes(text)));
  return { id, sig: bytesToHex(schnorr.sign(hexToBytes(id), alice.secret)), ...event };
}

async function expectRefused(event: { id: string }): Promise<void> {
  const client = await login();
  client.send(["EVENT", event]);
  expect(await client.settled()).toEqual([["OK", event.id, false, expect.stringMatching(/^invalid: ./)]]);
  expect(await client.query({})).toEqual([]);
  await expectServed(client);
}

async function expectAccepted(event: Event): Promise<Client> {
  const client = await login();
  client.send(["EVENT", event]);
  expect(await client.settled()).toEqual([["OK", event.id, true, ""]]);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  await expectServed(client);
  return client;
}

/** Signed over what a lenient relay might put in place of a missing member. */
const EMPTY = forged({ created_at: 0, kind: 0 });
const NULLS = forged({ created_at: null, kind: null, tags: null, content: null });

test.each(["pubkey", "created_at", "kind", "tags", "content", "sig"])("T-059 %s missing is invalid", async (member) => {
  for (const whole of [EMPTY, NULLS]) {
    const { [member]: _missing, ...event } = whole;
    await expectRefused(event as { id: string });
  }
});

test.each([undefined, 1, null, true, [], {}, ["x"]])("T-059 id missing or %j gets a NOTICE", async (id) => {
  const client = await login();
  client.send(["EVENT", { ...EMPTY, id }]);
  expect(await client.settled()).toEqual([["NOTICE", expect.stringMatching(/^invalid: ./)]]);
  expect(await client.query({})).toEqual([]);
  await expectServed(client);
});

const KEY = alice.pubkey;
test.each<[string, unknown]>([
  ["pubkey", 1],
  ["pubkey", null],
  ["pubkey", [KEY]],
  ["pubkey", {}],
  ["pubkey", ""],
  ["pubkey", KEY.slice(1)],
  ["pubkey", `${KEY}0`],
  ["pubkey", `0x${KEY.slice(2)}`],
  ["pubkey", `02${KEY}`],
  ["pubkey", ` ${KEY}`],
  ["pubkey", `${KEY}\n`],
  ["pubkey", "g".repeat(64)],
  ["pubkey", "npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d"],
  ["tags", null],
  ["tags", ""],
  ["tags", 0],
  ["tags", true],
  ["content", 1],
  ["content", null],
  ["content", true],
  ["content", []],
  ["content", ["x"]],
  ["content", {}],
])("T-059 %s of %j is invalid", async (member, value) => {
  await expectRefused(forged({ [member]: value }));
});

test.each([
  ["T-065", {}],
  ["T-065", [null]],
  ["T-065", [[1]]],
  ["T-059", [1]],
  ["T-059", ["t"]],
  ["T-059", [{}]],
  ["T-059", [["t", null]]],
  ["T-059", [["t", 1]]],
  ["T-059", [["t", true]]],
  ["T-059", [["t", ["x"]]]],
  ["T-059", [["t", {}]]],
  ["T-059", [[["t", "x"]]]],
  ["T-059", [["t", "x"], null]],
  [
    "T-059",
    [
      ["t", "x"],
      ["t", "x", "y", null],
    ],
  ],
  ["T-059", { 0: ["t", "x"] }],
])("%s tags of %j are invalid", async (_name, tags) => {
  await expectRefused(forged({ tags }));
});

const WHOLE = forged({ content: "hex" });
const SIG = String(WHOLE.sig);
test.each<unknown>([
  1,
  null,
  [],
  "",
  SIG.slice(1),
  SIG.slice(0, 64),
  `${SIG}0`,
  `${SIG}00`,
  ` ${SIG.slice(1)}`,
  "g".repeat(128),
])("T-059 sig of %j is invalid", async (sig) => {
  await expectRefused({ ...WHOLE, sig } as { id: string });
});

test.each(["x", "", WHOLE.id.slice(1), ` ${WHOLE.id.slice(1)}`, "g".repeat(64), "0x".padEnd(64, "0")])(
  "T-059 id of %j is echoed and invalid",
  async (id) => {
    await expectRefused({ ...WHOLE, id });
  },
);

test("T-057 uppercase id, pubkey and sig are invalid", async () => {
  await expectRefused({ ...WHOLE, id: WHOLE.id.toUpperCase() });
  await expectRefused({ ...WHOLE, sig: SIG.toUpperCase() } as { id: string });
  await expectRefused({ ...WHOLE, pubkey: KEY.toUpperCase() } as { id: string });
  // Hashed with the uppercase key, too.
  await expectRefused(forged({ pubkey: KEY.toUpperCase() }));
});

test.each<[string, string[][]]>([
  ["T-065 empty tag, tags without value", [[], ["d"], ["-x"]]],
  ["R-02-02 only empty tags", [[], []]],
  ["R-02-02 empty strings", [[""], ["", ""], ["", "", ""]]],
  ["R-02-05 e and p values that are not hex", [["e", "not hex"], ["p", ""], ["e"], ["p", KEY.toUpperCase()]]],
  ["R-02-04 many values in one tag", [["t", ...Array<string>(500).fill("x")]]],
  ["R-03-02 the same tag again and again", Array<string[]>(50).fill(["t", "x"])],
])("%s: accepted and returned as they are", async (_name, tags) => {
  await expectAccepted(signed(alice, { tags }));
});

test("R-02-02 R-02-03 empty tags and tags without value index nothing, but d has the empty value", async () => {
  const client = await expectAccepted(signed(alice, { tags: [[], [""], ["t"], ["e"], ["d"]], kind: 7 }));
  expect(await client.query({ "#t": [""], kinds: [7] })).toEqual([]);
  expect((await client.query({ "#d": [""], kinds: [7] })).length).toBe(1);
});

test("R-02-05 an e or p value that is not 64 lowercase hex never matches", async () => {
  const id = WHOLE.id.replace(/^./, "a");
  const tags = [
    ["e", id.toUpperCase()],
    ["p", bob.pubkey.toUpperCase()],
    ["e", `${id} `],
    ["p", bob.pubkey.slice(1)],
  ];
  const client = await expectAccepted(signed(alice, { kind: 7, tags }));
  expect(await client.query({ "#e": [id] })).toEqual([]);
  expect(await client.query({ "#p": [bob.pubkey] })).toEqual([]);
});

test("T-066 R-01-17 unknown members are dropped, stored and live", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await b.req("live", {});
  const event = unique(alice);
  const surplus = { foo: 1, sigs: ["x"], "": null, Id: "x", ots: { a: [1] }, length: 3 };
  a.send(["EVENT", { ...surplus, ...event }]);
  expect(await a.settled()).toEqual([["OK", event.id, true, ""]]);
  a.send(["REQ", "s", {}]);
  for (const text of [await a.nextText(), await b.nextText()]) {
    const sent = (JSON.parse(text) as [string, string, object])[2];
    expect(Object.keys(sent).sort()).toEqual(["content", "created_at", "id", "kind", "pubkey", "sig", "tags"]);
    expect(sent).toEqual(event);
  }
});

describe("sizes (R-02-04)", () => {
  const tags = (count: number) => Array.from({ length: count }, (_, i) => ["t", `${i}`]);

  test.each<[string, Partial<Event>]>([
    ["T-069 12,000 tags", { tags: tags(12_000) }],
    ["a gift wrap with 2,000 tags", { kind: 1059, tags: [["p", alice.pubkey], ...tags(1999)] }],
    ["T-069 250,000 characters", { content: "x".repeat(250_000) }],
    ["T-069 250,000 emoji", { content: "😀".repeat(250_000) }],
    [
      "a long value that is not indexed",
      {
        tags: [
          ["title", "x".repeat(2000)],
          ["t", "x", "x".repeat(2000)],
        ],
      },
    ],
  ])("%s are accepted", async (_name, members) => {
    await expectAccepted(signed(alice, members));
  });

  test("R-02-04 a contact list of 10,000 follows is stored, found by each of them, and replaced", async () => {
    const keyOf = (n: number) => n.toString(16).padStart(64, "0");
    const follows = (from: number) => Array.from({ length: 10_000 }, (_, i) => ["p", keyOf(from + i)]);
    const [older, newer] = [0, 1].map((later) =>
      signed(alice, { kind: 3, created_at: 1_700_000_000 + later, tags: follows(later) }),
    ) as [Event, Event];
    const client = await expectAccepted(older);
    for (const n of [0, 5000, 9999]) expect(await client.query({ "#p": [keyOf(n)] })).toEqual([older]);
    expect((await client.publish(newer))[2]).toBe(true);
    for (const n of [1, 10_000]) expect(await client.query({ "#p": [keyOf(n)] })).toEqual([newer]);
    expect(await client.query({ "#p": [keyOf(0)] })).toEqual([]);
  });

  test.each<[string, Partial<Event>]>([
    ["T-069 12,001 tags", { tags: tags(12_001) }],
    ["T-069 12,001 empty tags", { tags: Array<string[]>(12_001).fill([]) }],
    ["a gift wrap with 2,001 tags", { kind: 1059, tags: tags(2001) }],
    ["T-069 250,001 characters", { content: "x".repeat(250_001) }],
    ["T-069 250,001 emoji", { content: "😀".repeat(250_001) }],
  ])("%s are invalid", async (_name, members) => {
    await expectRefused(signed(alice, members));
  });
});
