import type { EventTemplate } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import { type Client, RELAY_URL } from "../../support/client.ts";
import { alice, bob, type Key, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** R-05-54: a refused AUTH may carry either prefix. */
const REFUSAL = /^(invalid|auth-required): ./;

const challenge = (value: string): string[] => ["challenge", value];
const relay = (url = RELAY_URL): string[] => ["relay", url];

function authEvent(by: Key, client: Client, template: Partial<EventTemplate> = {}): Record<string, unknown> {
  return signed(by, { kind: 22242, tags: [relay(), challenge(client.challenge)], ...template }) as never;
}

function flipped(hex: string): string {
  return (hex.startsWith("0") ? "1" : "0") + hex.slice(1);
}

/** The refusal leaves the connection unauthenticated (R-06-06), and a further attempt is allowed (R-05-54). */
async function expectRefused(client: Client, event: Record<string, unknown>): Promise<void> {
  const [verb, id, accepted, text] = await client.ask(["AUTH", event]);
  expect([verb, id, accepted]).toEqual(["OK", event.id, false]);
  expect(text).toMatch(REFUSAL);
  expect(await client.ask(["REQ", "s", {}])).toEqual(["CLOSED", "s", "auth-required: authentication required"]);
  expect((await client.auth(alice))[2]).toBe(true);
  expect((await client.req("s", {})).end[0]).toBe("EOSE");
}

async function expectAccepted(client: Client, event: Record<string, unknown>): Promise<void> {
  expect(await client.ask(["AUTH", event])).toEqual(["OK", event.id, true, ""]);
  expect((await client.req("s", {})).end[0]).toBe("EOSE");
}

describe("challenge and success", () => {
  test("T-001 R-01-02 R-06-02 the first frame is the challenge, unasked", async () => {
    const client = await freshRelay().connect();
    expect(client.challenge).toMatch(/^[\x21-\x7e]{22,}$/);
  });

  test("T-002 R-05-52 every connection has a challenge of its own", async () => {
    const { connect } = freshRelay();
    const clients = await Promise.all(Array.from({ length: 20 }, connect));
    expect(new Set(clients.map((client) => client.challenge)).size).toBe(20);
  });

  test("T-003 R-05-54 after a valid AUTH a REQ is answered", async () => {
    const client = await freshRelay().connect();
    await expectAccepted(client, authEvent(alice, client));
  });

  test("T-019 R-05-57 an AUTH event without id is accepted and answered with the id it should have", async () => {
    const client = await freshRelay().connect();
    const { id, ...rest } = authEvent(alice, client);
    expect(await client.ask(["AUTH", rest])).toEqual(["OK", id, true, ""]);
    expect((await client.req("s", {})).end[0]).toBe("EOSE");
  });

  test("R-05-57 an AUTH event without id and with a wrong signature is refused under that id", async () => {
    const client = await freshRelay().connect();
    const { id, ...rest } = authEvent(alice, client);
    const [verb, answered, accepted, text] = await client.ask(["AUTH", { ...rest, sig: flipped(String(rest.sig)) }]);
    expect([verb, answered, accepted]).toEqual(["OK", id, false]);
    expect(text).toMatch(REFUSAL);
  });

  test("T-023 R-05-56 the same AUTH event twice is accepted twice", async () => {
    const client = await freshRelay().connect();
    const event = authEvent(alice, client);
    await expectAccepted(client, event);
    await expectAccepted(client, event);
  });
});

/** What an AUTH event may be like and still pass (R-05-53, R-05-59). */
const ACCEPTED: [string, (client: Client) => Partial<EventTemplate>][] = [
  ["T-018 R-06-30 created_at 599 s ago", () => ({ created_at: now() - 599 })],
  ["T-018 R-06-30 created_at 599 s ahead", () => ({ created_at: now() + 599 })],
  ["R-05-53 any content", () => ({ content: "{}" })],
  ["R-05-53 further tags", (c) => ({ tags: [["t", "x"], [], relay(), challenge(c.challenge), ["nonce", "1", "99"]] })],
  [
    "R-05-53 an expiration that says nothing",
    (c) => ({ tags: [relay(), challenge(c.challenge), ["expiration", "soon"]] }),
  ],
  ["R-05-53 a future expiration", (c) => ({ tags: withExpiration(c, now() + 600) })],
  ["R-05-53 a second challenge tag", (c) => ({ tags: [relay(), challenge(c.challenge), challenge("other")] })],
  ["R-05-55 two relay tags, the first right", (c) => ({ tags: twoRelays(c, RELAY_URL, "wss://x.example") })],
  ["R-05-55 two relay tags, the second right", (c) => ({ tags: twoRelays(c, "wss://x.example", RELAY_URL) })],
  ["R-05-59 more content than an event may have", () => ({ content: "x".repeat(100_001) })],
  [
    "R-05-59 more tags than an event may have",
    (c) => ({ tags: [relay(), challenge(c.challenge), ...Array.from({ length: 2000 }, () => ["t", "x"])] }),
  ],
];

function withExpiration(client: Client, at: number): string[][] {
  return [relay(), challenge(client.challenge), ["expiration", String(at)]];
}

function twoRelays(client: Client, first: string, second: string): string[][] {
  return [relay(first), relay(second), challenge(client.challenge)];
}

test.each(ACCEPTED)("%s: accepted", async (_name, template) => {
  const client = await freshRelay().connect();
  await expectAccepted(client, authEvent(alice, client, template(client)));
});

const REFUSED: [string, (client: Client) => Partial<EventTemplate>][] = [
  ["T-012 R-05-53 kind 22243", () => ({ kind: 22243 })],
  ["T-012 R-05-53 kind 1", () => ({ kind: 1 })],
  ["T-012 R-05-53 kind 27235", () => ({ kind: 27235 })],
  ["T-015 R-05-53 no relay tag", (c) => ({ tags: [challenge(c.challenge)] })],
  ["R-05-53 a relay tag without value", (c) => ({ tags: [["relay"], challenge(c.challenge)] })],
  ["T-016 R-06-28 no challenge tag", () => ({ tags: [relay()] })],
  ["R-05-53 no tags", () => ({ tags: [] })],
  ["R-06-28 an empty challenge", () => ({ tags: [relay(), challenge("")] })],
  ["R-06-28 a challenge tag without value", () => ({ tags: [relay(), ["challenge"]] })],
  ["R-06-28 part of the challenge", (c) => ({ tags: [relay(), challenge(c.challenge.slice(0, -1))] })],
  ["R-06-28 the challenge and a space", (c) => ({ tags: [relay(), challenge(`${c.challenge} `)] })],
  ["R-05-53 a wrong challenge first", (c) => ({ tags: [relay(), challenge("other"), challenge(c.challenge)] })],
  ["T-018 R-06-30 created_at 602 s ago", () => ({ created_at: now() - 602 })],
  // The clock may tick between signing and checking, which brings a time ahead nearer.
  ["T-018 R-06-30 created_at 602 s ahead", () => ({ created_at: now() + 602 })],
  ["R-05-53 a past expiration", (c) => ({ tags: withExpiration(c, now() - 1) })],
];

test.each(REFUSED)("%s: refused", async (_name, template) => {
  const client = await freshRelay().connect();
  await expectRefused(client, authEvent(alice, client, template(client)));
});

test("T-016 R-06-28 the challenge of another connection is refused", async () => {
  const { connect } = freshRelay();
  const [client, other] = [await connect(), await connect()];
  await expectRefused(client, authEvent(alice, other));
});

const FORGED: [string, (event: Record<string, unknown>) => Record<string, unknown>][] = [
  ["a changed signature", (event) => ({ ...event, sig: flipped(String(event.sig)) })],
  ["a changed id", (event) => ({ ...event, id: flipped(String(event.id)) })],
  ["the id of another event", (event) => ({ ...event, id: unique(alice).id })],
  ["changed content", (event) => ({ ...event, content: "x" })],
  ["another key", (event) => ({ ...event, pubkey: bob.pubkey })],
  ["the signature of another event", (event) => ({ ...event, sig: unique(alice).sig })],
  ["no signature", ({ sig: _, ...event }) => event],
  ["an id in upper case", (event) => ({ ...event, id: `${"AB".repeat(32)}` })],
  ["a short id", (event) => ({ ...event, id: "x" })],
  ["an empty id", (event) => ({ ...event, id: "" })],
  ["an id and nothing else", ({ id }) => ({ id })],
];

test.each(FORGED)("T-017 R-06-29 an AUTH event with %s is refused", async (_name, forge) => {
  const client = await freshRelay().connect();
  await expectRefused(client, forge(authEvent(alice, client)));
});

const SAME_URL = [
  "wss://nexus.openagents.com",
  "wss://nexus.openagents.com/",
  "wss://NEXUS.OpenAgents.com",
  "WSS://nexus.openagents.com",
  "wss://nexus.openagents.com:443",
  "wss://nexus.openagents.com:443/",
  "ws://nexus.openagents.com",
  "ws://nexus.openagents.com:80/",
  "https://nexus.openagents.com",
  "http://nexus.openagents.com/",
  "wss://nexus.openagents.com?x=1",
  "wss://nexus.openagents.com/#top",
];

test.each(SAME_URL)("T-013 R-05-55 R-06-27 the relay tag may be %s", async (url) => {
  const client = await freshRelay().connect();
  expect((await client.auth(alice, url))[2]).toBe(true);
});

const OTHER_URL = [
  "wss://nexus.openagents.com//",
  "wss://relay.example.com",
  "wss://nexus.openagents.com.example.com",
  "wss://x.nexus.openagents.com",
  "wss://openagents.com",
  "wss://nexus.openagents.com:8443",
  "wss://nexus.openagents.com/ws",
  "wss://relay.example.com/?wss://nexus.openagents.com",
  "ftp://nexus.openagents.com",
  "nexus.openagents.com",
  "wss://",
  "",
];

test.each(OTHER_URL)("T-015 R-06-27 the relay tag may not be '%s'; the refusal names the right one", async (url) => {
  const client = await freshRelay().connect();
  const event = authEvent(alice, client, { tags: [relay(url), challenge(client.challenge)] });
  const [, , accepted, text] = await client.ask(["AUTH", event]);
  expect(accepted).toBe(false);
  expect(text).toMatch(REFUSAL);
  expect(text).toContain(RELAY_URL);
  expect((await client.auth(alice))[2]).toBe(true);
});

const LONG = "f".repeat(10_000);

const NO_EVENT: [string, unknown][] = [
  ['["AUTH"]', ["AUTH"]],
  ['["AUTH","x"]', ["AUTH", "x"]],
  ['["AUTH",null]', ["AUTH", null]],
  ['["AUTH",[]]', ["AUTH", []]],
  ['["AUTH",{}]', ["AUTH", {}]],
  ["an id that is a number", ["AUTH", { ...unique(alice, { kind: 22242 }), id: 1 }]],
  ["an id of 10 kB", ["AUTH", { ...unique(alice, { kind: 22242 }), id: LONG }]],
];

test.each(NO_EVENT)("T-025 T-055 R-01-14 M-12 AUTH without a usable event gets a NOTICE: %s", async (_name, frame) => {
  const client = await freshRelay().connect();
  const text = await client.ask(frame);
  expect(text).toEqual(["NOTICE", expect.stringMatching(REFUSAL)]);
  expect(String(text[1]).length).toBeLessThan(200);
  expect(text[1]).not.toContain(LONG.slice(0, 129));
  expect((await client.auth(alice))[2]).toBe(true);
  expect(await client.ask(frame)).toEqual(["NOTICE", expect.stringMatching(/^invalid: ./)]);
  expect(await client.settled()).toEqual([]);
});

test("T-020 R-06-06 after a failed AUTH the gate is still shut; the right AUTH opens it", async () => {
  const client = await freshRelay().connect();
  await expectRefused(client, authEvent(alice, client, { tags: [relay(), challenge("wrong")] }));
});
