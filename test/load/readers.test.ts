import type { Event } from "nostr-tools/pure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, key, now, signed } from "../support/keys.ts";
import { connectTraffic, type TrafficClient } from "../support/load/traffic-client.ts";
import { type Server, startServer, until } from "../support/server.ts";

// R-01-10 from the other side: whoever reads is not cut off, however much it asks for and though it says nothing.

const SUBSCRIBERS = 200;
const BURST = 1000;
const STORED = 5000;

let server: Server;

beforeAll(async () => {
  server = await startServer({ RETENTION_JOB: "0" });
});

afterAll(() => server.stop());

/** Sends all at once, and waits for every OK. */
async function publishAll({ socket }: TrafficClient, events: readonly Event[]): Promise<void> {
  let ok = 0;
  const count = (data: unknown): void => {
    if (/^\["OK","\w+",true/.test(String(data))) ok++;
  };
  socket.on("message", count);
  for (const event of events) socket.send(JSON.stringify(["EVENT", event]));
  await until("all are stored", () => ok === events.length, 120_000);
  socket.off("message", count);
}

/** An event of so many characters as JSON. */
function sized(serial: number, size: number, kind: number): Event {
  const empty = JSON.stringify(signed(alice, { kind, content: `${serial} ` })).length;
  return signed(alice, { kind, content: `${serial} ${"x".repeat(size - empty)}`, created_at: now() - (serial % 1000) });
}

test("R-01-10 200 subscribers that say nothing get a burst of 1,000 events of 641 bytes, and then another", async () => {
  const publisher = await connectTraffic(server.url, alice);
  const got = new Array<number>(SUBSCRIBERS).fill(0);
  const subscribers: TrafficClient[] = [];
  for (let n = 0; n < SUBSCRIBERS; n++) {
    const subscriber = await connectTraffic(server.url, key(1000 + n));
    subscribers.push(subscriber);
    subscriber.socket.send(JSON.stringify(["REQ", "s", { kinds: [20_001] }]));
    await subscriber.awaits("EOSE", "s");
    subscriber.socket.removeAllListeners("message");
    subscriber.socket.on("message", () => {
      got[n] = (got[n] ?? 0) + 1;
    });
  }
  for (let round = 1; round <= 2; round++) {
    const events = Array.from({ length: BURST }, (_, n) => sized(round * 10_000 + n, 641, 20_001));
    const startedAt = performance.now();
    await publishAll(publisher, events);
    await until("all have all", () => got.every((count) => count === round * BURST), 120_000);
    console.log(`${SUBSCRIBERS * BURST} deliveries in ${(performance.now() - startedAt).toFixed(0)} ms`);
  }
  for (const { socket } of [publisher, ...subscribers]) {
    expect(socket.readyState).toBe(1);
    socket.close();
  }
});

test("R-01-10 one reader fetches 5,000 events of 4 KB by eight REQs at once, some 160 MB, and says nothing else", async () => {
  const publisher = await connectTraffic(server.url, alice);
  await publishAll(
    publisher,
    Array.from({ length: STORED }, (_, n) => sized(n, 4096, 9)),
  );
  const reader = await connectTraffic(server.url, bob);
  let [events, ended, size] = [0, 0, 0];
  reader.socket.removeAllListeners("message");
  reader.socket.on("message", (data: Buffer) => {
    size += data.length;
    const verb = data.subarray(2, 6).toString();
    if (verb === "EVEN") events++;
    if (verb === "EOSE") ended++;
  });
  const startedAt = performance.now();
  for (let n = 0; n < 8; n++) reader.socket.send(JSON.stringify(["REQ", `s${n}`, { kinds: [9], limit: STORED }]));
  await until("all are answered", () => ended === 8 || reader.socket.readyState !== 1, 240_000);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${(size / 2 ** 20).toFixed(0)} MiB in ${seconds.toFixed(1)} s`);
  expect([events, ended, reader.socket.readyState]).toEqual([8 * STORED, 8, 1]);
});
