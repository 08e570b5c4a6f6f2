import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, key, unique } from "../../support/keys.ts";
import { relayOf } from "../../support/processes.ts";
import { type Server, startServer, until } from "../../support/server.ts";
import { Ledger } from "../ledger.ts";
import { Party } from "../party.ts";
import { placeOf, ROUNDS } from "./place.ts";
import { p99, type Receiver, receiver, residentMiB, statistics } from "./receivers.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

const RECEIVERS = 3;
const SUBSCRIPTIONS = 12;
const STORED = 20;
const EVENTS = 100;
const SIZE = 95_000;
const MIB = 1024 * 1024;
/** What one socket may be sent: a burst, and so much each second. */
const BURST_MIB = 32;
const RATE_MIB = 8;
/** Of events on their way, and of the garbage of texts. */
const HEAP_MIB = 128;
const CUT_OFF = "error: too slow to receive what was asked for";

const large = (kind: number) => unique(alice, { kind, content: crypto.randomUUID() + "x".repeat(SIZE) });

test("R-01-10 receivers that never read: memory is bounded, the others are served, the laggards get a NOTICE and 1008", async () => {
  const place = placeOf(server);
  const ledger = new Ledger();
  const [publisher, other] = [await Party.login(place, alice, ledger), await Party.login(place, key(5), ledger)];
  const hearer = await Party.login(place, bob, ledger);
  for (let n = 0; n < STORED; n++) await publisher.publish(large(1));
  const heard = await hearer.subscribe("live", { kinds: [20_001] });
  const receivers: Receiver[] = [];
  for (let n = 0; n < RECEIVERS; n++) {
    const filters = Array.from({ length: SUBSCRIPTIONS }, () => ({ kinds: [20_001] }));
    receivers.push(await receiver(server.url, n, ...filters));
  }
  const small = async () => {
    for (let n = 0; n < 50; n++) await other.publish(unique(other.key));
  };
  await small();
  const calm = p99(other.latencies.splice(0));

  const relay = relayOf(server.pid());
  const base = residentMiB(relay);
  let peak = base;
  const startedAt = Date.now();
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMiB(relay));
  }, 50);
  for (const one of receivers) one.pause();
  // Stored answers of some 100 MB, then live events of some 110 MB, for each of them.
  for (const { client } of receivers) {
    for (let n = 0; n < 50; n++)
      client.socket.send(JSON.stringify(["REQ", `stored${n}`, { kinds: [1], limit: STORED }]));
  }
  let isOver = false;
  const beside = (async () => {
    while (!isOver) await small();
  })();
  for (let n = 0; n < EVENTS; n++) await publisher.publish(large(20_001));
  isOver = true;
  await beside;
  clearInterval(watch);
  const seconds = (Date.now() - startedAt) / 1000;
  const during = p99(other.latencies);
  const aimed = (EVENTS * SUBSCRIPTIONS + 50 * STORED) * SIZE * RECEIVERS;
  const bound = base + RECEIVERS * (BURST_MIB + RATE_MIB * seconds) + HEAP_MIB;
  const figures = { aimed_mib: aimed / MIB, seconds, base_mib: base, peak_mib: peak, bound_mib: bound };
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value)]));
  console.log(`never read: ${JSON.stringify({ ...rounded, p99_ms_before: calm, p99_ms_during: during })}`);
  expect(peak).toBeLessThan(bound);
  expect(during).toBeLessThan(Math.max(10 * calm, ROUNDS > 2 ? 500 : 2000));

  // They have lost their places and subscriptions at once, though their sockets are still there.
  expect(await statistics(server)).toMatchObject({ connections: 3, subscriptions: 1 });
  await hearer.settled();
  expect([...heard.received.values()]).toEqual(Array.from({ length: EVENTS }, () => 1));
  for (const one of receivers) one.resume();
  for (const one of receivers) {
    await until("it is closed", () => one.closed !== undefined);
    expect(one.closed).toEqual({ code: 1008, reason: CUT_OFF });
    expect(one.heads.at(-1)).toBe(JSON.stringify(["NOTICE", CUT_OFF]));
  }
}, 120_000);
