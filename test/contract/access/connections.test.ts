import { describe, expect, test, vi } from "vitest";
import { type Client, RELAY_URL } from "../../support/client.ts";
import { alice, bob } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const statuses = async (relay: TestRelay, ...addresses: string[]): Promise<number[]> => {
  const all: number[] = [];
  for (const from of addresses) all.push((await relay.upgrade({ from })).status);
  return all;
};

describe("how many connections", () => {
  test("at most MAX_CONNECTIONS: 503 with Retry-After, until one goes", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS: "2" });
    const [a] = [await relay.login(alice), await relay.login(bob)];
    const refused = await relay.upgrade({ from: "203.0.113.7" });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThanOrEqual(1);
    a.close();
    await expect.poll(() => statuses(relay, "203.0.113.7"), { timeout: 5000 }).toEqual([101]);
  });

  test("at most MAX_CONNECTIONS_PER_IP from one address or /64", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS_PER_IP: "2" });
    expect(await statuses(relay, "203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8")).toEqual([
      101, 101, 429, 101,
    ]);
    expect(await statuses(relay, "2001:db8::1", "2001:db8::2", "2001:db8::3")).toEqual([101, 101, 429]);
    expect(await statuses(relay, "127.0.0.1", "127.0.0.1", "127.0.0.1")).toEqual([101, 101, 429]);
  });

  test("unset, 200 from elsewhere and any number from this machine", async () => {
    const relay = freshRelay();
    const many = (address: string) => statuses(relay, ...Array.from({ length: 201 }, () => address));
    expect((await many("203.0.113.7")).indexOf(429)).toBe(200);
    expect(await many("127.0.0.1")).not.toContain(429);
  });

  test("LIMIT_CONNECT: so many new ones of one address in a time, then 429 with the seconds to wait; open ones go on", async () => {
    const relay = freshRelay({ LIMIT_CONNECT: "ip:0.1/3" });
    const first = await relay.connect({ from: "203.0.113.7" });
    expect(await statuses(relay, "203.0.113.7", "203.0.113.7", "203.0.113.8")).toEqual([101, 101, 101]);
    const refused = await relay.upgrade({ from: "203.0.113.7" });
    expect(refused.status).toBe(429);
    expect([9, 10]).toContain(Number(refused.headers.get("Retry-After")));
    expect(await first.ask(["PING"])).toEqual(["PONG"]);
    expect(await statuses(relay, "203.0.113.8")).toEqual([101]);
  });

  test("of a list in the header the last address counts, and one that is none is not taken", async () => {
    const relay = freshRelay({ MAX_CONNECTIONS_PER_IP: "1" });
    expect(await statuses(relay, "203.0.113.7", "203.0.113.8, 203.0.113.7", "203.0.113.7, 203.0.113.8")).toEqual([
      101, 429, 101,
    ]);
  });
});

test("R-05-72 R-05-74 a blocked address gets 403, and its open connections are closed", async () => {
  const relay = freshRelay();
  const [blocked, other] = [await relay.connect({ from: "203.0.113.7" }), await relay.connect({ from: "203.0.113.8" })];
  expect((await caller(relay.fetch)("blockip", "203.0.113.7", "spam")).result).toBe(true);
  expect(await blocked.next()).toEqual(["NOTICE", "blocked: this address is blocked"]);
  await vi.waitFor(() => expect(blocked.closed?.code).toBe(1008));
  expect((await other.ask(["PING"]))[0]).toBe("PONG");
  expect(await statuses(relay, "203.0.113.7", "203.0.113.8")).toEqual([403, 101]);
  await relay.restart();
  expect(await statuses(relay, "203.0.113.7", "203.0.113.8")).toEqual([403, 101]);
});

describe("AUTH_TIMEOUT", () => {
  const expectClosed = async (client: Client): Promise<void> => {
    expect(await client.next(20_000)).toEqual(["NOTICE", "auth-required: no login within 3 seconds"]);
    await vi.waitFor(() => expect(client.closed?.code).toBe(1008));
  };

  test("who does not log in is closed, who does is not", async () => {
    const relay = freshRelay({ AUTH_TIMEOUT: "3" });
    const openedMs = Date.now();
    const [stranger, member] = [await relay.connect(), await relay.login(alice)];
    await expectClosed(stranger);
    expect(Date.now() - openedMs).toBeGreaterThanOrEqual(2990);
    expect((await member.req("s", {})).end[0]).toBe("EOSE");
  });

  test("R-06-06 who only fails to log in is closed too", async () => {
    const relay = freshRelay({ AUTH_TIMEOUT: "3" });
    const stranger = await relay.connect();
    expect((await stranger.auth(alice, `${RELAY_URL}x`))[2]).toBe(false);
    await expectClosed(stranger);
  });

  test("R-06-07 with AUTH_REQUIRED=false nobody is closed for it", async () => {
    // What closes one that must log in is told when nobody has to.
    const [open, closed] = [
      freshRelay({ AUTH_TIMEOUT: "3", AUTH_REQUIRED: "false" }),
      freshRelay({ AUTH_TIMEOUT: "3" }),
    ];
    const client = await open.connect();
    await expectClosed(await closed.connect());
    expect((await client.req("s", {})).end[0]).toBe("EOSE");
  });
});
