import { utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { expectServed, provoke } from "../../support/exchange.ts";
import { alice, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const MAX_MESSAGE_LENGTH = 1048576;

const event = unique(alice);

describe("M-14 binary frames", () => {
  test.each([
    ["T-046 a valid REQ", utf8ToBytes('["REQ","s",{}]')],
    ["an empty one", new Uint8Array()],
    ["no UTF-8", new Uint8Array([0xff, 0xfe, 0x00])],
  ])("%s", async (_name, bytes) => {
    const { client, frames } = await provoke(bytes);
    expect(frames).toEqual([["NOTICE", "invalid: binary frames are not supported"]]);
    await expectServed(client);
  });
});

describe("M-15 T-047 the length limit counts bytes of UTF-8", () => {
  const REASON = expect.stringMatching(/^invalid: .*too large/);
  /** A REQ of exactly so many bytes. */
  function ofBytes(bytes: number, filler: string): string {
    const [head, tail] = ['["REQ","s",{"kinds":[7],"#t":["', '"]}]'];
    const room = bytes - head.length - tail.length;
    const size = utf8ToBytes(filler).length;
    return head + filler.repeat(Math.floor(room / size)) + "x".repeat(room % size) + tail;
  }

  test.each(["x", "é", "日", "😀"])("filled with %s", async (filler) => {
    const atLimit = ofBytes(MAX_MESSAGE_LENGTH, filler);
    expect(utf8ToBytes(atLimit).length).toBe(MAX_MESSAGE_LENGTH);
    const { client, frames } = await provoke(atLimit);
    expect(frames).toEqual([["EOSE", "s", ["finish"]]]);
    client.send(["CLOSE", "s"]);
    client.send(ofBytes(MAX_MESSAGE_LENGTH + 1, filler));
    expect(await client.settled()).toEqual([["CLOSED", "s", REASON]]);
    await expectServed(client);
  });

  test("filled with spaces; and an event is no exception", async () => {
    const { client, frames } = await provoke('["REQ","s",{"kinds":[7]}]'.padEnd(MAX_MESSAGE_LENGTH));
    expect(frames).toEqual([["EOSE", "s", ["finish"]]]);
    const other = unique(alice);
    client.send(JSON.stringify(["EVENT", other]).padEnd(MAX_MESSAGE_LENGTH + 1));
    expect(await client.settled()).toEqual([["OK", other.id, false, REASON]]);
    client.send("[".repeat(MAX_MESSAGE_LENGTH * 1.5));
    expect(await client.settled()).toEqual([["NOTICE", REASON]]);
    await expectServed(client);
  });

  const LONG = '["id"\\{}[]:,'.repeat(100_000);
  const { id, ...rest } = event;
  const frame = (...parts: unknown[]) => JSON.stringify(parts);
  test.each([
    ["EVENT, its id first", frame("EVENT", { id, ...rest, content: LONG }), ["OK", id, false, REASON]],
    ["EVENT, its id last", frame("EVENT", { tags: [["id", LONG]], x: { id: "0" }, id }), ["OK", id, false, REASON]],
    [
      "EVENT with white space",
      ` [ "EVENT" , { "c":"${"x".repeat(1_100_000)}" , "id" : "a\\u0022" }]`,
      ["OK", 'a"', false, REASON],
    ],
    ["AUTH", frame("AUTH", { content: LONG, id }), ["OK", id, false, REASON]],
    ["REQ", frame("REQ", 'a"b', { search: LONG }), ["CLOSED", 'a"b', REASON]],
    ["COUNT", frame("COUNT", "😀", {}, { search: LONG }), ["CLOSED", "😀", REASON]],
    ["NEG-OPEN", frame("NEG-OPEN", "n", {}, "61".repeat(600_000)), ["NEG-ERR", "n", REASON]],
    ["NEG-MSG", frame("NEG-MSG", "n", "61".repeat(600_000)), ["NEG-ERR", "n", REASON]],
    ["EVENT without id", frame("EVENT", { ...rest, content: LONG, x: { id } }), ["NOTICE", REASON]],
    [
      "EVENT with an id of 65 characters",
      frame("EVENT", { ...event, id: `${id}0`, content: LONG }),
      ["NOTICE", REASON],
    ],
    ["REQ with an id that is too long", frame("REQ", LONG, {}), ["NOTICE", REASON]],
    ["REQ without id", frame("REQ", { search: LONG }), ["NOTICE", REASON]],
    ["CLOSE", frame("CLOSE", "s", LONG), ["NOTICE", REASON]],
    ["an unknown verb", frame("FOO", "s", LONG), ["NOTICE", REASON]],
  ])("R-01-14 too large, but its verb and id can be read: %s", async (_name, text, answer) => {
    const { client, frames } = await provoke(text);
    expect(frames).toEqual([answer]);
    await expectServed(client);
  });

  test("R-03-25 R-06-04 a REQ that is too large ends the older one of its id, and is told so before the login too", async () => {
    const relay = freshRelay();
    const [client, stranger] = [await relay.login(alice), await relay.connect()];
    await client.req("s", { kinds: [1] });
    for (const one of [client, stranger]) {
      expect(await one.ask(frame("REQ", "s", { search: LONG }))).toEqual(["CLOSED", "s", REASON]);
    }
    await client.publish(unique(alice));
    expect(await client.settled()).toEqual([]);
  });
});

describe("R-01-22 what a client sent is not reflected at length", () => {
  const LONG = "Ж".repeat(5000);
  test.each([
    ["T-055 an id of 10 kB in EVENT", ["EVENT", { ...event, id: LONG }]],
    ["an id of 10 kB in REQ", ["REQ", LONG, {}]],
    ["an id of 10 kB in COUNT", ["COUNT", LONG, {}]],
    ["an id of 10 kB in AUTH", ["AUTH", { ...event, id: LONG }]],
    ["an id of 10 kB in NEG-OPEN", ["NEG-OPEN", LONG, {}, "6100000200"]],
    ["an id of 10 kB in NEG-MSG", ["NEG-MSG", LONG, "61"]],
    ["a verb of 10 kB", [LONG, "s", {}]],
    ["10 kB that are not JSON", LONG],
    ["a string of 10 kB", JSON.stringify(LONG)],
  ])("%s", async (_name, frame) => {
    const { client, frames } = await provoke(frame);
    expect(frames).toEqual([["NOTICE", expect.any(String)]]);
    expect(JSON.stringify(frames).split("Ж").length - 1).toBeLessThanOrEqual(64);
    await expectServed(client);
  });

  test.each([
    ["a filter key of 10 kB", ["REQ", "s", { [LONG]: 1 }]],
    ["a filter value of 10 kB", ["REQ", "s", { ids: [LONG] }]],
  ])("%s", async (_name, frame) => {
    const { client, frames } = await provoke(frame);
    expect(frames).toEqual([["CLOSED", "s", expect.any(String)]]);
    expect(JSON.stringify(frames).split("Ж").length - 1).toBeLessThanOrEqual(64);
    await expectServed(client);
  });

  test.each(["pubkey", "sig", "content", "kind", "created_at", "tags"])(
    "an event with a %s of 10 kB",
    async (member) => {
      const { client, frames } = await provoke(["EVENT", { ...event, [member]: LONG }]);
      expect(frames).toEqual([["OK", event.id, false, expect.stringMatching(/^invalid: ./)]]);
      expect(JSON.stringify(frames)).not.toContain("Ж");
      await expectServed(client);
    },
  );
});
