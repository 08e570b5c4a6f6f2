import { expect, test, vi } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const NOSTR = "application/nostr+json";

interface Statistics {
  [member: string]: unknown;
  connections: number;
  authenticated_connections: number;
  subscriptions: number;
  events_total: number;
  events_by_kind: Record<string, number>;
  dvm: Record<string, unknown>;
}

async function statisticsOf(relay: TestRelay): Promise<Statistics> {
  const response = await relay.fetch("/api/stats");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toMatch(/^application\/json\b/);
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  return response.json();
}

test("T-141 R-08-05 /health is ok for anybody", async () => {
  const response = await freshRelay().fetch("/health");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toMatch(/^text\/plain\b/);
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(await response.text()).toBe("ok");
});

test("R-06-01 an upgrade wins over Accept, and all connections meet in one relay", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.connect({ headers: { Accept: NOSTR } }), await relay.connect()];
  await a.auth(alice);
  await b.auth(bob);
  await b.req("live", { authors: [alice.pubkey] });
  const event = unique(alice);
  expect((await a.publish(event))[2]).toBe(true);
  expect(await b.next()).toEqual(["EVENT", "live", event]);
  a.close();
  b.close();
});

test("T-141 R-08-06 /api/stats moves with connections, logins, subscriptions and events, and names nobody", async () => {
  const relay = freshRelay();
  const statistics = () => statisticsOf(relay);
  const before = await statistics();
  // Where the relay sleeps and wakes, it says since when it is awake.
  const { uptime_seconds, awake_since } = before;
  expect([uptime_seconds, awake_since].filter((value) => value === undefined).length).toBe(1);
  expect(uptime_seconds ?? awake_since).toEqual(expect.any(Number));
  expect(before.version).toMatch(/./);
  const client = await relay.connect();
  const other = await relay.connect();
  expect(await statistics()).toMatchObject({ connections: 2, authenticated_connections: 0, subscriptions: 0 });
  await client.auth(alice);
  await client.auth(bob);
  await client.req("secret-id", { kinds: [7] });
  await client.req("another", { kinds: [7] });
  const published = [unique(alice, { content: "secret-content" }), unique(bob), unique(alice, { kind: 1059 })];
  for (const event of published) await client.publish(event);
  const after = await statistics();
  expect(after).toMatchObject({ connections: 2, authenticated_connections: 1, subscriptions: 2 });
  expect(after.events_total).toBe(before.events_total + 2);
  expect(after.events_by_kind["1"]).toBe((before.events_by_kind["1"] ?? 0) + 2);
  expect(after.dvm).toEqual(expect.any(Object));
  const text = JSON.stringify(after);
  expect(text).not.toMatch(/[0-9a-f]{32}|secret|npub|note1/);
  client.send(["CLOSE", "another"]);
  await client.settled();
  expect((await statistics()).subscriptions).toBe(1);
  client.close();
  other.close();
  const options = { timeout: 5000, interval: 50 };
  await vi.waitFor(async () => expect(await statistics()).toMatchObject({ connections: 0, subscriptions: 0 }), options);
  await relay.restart();
  expect(await statistics()).toMatchObject({
    connections: 0,
    events_total: after.events_total,
    events_by_kind: after.events_by_kind,
  });
});
