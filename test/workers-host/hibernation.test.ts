import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { admin, alice, bob, carol, unique } from "../support/keys.ts";
import { DeafClient } from "../support/load/deaf-client.ts";
import { caller } from "../support/manage.ts";
import { openClient, type Server, startServer } from "../support/server.ts";

/** The runtime takes an object out of memory that has had nothing to do for 10 s. */
const IDLE_MS = 14_000;
const PING_MS = 2_000;

let server: Server;

beforeAll(async () => {
  server = await startServer({ CLIENT_IP_HEADER: "X-Real-IP", ADMIN_PUBKEYS: admin.pubkey, MAX_CONNECTIONS: "5" });
});

afterAll(() => server.stop());

interface Statistics {
  awake_since: number;
  connections: number;
  events_total: number;
}

async function statistics(): Promise<Statistics> {
  return (await (await fetch(`${server.httpUrl}/api/stats`)).json()) as Statistics;
}

test("T-033 R-06-08 R-06-10 R-06-12 an idle relay sleeps although clients ping, and wakes with all it had", async () => {
  const a = await openClient(server.url);
  const b = await openClient(server.url);
  expect((await a.auth(alice, server.url))[2]).toBe(true);
  expect((await b.auth(bob, server.url))[2]).toBe(true);
  expect((await a.req("s:1", { kinds: [1] })).end[0]).toBe("EOSE");
  for (let waited = 0; waited < IDLE_MS; waited += PING_MS) {
    await new Promise((resolve) => setTimeout(resolve, PING_MS));
    a.send("ping");
    expect(await a.nextText()).toBe("pong");
  }
  // It has been woken by this very question.
  expect((await statistics()).awake_since).toBeGreaterThan(Date.now() / 1000 - 4);
  const event = unique(bob);
  expect(await b.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await a.next()).toEqual(["EVENT", "s:1", event]);
});

test("R-05-74 R-06-12 who was closed by blockip and does not go is not served after the relay slept, and takes no place", async () => {
  const url = `${server.httpUrl}/`;
  const deaf = await DeafClient.open(url, server.url, carol, { "X-Real-IP": "203.0.113.7" });
  const before = await statistics();
  expect((await caller(fetch, admin, url)("blockip", "203.0.113.7")).result).toBe(true);
  await vi.waitFor(() => expect(deaf.closeCode).toBe(1008));
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  deaf.send(["EVENT", unique(carol)]);
  await expect(deaf.next("OK", 2000)).rejects.toThrow("no OK");
  const after = await statistics();
  expect(after.awake_since).toBeGreaterThan(before.awake_since);
  expect(after.events_total).toBe(before.events_total);
  expect(after.connections).toBe(before.connections - 1);
  // If this fails the runtime has learnt to end a connection, and what lingers need not be counted any more.
  expect(deaf.isGone).toBe(false);
  deaf.end();
});
