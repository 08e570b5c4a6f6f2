import { expect, test } from "vitest";
import { inspectedRelay } from "../../cloudflare/inspect.ts";
import { Random } from "../../support/random.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";

const EVICTIONS = 2;

test(
  `F-4 R-06-12 R-06-20 the object is evicted again and again under mixed load, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    const rounds = new Rounds("eviction");
    let evictions = 0;
    let instances = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const relay = inspectedRelay();
      const place = placeOf(relay);
      const ledger = new Ledger();
      const load = new Load(place, ledger, random, `eviction ${seed}`);
      await load.connect(3, 2);
      const seen = new WeakSet<object>();
      for (let n = 0; n < EVICTIONS; n++) {
        load.start();
        await new Promise((resolve) => setTimeout(resolve, random.int(20, 200)));
        // It goes once what is under way is done; the runtime does not take it out of memory before.
        const stopped = load.stop();
        const isUnwritten = random.chance(0.3);
        // What is opened when nothing is written any more would be lost without a word: no runtime does that.
        if (isUnwritten) await stopped;
        await (isUnwritten ? relay.evictUnwritten() : relay.evict());
        await stopped;
        evictions++;
        await relay.inside((_state, object) => {
          if (!seen.has(object)) instances++;
          seen.add(object);
        });
      }
      const parties = [...load.publishers, ...load.subscribers];
      expect(parties.filter(({ isClosed }) => isClosed)).toEqual([]);
      // Never silence: a subscription lives, or is CLOSED because it was lost before it was written.
      for (const { closed } of parties.flatMap(({ subscriptions }) => [...subscriptions.values()])) {
        expect(closed ?? "error: subscription lost, send it again").toBe("error: subscription lost, send it again");
      }
      rounds.take(seed, await check(place, ledger, parties));
      load.leave();
    }
    rounds.print({ evictions, instances });
    expect(instances).toBeGreaterThan(ROUNDS);
  },
  ROUNDS * 60_000 + 30_000,
);
