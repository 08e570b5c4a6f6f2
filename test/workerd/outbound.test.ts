import { afterEach, describe, expect, test, vi } from "vitest";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import { Outbound, parseOutbound } from "../../src/relay/outbound.ts";
import { Subscription } from "../../src/relay/subscription.ts";
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
    outbound.add(8 * MIB - 1);
    expect(outbound.isOverflowing).toBe(false);
  });

  test.each(["says nothing", "sends frames", "pings"])("a client that %s, for an hour, at 1 MiB a second", (what) => {
    const { outbound, pass, ping } = standing();
    let sent = 0;
    for (let second = 0; second < 3600 && !outbound.isOverflowing; second++) {
      pass(1);
      outbound.add(MIB);
      sent += MIB;
      if (what === "sends frames" && second % 40 === 0) outbound.heard();
      if (what === "pings" && second % 40 === 0) ping();
    }
    expect(sent / MIB).toBe(what === "says nothing" ? 44 + 33 : 3600);
  });

  test("whoever says nothing gets 392 MiB at most, as fast as may be; a stored answer ends then", () => {
    const { outbound, pass } = standing();
    let sent = 0;
    for (let n = 0; n < 100_000; n++) {
      pass(0.01);
      if (outbound.isOverflowing) continue;
      outbound.add(MIB);
      sent += MIB;
    }
    expect(sent).toBeLessThanOrEqual((32 + 45 * 8 + 1) * MIB);
    expect(outbound.isStuck).toBe(true);
    outbound.heard();
    expect(outbound.isStuck).toBe(false);
  });

  test("the count is kept through hibernation, and a strange one is not believed", () => {
    const { outbound } = standing();
    expect(outbound.add(3 * MIB)).toBe(false);
    expect(outbound.add(MIB)).toBe(true);
    outbound.add(29 * MIB);
    const state = outbound.state();
    expect(outbound.add(MIB)).toBe(false);
    expect(new Outbound(() => 0, parseOutbound(JSON.parse(JSON.stringify(state)))).isOverflowing).toBe(true);
    for (const strange of [undefined, null, [], [1, 2], [1, 2, "3"], [-1, 0, 0], [Number.NaN, 0, 0]]) {
      expect(parseOutbound(strange)).toBe(undefined);
    }
  });

  test("a clock that is set back or forward does not fill it", () => {
    const { outbound, pass } = standing();
    outbound.add(32 * MIB);
    pass(-3600);
    expect(outbound.isOverflowing).toBe(false);
    pass(2);
    expect(outbound.isCrowded).toBe(false);
    pass(7200);
    outbound.add(32 * MIB);
    expect(outbound.isOverflowing).toBe(false);
  });
});

test.each([
  ["8 MiB", MIB, 8],
  ["10,000 events", 100, 10_000],
])("R-01-10 live events that wait for the stored ones: %s at most", (_what, size, most) => {
  const nowhere = { send() {}, close() {}, pingedMs: () => 0, attach() {} };
  const connection = new Connection(nowhere, newAttachment(0), new Set(), undefined);
  const subscription = new Subscription(connection, "s", [], []);
  let kept = 0;
  while (subscription.sendLive("x".repeat(size))) kept++;
  expect(kept).toBe(most);
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
