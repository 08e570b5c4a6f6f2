import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { key, unique } from "../support/keys.ts";
import { connectTraffic } from "../support/load/traffic-client.ts";
import { type Server, startServer, until } from "../support/server.ts";

const FLOODERS = 10;
const LIMITS = { LIMIT_EVENT: "connection:8/20,key:8/20", ABUSE_CUTOFF: "20" };

let server: Server;

beforeAll(async () => {
  server = await startServer(LIMITS);
});

afterAll(() => server.stop());

test("R-01-07 who is cut off is closed with 1008, though it sends on and on", async () => {
  const codes: number[] = [];
  for (let n = 0; n < FLOODERS; n++) {
    const by = key(900 + n);
    const { socket } = await connectTraffic(server.url, by);
    const frame = JSON.stringify(["EVENT", unique(by)]);
    const timer = setInterval(() => {
      for (let i = 0; i < 50 && socket.bufferedAmount < 1 << 18; i++) socket.send(frame);
    }, 5);
    socket.on("close", (code) => {
      clearInterval(timer);
      codes.push(code);
    });
  }
  await until("all are closed", () => codes.length === FLOODERS);
  expect(codes).toEqual(Array(FLOODERS).fill(1008));
});

test("R-01-07 R-01-14 who is cut off has an OK for every event that was let in, and its refusals, before the Close", async () => {
  const by = key(950);
  const { socket } = await connectTraffic(server.url, by);
  const frames: unknown[][] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  const closed = once(socket, "close");
  const events = Array.from({ length: 60 }, () => unique(by));
  for (const event of events) socket.send(JSON.stringify(["EVENT", event]));
  expect((await closed)[0]).toBe(1008);
  const ids = (isAccepted: boolean) =>
    frames.filter(([verb, , accepted]) => verb === "OK" && accepted === isAccepted).map(([, id]) => id);
  expect(ids(true)).toEqual(events.slice(0, 20).map(({ id }) => id));
  expect(ids(false).length).toBeGreaterThanOrEqual(20);
});
