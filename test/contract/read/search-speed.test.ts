import { expect, test } from "vitest";
import { EventStore } from "../../../src/store/event-store.ts";
import type { Filter } from "../../support/client.ts";
import { alice, bob } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { unsigned, verified } from "../../support/stock.ts";

/** Raise this to measure a larger store. */
const EVENTS = 30_000;
const ROUNDS = 10;
const SEED = 50;

/** More than a search may score, so that "every" is cut off (R-05-40, R-05-38). */
const MAX_CANDIDATES = 20_000;

/** Texts of 5 to 45 words; `every`, one in ten `tenth`, one in a thousand `rare`. */
async function fill(relay: TestRelay): Promise<void> {
  const random = new Random(SEED);
  const event = (i: number) => {
    const words = Array.from({ length: random.int(5, 45) }, () => `w${Math.floor(5000 * random.next() ** 2)}`);
    if (i % 10 === 0) words.push("tenth");
    if (i % 1000 === 0) words.push("rare");
    const content = `every ${words.join(" ")}`;
    return verified(unsigned({ pubkey: bob.pubkey, created_at: 1_700_000_000 + i, tags: [["t", "x"]], content }));
  };
  await relay.database((sql) => {
    const store = new EventStore(sql, { search: { exceptKinds: new Set() } });
    const batches: number[] = [];
    for (let from = 0; from < EVENTS; from += 250) {
      const batch = Array.from({ length: 250 }, (_, i) => event(from + i));
      const startedAt = performance.now();
      store.put(batch);
      batches.push(performance.now() - startedAt);
    }
    console.log(`${EVENTS} events, a batch of 250 ${percentiles(batches)}, ${sql.size()} bytes`);
  });
}

function percentiles(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

test(`R-05-40 searches among ${EVENTS} events are bounded, and others are served meanwhile, seed ${SEED}`, async () => {
  const relay = freshRelay();
  await fill(relay);
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  // The index of words follows in the background.
  await relay.ring();
  const table: [Filter, unknown][] = [
    [{ search: "rare", limit: 20 }, EVENTS / 1000],
    [{ search: "tenth", limit: 20 }, EVENTS / 10],
    [{ search: "tenth rare" }, EVENTS / 1000],
    [{ search: "every", limit: 20 }, undefined],
    [{ search: "every w0 w1 w2 w3 w4 w5", limit: 20 }, undefined],
  ];
  for (const [filter, matches] of table) {
    const searches: number[] = [];
    const waits: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = Date.now();
      let isDone = false;
      const answer = a.req("s", filter).finally(() => {
        isDone = true;
      });
      do {
        const askedAt = Date.now();
        await b.ask(["COUNT", "c", { ids: ["0".repeat(64)] }]);
        waits.push(Date.now() - askedAt);
        // Sockets inside one process never rest, and timers wait for them.
        await new Promise((resolve) => setTimeout(resolve, 1));
      } while (!isDone);
      expect((await answer).end[0]).toBe("EOSE");
      searches.push(Date.now() - startedAt);
    }
    console.log(`${JSON.stringify(filter)}: ${percentiles(searches)}; others wait ${percentiles(waits)}`);
    const [, , counted] = await a.ask(["COUNT", "c", filter]);
    if (matches !== undefined) expect(counted).toEqual({ count: matches });
  }
  expect((await a.ask(["COUNT", "c", { search: "every" }]))[2]).toEqual({ count: MAX_CANDIDATES, approximate: true });
  const all = await a.req("all", { search: "every" }, { search: "rare" });
  expect(all.end).toEqual(["EOSE", "all", ["more"]]);
}, 300_000);
