import { expect, test } from "vitest";
import { closeFrame, encodeFrames, type Frame, pongFrame } from "../../src/hosts/node/frame.ts";
import "../../src/hosts/node/ws.d.ts";

/** What ws, as a client, reads in bytes that a server has sent. */
async function read(bytes: Buffer): Promise<unknown[]> {
  const { Receiver } = await import("ws");
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true, maxPayload: 0, maxFragments: 0 });
  const seen: unknown[] = [];
  receiver.on("message", (data, isBinary) => seen.push(isBinary ? "binary" : data.toString()));
  receiver.on("pong", (data) => seen.push(["pong", data.toString()]));
  receiver.on("conclude", (code, reason) => seen.push(["close", code, reason.toString()]));
  receiver.on("error", (error) => seen.push(error));
  // What follows may not change what others were given.
  for (let at = 0; at < bytes.length; at += 1000) receiver.write(Buffer.from(bytes.subarray(at, at + 1000)));
  await new Promise((resolve) => setImmediate(resolve));
  return seen;
}

test("texts of every length and script arrive as they were sent, those of one turn in one piece", async () => {
  const lengths = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 200_000];
  const texts = lengths.flatMap((length) => ["a".repeat(length), `é${"a".repeat(length)}`, "漢😀".repeat(length / 7)]);
  expect(await read(encodeFrames(texts))).toEqual(texts);
});

test("half a surrogate pair is sent as U+FFFD, and no frame around it is lost", async () => {
  expect(await read(encodeFrames(["\ud800", "b\udc00"]))).toEqual(["\ufffd", "b\ufffd"]);
});

test("what is the same as before is the same bytes; what is not, is not", async () => {
  const frames = [`["EVENT","s",{}]`, "b"];
  const first = encodeFrames(frames);
  expect(encodeFrames([...frames])).toBe(first);
  expect(encodeFrames([...frames, "c"])).not.toBe(first);
  expect(await read(encodeFrames(["b", `["EVENT","s",{}]`]))).toEqual([...frames].reverse());
});

test("pong and Close stand between texts where they were queued", async () => {
  const frames: Frame[] = ["a", pongFrame(Buffer.from("x")), "b", closeFrame(1008, "why")];
  expect(await read(encodeFrames(frames))).toEqual(["a", ["pong", "x"], "b", ["close", 1008, "why"]]);
});

test("a reason is cut between characters, and a code that stands for none is not sent", async () => {
  expect(await read(closeFrame(1000, "é".repeat(100)))).toEqual([["close", 1000, "é".repeat(61)]]);
  expect(await read(closeFrame(1005))).toEqual([["close", 1005, ""]]);
});
