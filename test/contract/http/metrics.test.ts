import { expect, test, vi } from "vitest";
import { parseExposition } from "../../support/exposition.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const TOKEN = "a-token-of-some-length";
const BEARER = { Authorization: `Bearer ${TOKEN}` };

async function metricsOf(relay: TestRelay): Promise<(sample: string) => number | undefined> {
  const response = await relay.fetch("/metrics", { headers: BEARER });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  expect(text).not.toMatch(/[0-9a-f]{32}|secret/);
  const families = parseExposition(text);
  const samples = new Map([...families.values()].flatMap((family) => [...family.samples]));
  return (sample) => samples.get(sample);
}

test("R-08-07 without METRICS_TOKEN there is no /metrics, whatever is asked with", async () => {
  const relay = freshRelay();
  for (const headers of [{}, { Authorization: "Bearer " }, { Authorization: "Bearer undefined" }, BEARER]) {
    expect((await relay.fetch("/metrics", { headers })).status).toBe(404);
  }
});

test.each([
  undefined,
  "",
  "Bearer",
  `Basic ${TOKEN}`,
  `Bearer ${TOKEN}x`,
  `Bearer ${TOKEN.slice(0, -1)}`,
  `Bearer x${TOKEN.slice(1)}`,
  `Bearer ${TOKEN} ${TOKEN}`,
])("R-08-07 /metrics is 401 for Authorization '%s'", async (authorization) => {
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const response = await freshRelay({ METRICS_TOKEN: TOKEN }).fetch("/metrics", { headers });
  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
  expect(await response.text()).not.toContain("nexus_");
});

test("R-08-07 /metrics counts connections, logins, frames, events and deliveries", async () => {
  const relay = freshRelay({ METRICS_TOKEN: TOKEN, LIMIT_COUNT: "connection:1/1" });
  const stranger = await relay.connect();
  stranger.send(["REQ", "secret-id", {}]);
  stranger.send("no message");
  await stranger.settled();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await b.req("secret-live", { authors: [alice.pubkey] });
  const event = unique(alice, { content: "secret-content" });
  expect((await a.publish(event))[2]).toBe(true);
  expect((await a.publish(event))[2]).toBe(true);
  expect(await b.next()).toEqual(["EVENT", "secret-live", event]);
  const forged = { ...unique(alice), sig: "0".repeat(128) };
  expect((await a.publish(forged))[2]).toBe(false);
  await a.req("stored", { ids: [event.id] });
  const of = await metricsOf(relay);
  expect(of("nexus_connections_opened_total")).toBe(3);
  expect(of("nexus_connections")).toBe(3);
  expect(of("nexus_connections_authenticated")).toBe(2);
  expect(of("nexus_subscriptions")).toBe(2);
  expect(of("nexus_logins_total")).toBe(2);
  expect(of('nexus_frames_total{verb="EVENT"}')).toBe(3);
  expect(of('nexus_frames_total{verb="AUTH"}')).toBe(2);
  expect(of('nexus_frames_total{verb="none"}')).toBe(1);
  expect(of("nexus_events_accepted_total")).toBe(1);
  expect(of("nexus_events_duplicate_total")).toBe(1);
  expect(of('nexus_events_refused_total{prefix="invalid"}')).toBe(1);
  expect(of("nexus_events_delivered_total")).toBe(1);
  expect(of("nexus_events_answered_total")).toBe(1);
  expect(of("nexus_events_stored")).toBe(1);
  expect(of("nexus_batch_events_count")).toBe(3);
  expect(of("nexus_batch_events_sum")).toBe(3);
  expect(of('nexus_work_units_total{verb="EVENT"}')).toBeGreaterThan(100);
  expect(of('nexus_work_units_total{verb="REQ"}')).toBeGreaterThan(8);
  expect(of('nexus_work_units_total{verb="COUNT"}')).toBe(0);
  expect(of("nexus_rows_written_total")).toBeGreaterThan(1);
  expect(of("nexus_storage_bytes")).toBeGreaterThan(1000);
  for (const client of [stranger, a, b]) client.close();
  await vi.waitFor(async () => expect((await metricsOf(relay))("nexus_connections")).toBe(0));
});

test("R-08-07 a frame that waits for its login is counted once, a refused login as such", async () => {
  const relay = freshRelay({ METRICS_TOKEN: TOKEN, AUTH_GRACE_MS: "10000" });
  const client = await relay.connect();
  client.send(["REQ", "held", { kinds: [1] }]);
  expect((await client.auth(alice, "wss://another.example"))[2]).toBe(false);
  expect((await client.auth(alice))[2]).toBe(true);
  expect(await client.next()).toEqual(["EOSE", "held", ["finish"]]);
  const of = await metricsOf(relay);
  expect(of('nexus_frames_total{verb="REQ"}')).toBe(1);
  expect(of("nexus_logins_refused_total")).toBe(1);
  expect(of("nexus_logins_total")).toBe(1);
  expect(of("nexus_read_seconds_count")).toBe(1);
  client.close();
});

test("R-08-05 /health/live and /health/ready are 200 for anybody while a write goes through", async () => {
  const relay = freshRelay();
  for (const path of ["/health/live", "/health/ready"]) {
    const response = await relay.fetch(path);
    expect([path, response.status, await response.text()]).toEqual([path, 200, "ok\n"]);
    expect((await relay.fetch(path, { method: "POST" })).status).toBe(405);
  }
  const tried = await relay.database((sql) => sql.all("SELECT count(*) FROM meta WHERE key = 'tried'"));
  expect(tried).toEqual([[1]]);
});

test("R-08-05 /health/ready is 503 while the storage is full, /health/live and /health are not", async () => {
  const relay = freshRelay({ MAX_STORAGE: "1000000" });
  await relay.database((sql) => {
    sql.all("CREATE TABLE filler(bytes BLOB)");
    sql.all("INSERT INTO filler VALUES(zeroblob(1100000))");
  });
  const statusOf = async (path: string) => (await relay.fetch(path)).status;
  expect([await statusOf("/health/ready"), await statusOf("/health/live"), await statusOf("/health")]).toEqual([
    503, 200, 200,
  ]);
});

test("R-08-05 /health/ready is 503 while nothing can be written", async () => {
  const relay = freshRelay();
  expect((await relay.fetch("/health/live")).status).toBe(200);
  await relay.database((sql) => {
    sql.all(
      "CREATE TRIGGER broken BEFORE INSERT ON meta WHEN new.key = 'tried' BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END",
    );
  });
  const response = await relay.fetch("/health/ready");
  expect(response.status).toBe(503);
  expect(await response.text()).toBe("The store cannot be written. The log says why.\n");
});
