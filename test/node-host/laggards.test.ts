import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, carol, type Key, unique } from "../support/keys.ts";
import { connectTraffic, type TrafficClient } from "../support/load/traffic-client.ts";
import { relayOf } from "../support/processes.ts";
import { type Server, startServer, until } from "../support/server.ts";

// Clients that stop reading. The runtime queues what they are sent, and shows nothing of it but the size of its process.

let server: Server;
let relay: number;

beforeAll(async () => {
  server = await startServer({ AUTH_TIMEOUT: "600" });
  relay = relayOf(server.pid());
  // So that what the process needs anyway is not counted.
  const { socket } = await connectTraffic(server.url, alice);
  socket.close();
});

afterAll(() => server.stop());

const login = (by: Key): Promise<TrafficClient> => connectTraffic(server.url, by);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident memory of the relay, in MiB. */
function rss(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${relay}/status`, "utf8"))?.[1]) / 1024;
}

const subscriptions = async (): Promise<unknown> =>
  ((await (await fetch(`${server.httpUrl}/api/stats`)).json()) as Record<string, unknown>).subscriptions;

async function publish({ socket, awaits }: TrafficClient, event: { id: string }): Promise<void> {
  const ok = awaits("OK", event.id);
  socket.send(JSON.stringify(["EVENT", event]));
  await ok;
}

test.skipIf(process.platform !== "linux")(
  "R-01-10 a subscriber that does not read is cut off while the relay is still small; others get everything",
  async () => {
    const [publisher, reader, laggard] = [await login(alice), await login(bob), await login(carol)];
    for (let n = 0; n < 20; n++) {
      laggard.socket.send(JSON.stringify(["REQ", `s${n}`, { kinds: [20001] }]));
      await laggard.awaits("EOSE", `s${n}`);
    }
    let received = 0;
    reader.socket.send(JSON.stringify(["REQ", "s", { kinds: [20001] }]));
    await reader.awaits("EOSE", "s");
    reader.socket.on("message", (data) => {
      if (String(data).startsWith('["EVENT"')) received++;
    });
    let lastText = "";
    let code = 0;
    laggard.socket.on("message", (data) => {
      lastText = String(data);
    });
    laggard.socket.on("close", (closeCode) => {
      code = closeCode;
    });
    laggard.socket.pause();
    const before = rss();
    let most = 0;
    // Some 18 MB a second, 80 ms apart.
    for (let n = 0; n < 150; n++) {
      await publish(publisher, unique(alice, { kind: 20001, content: `${n}${"x".repeat(90_000)}` }));
      most = Math.max(most, rss());
      await sleep(80);
    }
    console.log(`RSS ${before.toFixed(0)} -> ${most.toFixed(0)} MiB`);
    expect(most - before).toBeLessThan(150);
    expect(received).toBe(150);
    // Its subscriptions went with it, though its socket is still there.
    expect(await subscriptions()).toBe(1);
    laggard.socket.resume();
    await until("it is closed", () => code !== 0);
    expect([code, lastText]).toEqual([1008, '["NOTICE","error: too slow to receive what was asked for"]']);
    for (const { socket } of [publisher, reader]) socket.close();
  },
);

test.skipIf(process.platform !== "linux")(
  "R-01-10 who floods before login, and does not read, is cut off while the relay is still small",
  async () => {
    const reader = await login(bob);
    const { socket } = await connectTraffic(server.url);
    let code = 0;
    socket.on("close", (closeCode) => {
      code = closeCode;
    });
    socket.pause();
    const before = rss();
    let most = 0;
    for (let n = 0; n < 600; n++) {
      for (let i = 0; i < 1000; i++) socket.send("x");
      await until("it is sent", () => socket.bufferedAmount < 100_000);
      await sleep(10);
      most = Math.max(most, rss());
    }
    console.log(`RSS ${before.toFixed(0)} -> ${most.toFixed(0)} MiB`);
    expect(most - before).toBeLessThan(150);
    const frames: string[] = [];
    socket.on("message", (data) => frames.push(String(data)));
    socket.resume();
    await until("it is closed", () => code !== 0);
    expect([code, frames.at(-1)]).toEqual([1008, '["NOTICE","auth-required: too many messages without a login"]']);
    expect(frames.length).toBeLessThan(600);
    // The others are served all the while.
    await publish(reader, unique(bob));
    reader.socket.close();
  },
);
