import { afterEach, describe, expect, test, vi } from "vitest";
import { Outbound } from "../../src/hosts/cloudflare/sockets/outbound.ts";
import { Connection, newIdentity } from "../../src/relay/connection.ts";
import type { Client } from "../support/client.ts";
import { alice, bob, carol, unique } from "../support/keys.ts";
import { expectEose, inspectedRelay } from "./inspect.ts";

const MIB = 1024 * 1024;
const CUT_OFF = "error: too slow to receive what was asked for";

const realNow = Date.now;

afterEach(() => {
  Date.now = realNow;
});

/** A count under a clock that stands, and goes on when told. */
function standing() {
  let nowMs = 1_700_000_000_000;
  let pingedMs = 0;
  Date.now = () => nowMs;
  return {
    outbound: new Outbound(() => pingedMs),
    pass: (seconds: number) => {
      nowMs += seconds * 1000;
    },
    ping: () => {
      pingedMs = nowMs;
    },
  };
}

describe("R-01-10 what one socket is sent", () => {
  test("a burst of 32 MiB, then 8 MiB a second", () => {
    const { outbound, pass } = standing();
    outbound.add(16 * MIB);
    expect(outbound.isCrowded).toBe(false);
    outbound.add(16 * MIB);
    expect([outbound.isCrowded, outbound.isOverflowing]).toEqual([true, false]);
    outbound.add(1);
    expect(outbound.isOverflowing).toBe(true);
    pass(1);
    outbound.add(8 * MIB - 1024);
    expect(outbound.isOverflowing).toBe(false);
  });

  test("a frame counts as 1 KiB at least", () => {
    const { outbound } = standing();
    for (let n = 0; n < 32 * 1024; n++) outbound.add(20);
    expect(outbound.isOverflowing).toBe(false);
    outbound.add(20);
    expect(outbound.isOverflowing).toBe(true);
  });

  test.each([
    ["says nothing", "at all", 3600],
    ["sends frames", "all the time", 3600],
    ["pings", "all the time", 3600],
    ["pings", "until it freezes", 600 + 121],
  ])("a client that %s %s, for an hour, at 1 MiB a second", (what, when, seconds) => {
    const { outbound, pass, ping } = standing();
    let second = 0;
    for (; second < 3600 && !outbound.isOverflowing; second++) {
      pass(1);
      const isTime = second % 40 === 0 && (when === "all the time" || second <= 600);
      if (what === "sends frames" && isTime) outbound.heard();
      if (what === "pings" && isTime) ping();
      outbound.add(MIB);
    }
    // The runtime is asked about pings every 4 MiB, and the last one was up to 40 s before.
    expect(second).toBeGreaterThanOrEqual(seconds);
    expect(second).toBeLessThanOrEqual(Math.min(3600, seconds + 10));
  });

  test("a frame of the client makes room for 256 KiB, so that asking again and again is not held up", () => {
    const { outbound } = standing();
    for (let n = 0; n < 1000; n++) {
      outbound.heard();
      outbound.heard();
      outbound.add(MIB / 2);
    }
    expect(outbound.isCrowded).toBe(false);
    for (let n = 0; n < 40; n++) outbound.add(MIB);
    expect([outbound.isCrowded, outbound.isOverflowing]).toEqual([true, true]);
  });

  test("one that froze but is sent little is left alone: it may come back", () => {
    const { outbound, pass, ping } = standing();
    ping();
    for (let hour = 0; hour < 24; hour++) {
      pass(3600);
      outbound.add(MIB);
      expect(outbound.isOverflowing).toBe(false);
    }
  });

  test("who has to log in is answered 512 KiB, whatever the time", () => {
    const socket = { send() {}, sendEvent() {}, close() {}, heard() {}, resume() {}, pause: () => false };
    const quiet = { ...socket, isCrowded: false, isOverflowing: false };
    const connection = new Connection(
      quiet,
      newIdentity(0, () => "00"),
      new Set(),
      undefined,
    );
    for (let n = 0; n < 512; n++) connection.sendText("short");
    expect(connection.isExcessive(true)).toBe(false);
    connection.sendText("short");
    expect([true, false].map((mustLogIn) => connection.isExcessive(mustLogIn))).toEqual([true, false]);
    connection.authed.add(alice.pubkey);
    expect(connection.isExcessive(true)).toBe(false);
  });

  test("a clock that is set back or forward does not fill it", () => {
    const { outbound, pass } = standing();
    outbound.add(32 * MIB);
    pass(-3600);
    expect([outbound.isCrowded, outbound.isOverflowing]).toEqual([true, false]);
    pass(2);
    expect(outbound.isCrowded).toBe(false);
    pass(7200);
    outbound.add(32 * MIB);
    expect(outbound.isOverflowing).toBe(false);
  });
});

/** Events of which each is sent some 1.9 MB to a connection with all of {@link openMany}. */
const SUBSCRIPTIONS = 20;
const large = () => unique(alice, { kind: 20001, content: crypto.randomUUID() + "x".repeat(95_000) });

async function openMany(client: Client): Promise<void> {
  for (let n = 0; n < SUBSCRIPTIONS; n++) await expectEose(client, `many-${n}`, { kinds: [20001] });
}

test("R-01-10 R-06-19 a receiver of more than it may be sent gets a NOTICE and 1008; the others get everything", async () => {
  const relay = inspectedRelay();
  const [a, b, c] = [await relay.login(alice), await relay.login(bob), await relay.login(carol)];
  await openMany(b);
  await expectEose(c, "one", { kinds: [20001] });
  const events = Array.from({ length: 22 }, large);
  await vi.waitFor(async () => expect(Object.keys(await relay.rows())).toHaveLength(SUBSCRIPTIONS + 1), 3000);
  // The clock stands, so that nothing is taken to be read meanwhile.
  const stoppedAt = Date.now();
  Date.now = () => stoppedAt;
  for (const event of events) expect((await a.publish(event))[2]).toBe(true);
  Date.now = realNow;
  await b.until(([verb, text]) => verb === "NOTICE" && text === CUT_OFF);
  await vi.waitFor(() => expect(b.closed).toEqual({ code: 1008, reason: CUT_OFF }));
  for (const event of events) expect(await c.next()).toEqual(["EVENT", "one", event]);
  await relay.expectRows(`${await relay.prefixOf(c)}one`);
  // Nobody counts as a hearer who was cut off.
  c.send(["CLOSE", "one"]);
  expect(await a.publish(large())).toEqual(["OK", expect.any(String), false, expect.stringMatching(/^mute: /)]);
});

test("R-01-10 a client that asks for far more than it may be sent is not answered for ever", async () => {
  const relay = inspectedRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  for (let n = 0; n < 20; n++) await a.publish(unique(alice, { content: `${n}${"x".repeat(95_000)}` }));
  const REQS = 30;
  // Some 1 MiB each in the first turn, which is all that is sent while the socket is crowded.
  for (let n = 0; n < REQS; n++) b.send(["REQ", `s${n}`, { kinds: [1] }]);
  const startedAt = Date.now();
  let received = 0;
  for (let ended = 0; ended < REQS; ) {
    const text = await b.nextText();
    received += text.length;
    if (text.startsWith('["EOSE"')) ended++;
    expect(received).toBeLessThan((18 + ((Date.now() - startedAt) / 1000) * 8 + 10) * MIB);
  }
  expect(received).toBeGreaterThan(REQS * 20 * 95_000);
  expect(await b.settled()).toEqual([]);
}, 60_000);
