import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { expectServed } from "../../support/exchange.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** The text of `depth` arrays inside one another. */
function arrays(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function objects(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

/** Sends raw text on a connection of its own, and returns all that came back, within a second (T-048). */
async function provoke(text: string): Promise<{ client: Client; frames: Frame[] }> {
  const client = await freshRelay().login(alice);
  await client.req("open", { kinds: [7] });
  const start = Date.now();
  client.send(text);
  const frames = await client.settled();
  expect(Date.now() - start).toBeLessThan(1000);
  return { client, frames };
}

const NOTICE_INVALID = [["NOTICE", expect.stringMatching(/^invalid: ./)]];

test.each([
  ["T-048 100,000 × [", "[".repeat(100_000)],
  ["100,000 × [ closed again", arrays(100_000)],
  ["500,000 × [", "[".repeat(500_000)],
  ["260,000 × [ closed again", arrays(260_000)],
  ['80,000 × {"a":', '{"a":'.repeat(80_000)],
  ['80,000 × {"a": closed again', objects(80_000)],
  ["a verb 50 deep", `[${arrays(50)},"s",{}]`],
  ["a REQ id 50 deep", `["REQ",${arrays(50)},{}]`],
  ["a CLOSE id 50 deep", `["CLOSE",${arrays(50)}]`],
  ["an EVENT 50 deep", `["EVENT",${arrays(50)}]`],
  ["an EVENT id 50 deep", `["EVENT",{"id":${arrays(50)}}]`],
  ["an AUTH 100,000 deep", `["AUTH",${arrays(100_000)}]`],
])("M-16 %s is answered with a NOTICE", async (_name, text) => {
  const { client, frames } = await provoke(text);
  expect(frames).toEqual(NOTICE_INVALID);
  await expectServed(client);
});

test.each(["REQ", "COUNT"])("M-16 %s with a filter nested deep is refused", async (verb) => {
  for (const depth of [9, 50, 100_000]) {
    for (const filter of [
      arrays(depth),
      `{"kinds":${arrays(depth)}}`,
      `{"ids":${arrays(depth)}}`,
      `{"#t":${arrays(depth)}}`,
      `{"limit":${arrays(depth)}}`,
      `{"since":${arrays(depth)}}`,
      `{"foo":${arrays(depth)}}`,
      `{"__proto__":${arrays(depth)}}`,
    ]) {
      const { client, frames } = await provoke(`["${verb}","s",${filter}]`);
      const [[answer, id, reason] = []] = frames;
      expect(frames.length, filter.slice(0, 40)).toBe(1);
      if (answer === "CLOSED") expect([id, reason]).toEqual(["s", expect.stringMatching(/^(invalid|unsupported): ./)]);
      else expect(frames).toEqual(NOTICE_INVALID);
      await expectServed(client);
    }
  }
});

test.each(["tags", "content", "pubkey", "sig", "kind", "created_at"])(
  "M-16 T-049 an event whose %s is nested deep is refused",
  async (member) => {
    for (const depth of [9, 50, 100_000]) {
      const event = unique(alice);
      const text = JSON.stringify(["EVENT", { ...event, [member]: 0 }]);
      for (const value of [arrays(depth), `[["t",${arrays(depth)}]]`]) {
        const { client, frames } = await provoke(text.replace(`"${member}":0`, `"${member}":${value}`));
        expect(frames).toEqual([["OK", event.id, false, expect.stringMatching(/^invalid: ./)]]);
        expect(await client.query({ ids: [event.id] })).toEqual([]);
        await expectServed(client);
      }
    }
  },
);

/** Text of an EVENT, otherwise valid, with an unknown member. */
function withMember(event: object, value: string): string {
  return `["EVENT",${JSON.stringify(event).slice(0, -1)},"foo":${value}}]`;
}

test.each([
  ["arrays, the 9th level", arrays(7)],
  ["objects, the 9th level", objects(7)],
  ["50 arrays", arrays(50)],
  ["50 objects", objects(50)],
  ["100,000 arrays", arrays(100_000)],
])("M-16 an otherwise valid event with an unknown member of %s is refused", async (_name, value) => {
  const event = unique(alice);
  const { client, frames } = await provoke(withMember(event, value));
  if (frames[0]?.[0] === "NOTICE") expect(frames).toEqual(NOTICE_INVALID);
  else expect(frames).toEqual([["OK", event.id, false, expect.stringMatching(/^invalid: ./)]]);
  expect(await client.query({ ids: [event.id] })).toEqual([]);
  await expectServed(client);
});

test("M-16 R-01-17 an unknown member that nests to the 8th level is dropped, the event accepted", async () => {
  for (const value of [arrays(6), objects(6), '{"a":[{"b":[["c",[]]]}]}']) {
    const event = unique(alice);
    const { client, frames } = await provoke(withMember(event, value));
    expect(frames).toEqual([["OK", event.id, true, ""]]);
    expect(await client.query({ ids: [event.id] })).toEqual([event]);
  }
});

/**
 * Surplus is ignored (R-01-11) and deep nesting answered by NOTICE or the typed reply (M-16): each is right for surplus
 * nested deep, but never both, and never more than one frame.
 */
test.each([9, 50, 100_000])("M-16 surplus of CLOSE, %i deep: silence or one NOTICE", async (depth) => {
  const { client, frames } = await provoke(`["CLOSE","open",${arrays(depth)}]`);
  if (frames.length > 0) expect(frames).toEqual(NOTICE_INVALID);
  await expectServed(client);
});

test.each([9, 50, 100_000])("M-16 surplus of EVENT, %i deep: one OK or one NOTICE", async (depth) => {
  const event = unique(alice);
  const { client, frames } = await provoke(`["EVENT",${JSON.stringify(event)},${arrays(depth)}]`);
  const [[verb, id, accepted] = []] = frames;
  expect(frames.length).toBe(1);
  if (verb === "NOTICE") expect(frames).toEqual(NOTICE_INVALID);
  else expect([verb, id]).toEqual(["OK", event.id]);
  // What is said is what was done.
  expect(await client.query({ ids: [event.id] })).toEqual(verb === "OK" && accepted === true ? [event] : []);
  await expectServed(client);
});

test.each([9, 50, 100_000])("M-16 surplus of AUTH, %i deep: one OK or one NOTICE", async (depth) => {
  const client = await freshRelay().login(alice);
  const auth = client.authEvent(bob);
  client.send(`["AUTH",${JSON.stringify(auth)},${arrays(depth)}]`);
  const frames = await client.settled();
  expect(frames.length).toBe(1);
  if (frames[0]?.[0] === "NOTICE") expect(frames).toEqual(NOTICE_INVALID);
  else expect(frames[0]?.slice(0, 2)).toEqual(["OK", auth.id]);
  await expectServed(client);
});

test.each([9, 50, 100_000])("M-16 NEG messages with parts %i deep: one NEG-ERR or one NOTICE", async (depth) => {
  for (const text of [
    `["NEG-OPEN","n",${arrays(depth)},"6100000200"]`,
    `["NEG-OPEN","n",{},${arrays(depth)}]`,
    `["NEG-MSG","n",${arrays(depth)}]`,
  ]) {
    const { client, frames } = await provoke(text);
    expect(frames.length).toBe(1);
    if (frames[0]?.[0] === "NOTICE") expect(frames).toEqual(NOTICE_INVALID);
    else expect(frames).toEqual([["NEG-ERR", "n", expect.any(String)]]);
    await expectServed(client);
  }
});

test.each(["NEG-CLOSE", "PING"])("M-16 %s with deep surplus does no harm", async (verb) => {
  const { client, frames } = await provoke(`["${verb}","n",${arrays(100_000)}]`);
  expect(frames.length).toBeLessThanOrEqual(1);
  await expectServed(client);
});

test("M-16 before login: a deep frame gets one frame, and the login still works", async () => {
  for (const text of [arrays(100_000), `["REQ","s",${arrays(100_000)}]`, `["CLOSE","s",${arrays(100_000)}]`]) {
    const client = await freshRelay().connect();
    const [verb] = await client.ask(text);
    expect(verb).toBe(text.startsWith('["REQ"') && verb === "CLOSED" ? "CLOSED" : "NOTICE");
    expect(await client.settled()).toEqual([]);
    // The probe's CLOSE had its own refusal.
    expect(await client.next()).toEqual(["NOTICE", "auth-required: authentication required"]);
    expect(await client.auth(alice)).toEqual(["OK", expect.any(String), true, ""]);
    await expectServed(client);
  }
});

test("M-16 R-01-11 surplus that nests to the 8th level is ignored", async () => {
  const { client, frames } = await provoke(`["CLOSE","open",${arrays(7)}]`);
  expect(frames).toEqual([]);
  await client.publish(unique(alice, { kind: 7 }));
  expect(await client.settled()).toEqual([]);
  const { client: other, frames: unknown } = await provoke('["CLOSE","s",[[[[[[[[[[]]]]]]]]]]]');
  if (unknown.length > 0) expect(unknown).toEqual(NOTICE_INVALID);
  await expectServed(other);
});

/** So many objects of different members, in a list. */
const listOf = (count: number) => `[${Array.from({ length: count }, (_, i) => `{"${i.toString(36)}":1}`).join()}]`;
const TOO_MANY = expect.stringMatching(/^invalid: more than 2000 JSON objects/);

test.each([
  ["an EVENT", `["EVENT",{"id":"x","tags":${listOf(2000)}}]`, ["OK", "x", false, TOO_MANY]],
  ["a REQ", `["REQ","s",${listOf(2001)}]`, ["CLOSED", "s", TOO_MANY]],
  ["a NEG-OPEN", `["NEG-OPEN","n",{},${listOf(2000)}]`, ["NEG-ERR", "n", TOO_MANY]],
  ["the surplus of a CLOSE", `["CLOSE","x",${listOf(2001)}]`, ["NOTICE", TOO_MANY]],
])("M-22 %s with more than 2,000 objects is not parsed", async (_name, text, answer) => {
  const { client, frames } = await provoke(text);
  expect(frames).toEqual([answer]);
  await expectServed(client);
});

test("M-22 braces in texts are no objects", async () => {
  const client = await freshRelay().login(alice);
  const event = unique(alice, { kind: 1, content: '{}\\"'.repeat(3000), tags: [["t", "{".repeat(3000)]] });
  expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
});

test("M-22 R-05-26 a repost of more than 2,000 objects is refused", async () => {
  const client = await freshRelay().login(alice);
  const event = unique(alice, { kind: 6, content: `{"tags":[["-"]],"x":${listOf(2000)}}` });
  expect(await client.publish(event)).toEqual(["OK", event.id, false, "invalid: what is reposted is no event"]);
});
