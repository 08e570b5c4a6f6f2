import { describe, expect, test } from "vitest";
import { networkOf, normalizeIp, normalizeNetwork, withoutPort } from "../../src/protocol/ip-address.ts";
import { isLoopbackHost } from "../../src/protocol/relay-url.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { Connection, newIdentity, originOf } from "../../src/relay/connection.ts";
import { Buckets } from "../../src/relay/limits/buckets.ts";
import { type Charge, Rates } from "../../src/relay/limits/rates.ts";
import { parseRules } from "../../src/relay/limits/rules.ts";

describe("rates as variables", () => {
  test("R-06-25 what is a rate", () => {
    expect(parseRules("off", true)).toEqual([]);
    expect(parseRules("connection:1000/20000, 20-29:key:0.5/3", true)).toEqual([
      { scope: "connection", kinds: undefined, perSecond: 1000, burst: 20000 },
      { scope: "key", kinds: { from: 20, to: 29 }, perSecond: 0.5, burst: 3 },
    ]);
    expect(parseRules("7:remote-ip:1/1", true)).toEqual([
      { scope: "remote-ip", kinds: { from: 7, to: 7 }, perSecond: 1, burst: 1 },
    ]);
  });

  test.each([
    "",
    "1/2",
    "key:1",
    "key:0/5",
    "key:5/0",
    "key:-1/5",
    "all:1/5",
    "key:1/5,",
    "9-3:key:1/5",
    "65536:key:1/5",
  ])("R-06-25 '%s' is none", (text) => expect(parseRules(text, true)).toBe(undefined));

  test("R-06-25 only events have kinds", () => {
    expect(parseRules("1:key:1/5", false)).toBe(undefined);
    expect(() => parseConfig({ LIMIT_REQ: "1:key:1/5" })).toThrow("LIMIT_REQ must be off, or up to 50 rates");
  });
});

describe("buckets", () => {
  test("burst, refill, and more than the burst", () => {
    const buckets = new Buckets({ perSecond: 10, burst: 3 });
    for (let i = 0; i < 3; i++) {
      expect(buckets.waitFor("a", 1, 1000)).toBe(0);
      buckets.take("a", 1, 1000);
    }
    expect(buckets.waitFor("a", 1, 1000)).toBe(100);
    expect(buckets.waitFor("a", 3, 1000)).toBe(300);
    expect(buckets.waitFor("b", 1, 1000)).toBe(0);
    expect(buckets.waitFor("a", 1, 1100)).toBe(0);
    expect(buckets.waitFor("a", 1000, 1300)).toBe(0);
    buckets.take("a", 1_000_000, 1300);
    expect(buckets.waitFor("a", 1, 1300)).toBe(100);
  });

  test("only so many are kept, and full ones go first", () => {
    const buckets = new Buckets({ perSecond: 1, burst: 1 });
    buckets.take("empty", 1, 0);
    for (let i = 0; i < 49_999; i++) buckets.take(`a${i}`, 1, 100_000);
    // All but these are full by now.
    buckets.take("fresh", 1, 200_000);
    for (let i = 0; i < 49_000; i++) buckets.take(`b${i}`, 1, 200_000);
    expect(buckets.waitFor("fresh", 1, 200_000)).toBe(1000);
    for (let i = 0; i < 5_000; i++) buckets.take(`c${i}`, 1, 200_000);
    expect(buckets.waitFor("fresh", 1, 200_000)).toBe(0);
    expect(buckets.waitFor("c4999", 1, 200_000)).toBe(1000);
  });

  test("are full after the clock has been set back, be it by less than they take to fill", () => {
    for (const backMs of [5000, 1_000_000]) {
      const buckets = new Buckets({ perSecond: 1, burst: 10 });
      buckets.take("a", 1, 1_000_000);
      expect(buckets.waitFor("a", 10, 1_000_000)).toBe(1000);
      expect(buckets.waitFor("a", 10, 1_000_000 - backMs)).toBe(0);
    }
  });
});

function connectionOf(authed: string[], address = "127.0.0.1"): Connection {
  const quiet = { send() {}, sendEvent() {}, close() {}, heard() {}, resume() {}, pause: () => false };
  const socket = { ...quiet, isCrowded: false, isOverflowing: false };
  return new Connection(
    socket,
    { ...newIdentity(0, () => crypto.randomUUID()), pubkeys: authed },
    new Set(),
    originOf(address),
  );
}

const KEY = "a".repeat(64);

function ratesOf(variables: Record<string, string>): Rates {
  const config = parseConfig(variables);
  const { limitEvent: event, limitReq: req, limitCount: count, limitSync: sync, limitAuth: auth } = config;
  const { limitBytes: bytes, limitConnect: connect } = config;
  const clock = { nowSeconds: () => 0, nowMs: () => Date.now(), soon() {} };
  const rules = { event, req, count, sync, auth, connect, bytes };
  return new Rates(clock, (name) => rules[name]);
}

const SERVED = { waitMs: 0, isWithin: true };
const REQ: Charge = { class: "req", bytes: 1, exempt: "nothing" };

describe("rates", () => {
  test.each<[string, number, Charge]>([
    ["20,000 EVENTs", 20_000, { class: "event", kind: 1, bytes: 5000, exempt: "nothing" }],
    ["10,000 REQs", 10_000, { class: "req", bytes: 1000, exempt: "nothing" }],
    ["2,000 COUNTs", 2000, { class: "count", bytes: 1000, exempt: "nothing" }],
  ])("a burst of %s of one key on one connection is within the defaults", (_name, count, charge) => {
    for (const address of ["127.0.0.1", "203.0.113.7"]) {
      const [rates, connection] = [ratesOf({}), connectionOf([KEY], address)];
      for (let i = 0; i < count; i++) expect(rates.charge(connection, charge)).toEqual(SERVED);
    }
  });

  test("5,000 logins from one address are within the defaults", () => {
    const rates = ratesOf({});
    for (let i = 0; i < 5000; i++) {
      const connection = connectionOf([], "203.0.113.7");
      expect(rates.charge(connection, { class: "auth", bytes: 500, exempt: "nothing" })).toEqual(SERVED);
    }
  });

  test("this machine is no remote-ip, but is an ip", () => {
    for (const [variable, address, isLimited] of [
      ["remote-ip:1/1", "127.0.0.1", false],
      ["remote-ip:1/1", "::1", false],
      ["remote-ip:1/1", "10.0.0.1", true],
      ["ip:1/1", "127.0.0.1", true],
    ] as const) {
      const rates = ratesOf({ LIMIT_REQ: variable });
      const waits = [1, 2].map(() => rates.charge(connectionOf([], address), REQ).waitMs);
      expect(waits.map((wait) => wait > 0)).toEqual([false, isLimited]);
    }
  });

  test("connections of one IPv6 /64 share a rate; the next /64 has its own", () => {
    const rates = ratesOf({ LIMIT_REQ: "ip:1/1" });
    const wait = (address: string) => rates.charge(connectionOf([], address), REQ).waitMs;
    expect(wait("2001:db8::1")).toBe(0);
    expect(wait("2001:db8::ffff:0:0:1")).toBeGreaterThan(0);
    expect(wait("2001:db8:0:1::1")).toBe(0);
  });
});

describe("exemptions", () => {
  test("R-05-22 what is exempt from the rate of its class is counted there, and still held up by its bytes", () => {
    const rates = ratesOf({ LIMIT_EVENT: "ip:1/1", LIMIT_BYTES: "ip:1/100" });
    const vanish = (bytes: number) =>
      rates.charge(connectionOf([]), { class: "event", kind: 62, bytes, exempt: "class" });
    expect(vanish(10)).toEqual(SERVED);
    expect(vanish(10)).toEqual({ waitMs: 0, isWithin: false });
    expect(vanish(90)).toEqual({ waitMs: expect.any(Number), isWithin: false });
    expect(vanish(90).waitMs).toBeGreaterThan(0);
    const close: Charge = { class: undefined, bytes: 90, exempt: "all" };
    expect(rates.charge(connectionOf([]), close)).toEqual({ waitMs: 0, isWithin: false });
  });
});

describe("addresses", () => {
  test.each([
    ["203.0.113.7:1234", "203.0.113.7"],
    ["203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:1234", "203.0.113.7"],
    ["[2001:db8::1]:1234", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["[fe80::1%eth0]:99", "fe80::1"],
    ["unix:/tmp/x", undefined],
    ["010.2.3.4", undefined],
    ["1.2.3.08", undefined],
    ["1.2.3.256", undefined],
    ["0.0.0.0", "0.0.0.0"],
    ["", undefined],
  ])("a peer given as '%s'", (text, address) => expect(normalizeIp(withoutPort(text))).toBe(address));

  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["fe80::1", "fe80:0:0:0::/64"],
    ["2001:db8:1::", "2001:db8:1:0::/64"],
    ["::1", "::1"],
  ])("the network of %s", (address, network) => expect(networkOf(address)).toBe(network));

  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:DB8:1:2:3::7", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:3::7/48", "2001:db8:1::/48"],
    ["2001:db8:ffff::/35", "2001:db8:e000::/35"],
    ["2001:db8::7/128", "2001:db8::7/128"],
    ["::1", "::1/128"],
    ["2001:db8::/15", undefined],
    ["2001:db8::/129", undefined],
    ["2001:db8::/", undefined],
    ["2001:db8::/48/48", undefined],
    ["203.0.113.0/24", undefined],
    ["/64", undefined],
  ])("R-05-74 a block of %s", (text, network) => expect(normalizeNetwork(text)).toBe(network));

  test.each([
    ["ws://localhost:8787", true],
    ["ws://relay.localhost", true],
    ["ws://127.0.0.2", true],
    ["ws://127.1", true],
    ["ws://[::1]", true],
    ["ws://[::ffff:127.0.0.1]", true],
    ["wss://127.0.0.1.example.com", false],
    ["wss://127.example.com", false],
    ["wss://localhost.example.com", false],
    ["ws://0.0.0.0", false],
    ["ws://192.168.1.2", false],
  ])("R-05-55 %s names this machine: %s", (url, isHere) => expect(isLoopbackHost(new URL(url).hostname)).toBe(isHere));
});
