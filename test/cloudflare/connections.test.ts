import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { durableSql } from "../../src/hosts/cloudflare/durable-sql.ts";
import type { RelayObject } from "../../src/hosts/cloudflare/relay-object.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { migrate } from "../../src/store/schema.ts";
import { Client } from "../support/client.ts";
import { freshRelay, type WorkerdRelay as TestRelay } from "../support/hosts/workerd.ts";
import { alice, bob, unique } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { countOf } from "../support/stock.ts";

const statuses = async (relay: TestRelay, ...addresses: string[]): Promise<number[]> => {
  const all: number[] = [];
  for (const address of addresses) all.push((await relay.upgrade({ from: address })).status);
  return all;
};

function inside<R>(relay: TestRelay, body: (object: RelayObject, state: DurableObjectState) => R): Promise<R> {
  return runInDurableObject<RelayObject, R>(relay.stub, body);
}

describe("how many connections", () => {
  test("at most MAX_CONNECTIONS_PER_IP from one address or /64, also after the object was away", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS_PER_IP: "2" });
    expect(await statuses(relay, "203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8")).toEqual([
      101, 101, 429, 101,
    ]);
    expect(await statuses(relay, "2001:db8::1", "2001:db8::2", "2001:db8::3")).toEqual([101, 101, 429]);
    expect(await statuses(relay, "127.0.0.1", "127.0.0.1", "127.0.0.1")).toEqual([101, 101, 429]);
    await relay.restart();
    expect(await statuses(relay, "203.0.113.7", "203.0.113.8", "2001:db8::9")).toEqual([429, 101, 429]);
  });
});

/** A client that takes no notice of a Close: its side stays open, and it can go on sending. */
async function deafClientFrom(relay: TestRelay, address: string): Promise<Client> {
  const headers = { Upgrade: "websocket", "Nexus-Client-Address": address };
  // Only who asks by way of the relay sees to its settings.
  await relay.due();
  const { webSocket } = await relay.stub.fetch("http://relay/", { headers });
  if (webSocket === null) throw new Error("refused");
  const client = new Client(webSocket);
  webSocket.accept({ allowHalfOpen: true });
  client.challenge = (await client.next())[1] as string;
  return client;
}

const stats = async (relay: TestRelay) =>
  (await (await relay.fetch("http://relay/api/stats")).json()) as Record<string, unknown>;

const blockIp = (relay: TestRelay, address: string) => caller(relay.fetch)("blockip", address);

describe("a client that takes no notice of a Close", () => {
  test.each([false, true])("R-05-74 R-06-12 is not served again after blockip; object away: %s", async (isAway) => {
    const relay = freshRelay();
    const deaf = await deafClientFrom(relay, "203.0.113.7");
    expect((await deaf.auth(alice))[2]).toBe(true);
    expect((await blockIp(relay, "203.0.113.7")).result).toBe(true);
    await vi.waitFor(() => expect(deaf.closed?.code).toBe(1008));
    if (isAway) await relay.restart();
    deaf.send(["EVENT", unique(alice)]);
    const reader = await relay.login(bob);
    // What was sent before has been served before, if it is.
    expect(await countOf(reader, {})).toBe(0);
    expect((await reader.publish(unique(bob)))[2]).toBe(true);
    expect(await countOf(reader, {})).toBe(1);
  });

  test("R-06-12 R-01-07 is not served again after a cut-off", async () => {
    const relay = freshRelay({ ABUSE_CUTOFF: "3", LIMIT_COUNT: "connection:0.001/1" });
    const deaf = await deafClientFrom(relay, "203.0.113.7");
    expect((await deaf.auth(alice))[2]).toBe(true);
    for (let i = 0; i < 10; i++) deaf.send(["COUNT", "c", {}]);
    await vi.waitFor(() => expect(deaf.closed?.code).toBe(1008));
    await relay.restart();
    deaf.send(["EVENT", unique(alice)]);
    const reader = await relay.login(bob);
    expect((await reader.publish(unique(bob)))[2]).toBe(true);
    expect(await countOf(reader, {})).toBe(1);
  });

  test.each([false, true])("R-06-19 takes no place, and has no subscriptions; object away: %s", async (isAway) => {
    const relay = freshRelay({ MAX_CONNECTIONS: "2" });
    const deaf = await deafClientFrom(relay, "203.0.113.7");
    expect((await deaf.auth(alice))[2]).toBe(true);
    expect((await deaf.req("s", { kinds: [1] })).end[0]).toBe("EOSE");
    const rows = () => inside(relay, (_object, { storage }) => [...storage.kv.list({ prefix: "sub:" })].length);
    await expect.poll(rows, { timeout: 5000 }).toBe(1);
    await relay.login(bob);
    expect(await statuses(relay, "203.0.113.9")).toEqual([503]);
    await blockIp(relay, "203.0.113.7");
    expect(await rows()).toBe(0);
    if (isAway) await relay.restart();
    expect(await stats(relay)).toMatchObject({ connections: 1, authenticated_connections: 1, subscriptions: 0 });
    expect(await statuses(relay, "203.0.113.9", "203.0.113.9")).toEqual([101, 503]);
  });

  test("R-06-19 leaves nothing behind when it goes at last", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS: "1" });
    for (let i = 0; i < 3; i++) {
      const deaf = await deafClientFrom(relay, `203.0.113.${i}`);
      await blockIp(relay, `203.0.113.${i}`);
      await vi.waitFor(() => expect(deaf.closed?.code).toBe(1008));
      expect(await statuses(relay, "203.0.113.9")).toEqual([503]);
      deaf.close();
      await expect
        .poll(() => inside(relay, (_object, state) => state.getWebSockets().length), { timeout: 5000 })
        .toBe(0);
    }
    expect(await statuses(relay, "203.0.113.9")).toEqual([101]);
  });

  test("costs its client a place in the end: as many may linger as may be open, of one address and in all", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS: "3", MAX_CONNECTIONS_PER_IP: "2", AUTH_TIMEOUT: "1" });
    const lingering = async (...addresses: string[]) => {
      const clients: Client[] = [];
      for (const address of addresses) clients.push(await deafClientFrom(relay, address));
      for (const client of clients) {
        await vi.waitFor(() => expect(client.closed?.code).toBe(1008), { timeout: 10_000 });
      }
    };
    await lingering("203.0.113.7", "203.0.113.7");
    expect(await statuses(relay, "203.0.113.7")).toEqual([429]);
    await lingering("203.0.113.8");
    expect(await statuses(relay, "203.0.113.9")).toEqual([503]);
  });
});

test("R-05-74 a connection that was open from a blocked address is closed when the object wakes", async () => {
  const relay = freshRelay();
  const client = await deafClientFrom(relay, "203.0.113.7");
  expect((await client.auth(alice))[2]).toBe(true);
  await relay.restart();
  await inside(relay, (_object, { storage }) => {
    const sql = durableSql(storage);
    migrate(sql);
    new AccessStore(sql).put("blocked-ip", "203.0.113.7", "");
  });
  await relay.restart();
  client.send(["EVENT", unique(alice)]);
  expect(await client.next()).toEqual(["NOTICE", "blocked: this address is blocked"]);
  await vi.waitFor(() => expect(client.closed?.code).toBe(1008));
  expect(await countOf(await relay.login(bob), {})).toBe(0);
});

describe("AUTH_TIMEOUT", () => {
  const close = async (client: Client, timeoutMs: number): Promise<void> => {
    expect(await client.next(timeoutMs)).toEqual(["NOTICE", "auth-required: no login within 3 seconds"]);
    await vi.waitFor(() => expect(client.closed?.code).toBe(1008));
  };

  test("who does not log in is closed although the object was away, who does is not", async () => {
    const relay = freshRelay({ AUTH_TIMEOUT: "3" });
    const openedMs = Date.now();
    const [stranger, member] = [await relay.connect(), await relay.login(alice)];
    await relay.restart();
    await close(stranger, 20_000);
    expect(Date.now() - openedMs).toBeGreaterThanOrEqual(2990);
    expect((await member.req("s", {})).end[0]).toBe("EOSE");
  });

  test("R-06-10 many that do not log in cost one row, who logs in costs none", async () => {
    const relay = freshRelay({ AUTH_TIMEOUT: "600" });
    const alarm = () => inside(relay, (_object, { storage }) => storage.getAlarm());
    await relay.login(alice);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await alarm()).toBe(null);
    for (let i = 0; i < 20; i++) await relay.connect();
    await expect.poll(alarm, { timeout: 5000 }).not.toBe(null);
    const first = await alarm();
    for (let i = 0; i < 20; i++) await relay.connect();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await alarm()).toBe(first);
  });
});
