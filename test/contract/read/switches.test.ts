import { expect, test } from "vitest";
import { alice, bob, now, signed, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { countOf, verdict } from "../../support/stock.ts";

// What variables switch, over a socket.

const OK = [true, ""];

async function nipsOf(relay: TestRelay): Promise<number[]> {
  const response = await relay.fetch("https://relay/", { headers: { Accept: "application/nostr+json" } });
  return ((await response.json()) as { supported_nips: number[] }).supported_nips;
}

test("T-098 R-03-06 ENABLE_AND_FILTERS: only events with all values, stored, live and counted", async () => {
  const relay = freshRelay({ ENABLE_AND_FILTERS: "true" });
  const a = await relay.login(alice);
  const tagged = (...values: string[]) => unique(alice, { tags: values.map((value) => ["t", value]) });
  const [both, x, more] = [tagged("x", "y"), tagged("x"), tagged("y", "z", "x")];
  for (const event of [both, x]) await a.publish(event);
  const filter = { "&t": ["x", "y"] };
  expect((await a.req("live", filter)).events).toEqual([both]);
  await a.publish(more);
  await a.publish(tagged("y", "z"));
  expect(await a.settled()).toEqual([["EVENT", "live", more]]);
  expect(await countOf(a, filter)).toBe(2);
  // Values of & are taken out of #: an emptied list asks for nothing.
  expect(await countOf(a, { "&t": ["x", "y"], "#t": ["x", "y"] })).toBe(2);
  expect(await a.query({ "&t": ["x", "y"], "#t": ["x", "z"] })).toEqual([more]);
  // R-03-04: an empty list is not the same as none.
  expect(await countOf(a, { "&t": [] })).toBe(0);
});

test("T-076 R-03-07 what is off is unsupported in REQ and COUNT, invalid in NEG-OPEN, and not listed", async () => {
  const relay = freshRelay({ ENABLE_SEARCH: "false" });
  const a = await relay.login(alice);
  const refused = expect.stringMatching(/^unsupported: ./);
  for (const filter of [{ search: "x" }, { "&t": ["x"] }, { kinds: [1], search: "" }]) {
    expect(await a.ask(["REQ", "s", filter])).toEqual(["CLOSED", "s", refused]);
    expect(await a.ask(["COUNT", "c", filter])).toEqual(["CLOSED", "c", refused]);
    const invalid = expect.stringMatching(/^invalid: ./);
    expect(await a.ask(["NEG-OPEN", "n", filter, "6100000200"])).toEqual(["NEG-ERR", "n", invalid]);
  }
  expect(await nipsOf(relay)).not.toContain(50);
  expect(await nipsOf(freshRelay())).toContain(50);
});

// Empty is the default: strict clients hang on a third element.
test.each(["", "false"])(
  "R-03-17 ENABLE_EOSE_HINT='%s': EOSE has two elements, and 67 is not listed",
  async (value) => {
    const relay = freshRelay({ ENABLE_EOSE_HINT: value });
    const a = await relay.login(alice);
    for (let i = 0; i < 2; i++) await a.publish(unique(alice));
    for (const filter of [{}, { limit: 1 }, { limit: 0 }, { search: "x" }]) {
      expect((await a.req("s", filter)).end).toEqual(["EOSE", "s"]);
    }
    expect(await nipsOf(relay)).not.toContain(67);
    expect(await nipsOf(freshRelay({ ENABLE_EOSE_HINT: "true" }))).toContain(67);
  },
);

test("R-05-53 AUTH_TOLERANCE is how far an AUTH event may be off", async () => {
  const relay = freshRelay({ AUTH_TOLERANCE: "30" });
  const start = now();
  for (const [off, accepted] of [
    [-29, true],
    [29, true],
    [-32, false],
    [33, false],
  ] as const) {
    const client = await relay.connect();
    const tags = [
      ["relay", "wss://nexus.openagents.com"],
      ["challenge", client.challenge],
    ];
    const event = signed(alice, { kind: 22242, created_at: now() + off, tags });
    expect([off, (await client.ask(["AUTH", event]))[2]]).toEqual([off, accepted]);
  }
  expect(now() - start).toBeLessThan(10);
});

test("R-05-75 relay discovery (NIP-66) is found by its tags of either case", async () => {
  const a = await freshRelay().login(alice);
  const tags = [
    ["d", "wss://relay.example.com/"],
    ["n", "clearnet"],
    ["N", "42"],
    ["R", "!payment"],
    ["T", "PrivateInbox"],
    ["t", "agents"],
    ["g", "u33"],
    ["k", "5050"],
  ];
  const event = unique(bob, { kind: 30166, tags });
  expect(verdict(await a.publish(event))).toEqual(OK);
  for (const [name, value] of tags) expect(await a.query({ kinds: [30166], [`#${name}`]: [value] })).toEqual([event]);
  for (const [name, value] of [
    ["n", "42"],
    ["r", "!payment"],
    ["K", "5050"],
  ]) {
    expect(await a.query({ kinds: [30166], [`#${name}`]: [value] })).toEqual([]);
  }
});

test("R-05-75 R-05-76 lists and, without groups, events of groups are events like others", async () => {
  const a = await freshRelay().login(alice);
  const tags = [
    ["h", "group"],
    ["d", "group"],
    ["previous", "00000000"],
    ["delegation", bob.pubkey, "kind=1", "0".repeat(128)],
  ];
  for (const kind of [10002, 10050, 10166, 30000, 9, 9000, 9005, 9020, 9021, 9022, 39000, 39005]) {
    const event = unique(alice, { kind, tags });
    expect([kind, verdict(await a.publish(event))]).toEqual([kind, OK]);
    expect(await a.query({ kinds: [kind], authors: [alice.pubkey] })).toEqual([event]);
  }
  // NIP-26 counts for nothing: the author is who signed.
  expect(await a.query({ authors: [bob.pubkey] })).toEqual([]);
});
