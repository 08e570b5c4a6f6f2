import { expect, test } from "vitest";
import { inspectedRelay, mendMethod } from "../../cloudflare/inspect.ts";
import { Random } from "../../support/random.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(
  `F-3 R-06-14 R-06-15 R-06-17 calls of SQLite throw under mixed load, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    const rounds = new Rounds("storage errors");
    const seen = { thrown: 0, refused: 0, closed: 0, notices: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const relay = inspectedRelay();
      const place = placeOf(relay);
      const ledger = new Ledger();
      const load = new Load(place, ledger, random, `storage ${seed}`);
      await load.connect(3, 2);
      load.start();
      await sleep(100);
      for (const probability of random.shuffle([0.01, 0.05, 0.1, 0.3])) {
        await relay.inside(({ storage }) => breakAtRandom(storage, random, probability, () => seen.thrown++));
        await sleep(random.int(100, 250));
        await relay.inside(({ storage }) => mendAll(storage));
        await sleep(random.int(0, 100));
      }
      await load.stop();
      const parties = [...load.publishers, ...load.subscribers];
      // R-06-14: no connection ends for it.
      expect(parties.filter(({ isClosed }) => isClosed)).toEqual([]);
      // R-06-15: whoever is refused is told in the form of what was asked, and with a NOTICE.
      seen.refused += ledger.refused.filter(({ ok }) => ok?.reason === "error: internal error").length;
      seen.notices += parties.flatMap(({ notices }) => notices).filter((text) => text === "internal error").length;
      for (const { ok } of ledger.refused) expect(ok?.reason).not.toMatch(/secret|SQLITE/);
      const heard = parties.flatMap(({ subscriptions }) => [...subscriptions.values()]);
      for (const { closed } of heard) expect(closed ?? "error: internal error").toBe("error: internal error");
      seen.closed += heard.filter(({ closed }) => closed !== undefined).length;
      rounds.take(seed, await check(place, ledger, parties));
      // And so it is after it was away.
      await relay.evict();
      const { acknowledged: _, ...again } = await check(place, ledger, parties);
      expect(again.problems.slice(0, 10), `seed ${seed}, after an eviction`).toEqual([]);
      load.leave();
    }
    rounds.print(seen);
    // Otherwise nothing has been put to the test.
    expect(seen.thrown).toBeGreaterThan(ROUNDS * 2);
    expect(seen.refused).toBeGreaterThan(0);
  },
  ROUNDS * 40_000 + 30_000,
);

/** Each call throws with the probability: before it does anything, or, a transaction, when all of it has been done. */
function breakAtRandom(storage: DurableObjectStorage, random: Random, probability: number, onThrow: () => void): void {
  const fail = (): never => {
    onThrow();
    throw new Error("secret detail of SQLITE");
  };
  const replace = (target: object, method: string, make: (call: (...args: unknown[]) => unknown) => unknown) => {
    const original = (target as Record<string, (...args: unknown[]) => unknown>)[method] as () => unknown;
    Object.defineProperty(target, method, { configurable: true, value: make(original.bind(target)) });
  };
  for (const [target, method] of [
    [storage.sql, "exec"],
    [storage.kv, "put"],
    [storage.kv, "delete"],
  ] as const) {
    replace(
      target,
      method,
      (call) =>
        (...args: unknown[]) =>
          random.chance(probability) ? fail() : call(...args),
    );
  }
  replace(storage, "transactionSync", (call) => (body: unknown) => {
    if (random.chance(probability / 2)) fail();
    return call(() => {
      const result = (body as () => unknown)();
      if (random.chance(probability / 2)) fail();
      return result;
    });
  });
}

function mendAll(storage: DurableObjectStorage): void {
  mendMethod(storage.sql, "exec");
  for (const method of ["put", "delete"]) mendMethod(storage.kv, method);
  mendMethod(storage, "transactionSync");
}
