import { utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { expectServed, provoke } from "../../support/exchange.ts";
import { alice, unique } from "../../support/keys.ts";

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
  const TOO_LARGE = [["NOTICE", expect.stringMatching(/^invalid: .*too large/)]];
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
    expect(await client.settled()).toEqual(TOO_LARGE);
    await expectServed(client);
  });

  test("filled with spaces; and an event is no exception", async () => {
    const { client, frames } = await provoke('["REQ","s",{"kinds":[7]}]'.padEnd(MAX_MESSAGE_LENGTH));
    expect(frames).toEqual([["EOSE", "s", ["finish"]]]);
    client.send(JSON.stringify(["EVENT", unique(alice)]).padEnd(MAX_MESSAGE_LENGTH + 1));
    expect(await client.settled()).toEqual(TOO_LARGE);
    client.send("[".repeat(MAX_MESSAGE_LENGTH * 1.5));
    expect(await client.settled()).toEqual(TOO_LARGE);
    await expectServed(client);
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
