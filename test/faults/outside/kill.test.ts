import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import { type Server, startServer } from "../../support/server.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

test(
  `F-1 kill -9 under mixed load, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    const place = placeOf(server);
    const ledger = new Ledger();
    const rounds = new Rounds("kill");
    let before: Awaited<ReturnType<typeof check>> | undefined;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const load = new Load(place, ledger, random, `kill ${seed}`);
      // Not in each round: all that was ever sent is looked up after every one.
      load.isPaged = (seed - FIRST_SEED) % 5 === 0;
      await load.connect(4, 3);
      load.start();
      await new Promise((resolve) => setTimeout(resolve, random.int(300, 1500)));
      const killed = server.kill("SIGKILL");
      await load.stop();
      await killed;
      await server.restart();

      // Whoever comes back goes on as before.
      const parties = [...load.publishers, ...load.subscribers];
      const next = new Load(place, ledger, random, `kill ${seed} again`);
      next.isPaged = false;
      await next.connect(2, 2);
      next.start();
      await new Promise((resolve) => setTimeout(resolve, 400));
      await next.stop();
      const findings = await check(place, ledger, [...parties, ...next.publishers, ...next.subscribers]);
      rounds.take(seed, findings, before);
      before = findings;
      next.leave();
    }
    rounds.print();
    // Otherwise nothing has been put to the test.
    expect(rounds.acknowledged).toBeGreaterThan(ROUNDS * 50);
    if (ROUNDS > 2) expect(rounds.unanswered).toBeGreaterThan(0);
  },
  ROUNDS * 30_000 + 30_000,
);
