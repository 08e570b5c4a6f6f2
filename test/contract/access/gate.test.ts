import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const REASON = "auth-required: authentication required";
const NOTICE = `["NOTICE","${REASON}"]`;
const ID = "0".repeat(64);

/** Proves that nothing else came: a refused probe is the next frame. */
async function expectSilence(client: Client): Promise<void> {
  expect(await client.ask(["REQ", "probe", {}])).toEqual(["CLOSED", "probe", REASON]);
}

/** Every case ends with proof that nothing else came and that the connection still works. */
async function expectUnharmed(client: Client): Promise<void> {
  await expectSilence(client);
  expect((await client.auth(alice))[2]).toBe(true);
  expect((await client.req("after", {})).end[0]).toBe("EOSE");
}

const closed = (id: string): string => `["CLOSED",${JSON.stringify(id)},"${REASON}"]`;
const ok = (id: string): string => `["OK",${JSON.stringify(id)},false,"${REASON}"]`;
const negErr = (id: string): string => `["NEG-ERR",${JSON.stringify(id)},"${REASON}"]`;

const event = unique(alice);
const badSignature = { ...unique(alice), sig: "0".repeat(128) };
const emoji = "\u{1F600}".repeat(64);

/** Input, and the bytes of the one frame that answers it (6.2, R-06-04, R-06-05). */
const EXACT: [string, unknown, string][] = [
  ["T-004 REQ", ["REQ", "sub", {}], closed("sub")],
  ["T-004 REQ with several filters", ["REQ", "sub", { kinds: [1] }, { limit: 0 }], closed("sub")],
  ["T-004 REQ with an id of quotes and colons", ["REQ", 'a:"b"\\', {}], closed('a:"b"\\')],
  ["T-004 REQ with an id of 64 emoji", ["REQ", emoji, {}], closed(emoji)],
  ["R-06-05 REQ with a filter of wrong type", ["REQ", "sub", { ids: "x" }], closed("sub")],
  ["R-06-05 REQ with an unknown filter key", ["REQ", "sub", { foo: 1 }], closed("sub")],
  ["R-06-05 REQ with a filter that is no object", ["REQ", "sub", null], closed("sub")],
  ["R-06-05 REQ without filter", ["REQ", "sub"], closed("sub")],
  ["T-005 EVENT", ["EVENT", event], ok(event.id)],
  ["T-006 EVENT with a wrong signature", ["EVENT", badSignature], ok(badSignature.id)],
  ["R-06-05 EVENT with an id and nothing else", ["EVENT", { id: ID }], ok(ID)],
  ["R-06-05 EVENT with an id that is no hash", ["EVENT", { id: "x" }], ok("x")],
  ["R-06-05 EVENT with the id of another event", ["EVENT", { ...event, id: ID }], ok(ID)],
  ["T-007 CLOSE", ["CLOSE", "sub"], NOTICE],
  ["T-008 COUNT", ["COUNT", "query", {}], closed("query")],
  ["T-008 COUNT without filter", ["COUNT", "query"], closed("query")],
  ["T-008 R-05-45 NEG-OPEN", ["NEG-OPEN", "neg", {}, "6100000200"], negErr("neg")],
  ["T-008 R-05-45 NEG-OPEN without the rest", ["NEG-OPEN", "neg"], negErr("neg")],
  ["T-008 R-05-45 NEG-MSG", ["NEG-MSG", "neg", "61"], negErr("neg")],
  ["T-008 R-05-45 NEG-CLOSE", ["NEG-CLOSE", "neg"], NOTICE],
  ["T-009 unknown verb", ["FOO", "x"], NOTICE],
  ["T-009 verb in lower case", ["req", "sub", {}], NOTICE],
  ["T-009 verb of the relay", ["EOSE", "sub"], NOTICE],
];

test.each(EXACT)("R-06-03 %s before AUTH gets its exact refusal and nothing else", async (_name, message, answer) => {
  const client = await freshRelay().connect();
  client.send(message);
  expect(await client.nextText()).toBe(answer);
  await expectUnharmed(client);
});

/** Input that no verb or id can be taken from: a NOTICE with either prefix. */
const UNREADABLE: [string, string | Uint8Array][] = [
  ["no JSON", "hello"],
  ["an empty frame", ""],
  ["truncated JSON", '["REQ","sub"'],
  ["an object", "{}"],
  ["a number", "1"],
  ["null", "null"],
  ["an empty array", "[]"],
  ["a verb that is no string", "[1]"],
  ["EVENT without event", '["EVENT"]'],
  ["EVENT with an event without id", '["EVENT",{}]'],
  ["EVENT with an id of 10 kB", `["EVENT",{"id":"${"f".repeat(10_000)}"}]`],
  ["REQ without id", '["REQ"]'],
  ["REQ with an id that is a number", '["REQ",1,{}]'],
  ["REQ with an empty id", '["REQ","",{}]'],
  ["COUNT without id", '["COUNT"]'],
  ["CLOSE without id", '["CLOSE"]'],
  ["NEG-OPEN without id", '["NEG-OPEN"]'],
  ["a binary frame", new TextEncoder().encode('["REQ","sub",{}]')],
  ["a frame that is too large", `["REQ",["${"x".repeat(1_048_576)}"]]`],
  ["100,000 brackets", "[".repeat(100_000)],
];

test.each(UNREADABLE)("T-009 6.2 %s before AUTH gets a NOTICE and nothing else", async (_name, frame) => {
  const client = await freshRelay().connect();
  const [verb, text] = await client.ask(frame);
  expect(verb).toBe("NOTICE");
  expect(text).toMatch(/^(invalid|auth-required): ./);
  expect(String(text).length).toBeLessThan(200);
  await expectUnharmed(client);
});

/** Ids over 64 characters have two readings: named in the refusal, or not an id. */
test("M-08 REQ with an id of 65 characters before AUTH is refused", async () => {
  const client = await freshRelay().connect();
  const id = "x".repeat(65);
  const frame = await client.ask(["REQ", id, {}]);
  expect([
    ["CLOSED", id, REASON],
    ["NOTICE", REASON],
  ]).toContainEqual(frame);
  await expectUnharmed(client);
});

test("T-005 R-06-05 an event refused before AUTH is neither stored nor sent on", async () => {
  const { connect, login } = freshRelay();
  const reader = await login(bob);
  await reader.req("live", {});
  const client = await connect();
  const refused = unique(alice);
  await client.publish(refused);
  expect(await reader.settled()).toEqual([]);
  expect(await reader.query({ ids: [refused.id] })).toEqual([]);
});

test("R-06-05 R-06-31 a REQ refused before AUTH registers nothing, not even for later", async () => {
  const { connect, login } = freshRelay();
  const writer = await login(bob);
  const client = await connect();
  await client.ask(["REQ", "early", {}]);
  await writer.publish(unique(bob));
  await expectSilence(client);
  await client.auth(alice);
  await writer.publish(unique(bob));
  expect(await client.settled()).toEqual([]);
});

test("R-06-06 after a failed AUTH the whole table still applies", async () => {
  const client = await freshRelay().connect();
  const wrong = signed(alice, { kind: 22242, tags: [["challenge", "wrong"]] });
  expect((await client.ask(["AUTH", wrong]))[2]).toBe(false);
  for (const [, message, answer] of EXACT) {
    client.send(message);
    expect(await client.nextText()).toBe(answer);
  }
  await expectUnharmed(client);
});

test("R-06-06 after a successful AUTH the table never applies again", async () => {
  const client = await freshRelay().login(alice);
  const answers: string[] = [];
  for (const [, message] of EXACT) client.send(message);
  for (const frame of await client.settled()) answers.push(JSON.stringify(frame));
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.filter((answer) => answer.includes("auth-required"))).toEqual([]);
});

test("R-01-10 R-01-08 some 500 refusals before AUTH, then a NOTICE and 1008; after AUTH there is no such bound", async () => {
  const relay = freshRelay();
  const [stranger, known] = [await relay.connect(), await relay.connect()];
  for (let n = 0; n < 400; n++) expect(await known.ask(["CLOSE", "x"])).toEqual(["NOTICE", REASON]);
  expect((await known.auth(alice))[2]).toBe(true);
  for (let n = 0; n < 1000; n++) expect((await known.ask(["FOO"]))[0]).toBe("NOTICE");
  for (let n = 0; n < 600; n++) stranger.send(["CLOSE", "x"]);
  const texts: string[] = [];
  while (stranger.closed === undefined) texts.push(await stranger.nextText().catch(() => "closed"));
  expect(texts.slice(-3)).toEqual([NOTICE, '["NOTICE","auth-required: too many messages without a login"]', "closed"]);
  expect(texts.length).toBeGreaterThan(500);
  expect(stranger.closed.code).toBe(1008);
});
