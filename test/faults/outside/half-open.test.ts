import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import { type Server, startServer, until } from "../../support/server.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";
import { hearers, p99, type Receiver, receiver, statistics } from "./receivers.ts";

let server: Server;
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await server.stop();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(
  `F-6 R-01-10 R-06-19 receivers that stop, vanish or crawl, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    const place = placeOf(server);
    const rounds = new Rounds("half-open");
    const latency = { calm: 0, during: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const ledger = new Ledger();
      const tag = `half-open ${seed}`;
      const load = new Load(place, ledger, random, tag);
      load.waitMs = 5;
      await load.connect(3, 2);
      const [stopped, killed] = [await hearers(server, 4, tag), await hearers(server, 4, tag)];
      children.push(stopped, killed);
      const receivers: Receiver[] = [];
      for (let n = 0; n < 8; n++) receivers.push(await receiver(server.url, n, { "#t": [tag] }));
      const [paused, slow, torn] = [receivers.slice(0, 2), receivers.slice(2, 4), receivers.slice(4)];

      load.start();
      await sleep(500);
      const marks = load.publishers.map(({ latencies }) => latencies.length);
      stopped.kill("SIGSTOP");
      for (const one of paused) one.pause();
      const crawl = setInterval(() => {
        for (const one of slow)
          if (random.chance(0.5)) one.pause();
          else one.resume();
      }, 20);
      await sleep(random.int(50, 400));
      killed.kill("SIGKILL");
      for (const [i, one] of torn.entries()) one.tear(i % 2 === 0);
      await sleep(700);
      await load.stop();
      clearInterval(crawl);
      const calm = load.publishers.flatMap(({ latencies }, i) => latencies.slice(0, marks[i]));
      const during = load.publishers.flatMap(({ latencies }, i) => latencies.slice(marks[i]));
      latency.calm = Math.max(latency.calm, p99(calm));
      latency.during = Math.max(latency.during, p99(during));

      // Those whose end the relay can see are gone; those that only do not read are not.
      const parties = [...load.publishers, ...load.subscribers];
      const own = load.subscribers.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0);
      const quiet = { connections: parties.length + 4 + 4, subscriptions: own + 4 + 4 };
      await until("the dead are gone", async () => matches(await statistics(server), quiet));
      rounds.take(seed, await check(place, ledger, parties));

      // Nothing was lost for those that read again.
      for (const one of [...paused, ...slow]) one.resume();
      for (const one of [...paused, ...slow]) {
        await until("the last event has come", () => one.heads.length >= (receivers[0]?.heads.length ?? 0));
        expect(one.closed).toBe(undefined);
      }
      await until("all have received the same", () => {
        return (
          new Set([...paused, ...slow].map(({ heads }) => heads.filter((head) => head.startsWith('["EVENT"')).length))
            .size === 1
        );
      });
      stopped.kill("SIGKILL");
      for (const one of [...paused, ...slow]) one.tear();
      load.leave();
      await until("all are gone", async () => matches(await statistics(server), { connections: 0, subscriptions: 0 }));
    }
    rounds.print({ p99_ms_before: Math.round(latency.calm), p99_ms_during: Math.round(latency.during) });
    expect(latency.during).toBeLessThan(Math.max(3 * latency.calm, ROUNDS > 2 ? 250 : 1000));
    expect(rounds.acknowledged).toBeGreaterThan(ROUNDS * 50);
  },
  ROUNDS * 40_000 + 30_000,
);

function matches(actual: Record<string, unknown>, expected: Record<string, unknown>): boolean {
  return Object.entries(expected).every(([name, value]) => actual[name] === value);
}
