import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { connectTraffic, type TrafficClient, tear } from "../support/load/traffic-client.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";

// Connections that end right after a `ping`: the runtime cannot write its `pong` any more, and has to tell the object all
// the same. Workerd from 2026-10-14 to 2026-11-17 at least does not (docs/decisions/0001-runtime.md).

/** The runtime takes an object out of memory that has had nothing to do for 10 s. */
const IDLE_MS = 14_000;
const MANY = 10;

let server: Server;

beforeAll(async () => {
  server = await startServer({ MAX_CONNECTIONS: "20" });
});

afterAll(() => server.stop());

const untilGone = () =>
  until("no connection and no subscription is left", async () => {
    const { connections, subscriptions } = await (await fetch(`${server.httpUrl}/api/stats`)).json();
    return connections === 0 && subscriptions === 0;
  });

/** Logged in, with a subscription that is written. */
async function listeners(): Promise<TrafficClient[]> {
  const clients: TrafficClient[] = [];
  for (let n = 0; n < MANY; n++) {
    const client = await connectTraffic(server.url, bob);
    client.socket.send(JSON.stringify(["REQ", "s", { kinds: [20001] }]));
    await client.awaits("EOSE", "s");
    clients.push(client);
  }
  return clients;
}

async function expectUnheard(): Promise<void> {
  const client = await openClient(server.url);
  await client.auth(alice, server.url);
  const [, , isHeard, reason] = await client.publish(unique(alice, { kind: 20001 }));
  expect(isHeard).toBe(false);
  expect(reason).toMatch(/^mute: /);
  client.close();
}

test("R-06-19 strangers whose connection ends right after ping take no place", async () => {
  for (let n = 0; n < 100; n++) tear(await connectTraffic(server.url), { afterPing: true, isReset: n % 2 === 0 });
  await untilGone();
  await expectUnheard();
});

test.each([
  ["R-06-36 T-031 awake", 0],
  ["R-06-10 asleep", IDLE_MS],
])("%s: subscriptions end with a connection that ends right after ping", async (_name, waitMs) => {
  const clients = await listeners();
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  for (const [n, client] of clients.entries()) tear(client, { afterPing: true, isReset: n % 2 === 0 });
  await untilGone();
  await expectUnheard();
});
