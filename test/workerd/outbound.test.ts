import { afterEach, describe, expect, test, vi } from "vitest";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import { Laggards } from "../../src/relay/laggards.ts";
import { Outbound, parseOutbound } from "../../src/relay/outbound.ts";
import type { Clock } from "../../src/relay/ports.ts";
import type { Client } from "../support/client.ts";
import { alice, bob, carol, now, unique } from "../support/keys.ts";
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
  let counted = 0;
  Date.now = () => nowMs;
  const count = (change: number) => {
    counted += change;
  };
  return {
    outbound: new Outbound(() => pingedMs, count),
    counted: () => counted,
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

  test.each(["says nothing", "sends frames", "pings"])("a client that %s, for an hour, at 1 MiB a second", (what) => {
    const { outbound, pass, ping, counted } = standing();
    let sent = 0;
    for (let second = 0; second < 3600 && !outbound.isOverflowing; second++) {
      pass(1);
      if (what === "sends frames" && second % 40 === 0) outbound.heard();
      if (what === "pings" && second % 40 === 0) ping();
      outbound.add(MIB);
      sent += MIB;
    }
    expect(sent / MIB).toBe(what === "says nothing" ? 257 : 3600);
    expect(counted()).toBe(outbound.unheard);
    if (what !== "says nothing") expect(counted()).toBeLessThanOrEqual(45 * MIB);
    outbound.heard();
    expect(counted()).toBe(0);
  });

  test("from 192 MiB without a sign of life, stored answers wait for one", () => {
    const { outbound, pass, ping } = standing();
    for (let second = 0; second < 192; second++) {
      pass(1);
      expect(outbound.isCrowded).toBe(false);
      outbound.add(MIB);
    }
    outbound.add(1);
    expect([outbound.isCrowded, outbound.isUnheard]).toEqual([true, true]);
    pass(100);
    expect(outbound.isCrowded).toBe(true);
    ping();
    expect([outbound.isCrowded, outbound.isUnheard]).toEqual([false, false]);
  });

  test("the counts are kept through hibernation, and strange ones are not believed", () => {
    const { outbound, counted } = standing();
    expect(outbound.add(3 * MIB)).toBe(false);
    expect(outbound.add(MIB)).toBe(true);
    outbound.add(29 * MIB);
    const state = parseOutbound(JSON.parse(JSON.stringify(outbound.state())));
    expect(outbound.add(MIB)).toBe(false);
    const before = counted();
    const restored = new Outbound(
      () => 0,
      (change) => expect(change).toBe(33 * MIB),
      state,
    );
    expect([restored.isOverflowing, restored.unheard, before]).toEqual([true, 33 * MIB, 34 * MIB]);
    for (const strange of [undefined, null, [], [1, 2], [1, 2, "3"], [-1, 0, 0], [Number.NaN, 0, 0]]) {
      expect(parseOutbound(strange)).toBe(undefined);
    }
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

describe("R-01-10 what all sockets are sent", () => {
  /** Connections that were sent so many MiB each; those that are cut off, in order, in so many looks. */
  async function cutOffOf(sizes: number[], looks = 1): Promise<number[]> {
    const tasks: (() => void | Promise<void>)[] = [];
    const clock: Clock = {
      nowSeconds: now,
      soon: (_ms, task) => void tasks.push(task),
      pause: async () => {},
      breathe() {},
    };
    const connections: Connection[] = [];
    const released: number[] = [];
    const laggards = new Laggards(
      clock,
      () => connections,
      (connection) => released.push(connections.indexOf(connection)),
    );
    for (const size of sizes) {
      const socket = { send() {}, close() {}, pingedMs: () => 0, attach() {} };
      const connection = new Connection(socket, newAttachment(0), new Set(), undefined, laggards);
      connections.push(connection);
      for (let n = 0; n < size; n++) connection.outbound.add(MIB);
    }
    for (let look = 0; look < looks; look++) await tasks.shift()?.();
    expect(connections.flatMap(({ isClosed }, n) => (isClosed ? [n] : [])).sort()).toEqual(released.toSorted());
    return released;
  }

  test("beyond 1 GiB without a sign of life the worst are cut off, down to 16 MiB", async () => {
    expect(await cutOffOf([200, 200, 200, 200, 200, 20])).toEqual([]);
    expect(await cutOffOf([200, 201, 205, 200, 200, 20])).toEqual([2]);
    // Here its socket stays, and what is queued there with it.
    expect(await cutOffOf([200, 201, 205, 200, 200, 20], 2)).toEqual([2, 1]);
    expect(await cutOffOf([...Array(90).fill(10), 150, 151, 15])).toEqual([91, 90]);
    expect(await cutOffOf([...Array(110).fill(10), 17])).toEqual([110]);
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
  // An eviction on the way forgets little of it: 17 MB before, 25 MB after.
  const events = Array.from({ length: 22 }, large);
  await vi.waitFor(async () => expect(Object.keys(await relay.rows())).toHaveLength(SUBSCRIPTIONS + 1), 3000);
  // The clock stands, so that nothing is taken to be read meanwhile.
  const stoppedAt = Date.now();
  Date.now = () => stoppedAt;
  for (const event of events.slice(0, 9)) expect((await a.publish(event))[2]).toBe(true);
  await relay.evict();
  for (const event of events.slice(9)) expect((await a.publish(event))[2]).toBe(true);
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
