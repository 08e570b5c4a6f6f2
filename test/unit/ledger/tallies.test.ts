import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { Counts } from "../../../src/store/counts.ts";
import { Cleanup } from "../../../src/store/erase/cleanup.ts";
import { numbersOf, type TallyChange, tallyKey } from "../../../src/store/ledger/tallies.ts";
import { readMeta } from "../../../src/store/schema.ts";
import { NOW, Stock, unsigned } from "../stocked.ts";
import { ALFA, BRAVO, CUSTOMER, deletion, feedback, request, result, talliesOf } from "./jobs.ts";

test("R-07-17 the row of numbers stays small, whatever kinds and durations jobs have", () => {
  const { sql } = new Stock();
  const counts = new Counts(sql, 0, () => NOW);
  const tallies: TallyChange[] = [];
  for (let kind = 5000; kind < 6000; kind++) {
    const count = kind === 5050 ? 9 : 1;
    for (let hour = 0; hour < 26; hour++) {
      for (const of of [kind, kind + 1000]) {
        tallies.push([tallyKey.hour({ kind: of, created_at: NOW - hour * 3600 }), count]);
      }
    }
    for (let place = 0; place < 232; place++) tallies.push([tallyKey.result(kind, place), count]);
    for (const state of ["requested", "success"] as const) tallies.push([tallyKey.state(kind, state), 1]);
  }
  counts.apply({ events: [], tallies });
  counts.save(1);
  expect((readMeta(sql, "counts") as string).length).toBeLessThan(750_000);
  const again = new Counts(sql, 1, () => NOW);
  expect(again.tallies().size).toBe(counts.tallies().size);
  // States are whole, and the kinds with most are.
  const { day, results, states } = numbersOf(counts.tallies(), NOW);
  expect([states.size, day.get(5050), results.get(5050)?.size]).toEqual([1000, 25 * 9, 232]);
  // What was dropped and goes is not counted; what changes nothing is not either.
  const key = tallyKey.result(5999, 7);
  const change = (...all: TallyChange[]) => counts.apply({ events: [], tallies: all });
  expect(results.has(5999)).toBe(false);
  change([key, -1]);
  change([key, -1], [key, 1]);
  expect(counts.tallies().has(key)).toBe(false);
});

test("R-07-17 hours that nobody asks for are not kept, when events of them come and when time passes", () => {
  const stock = new Stock();
  const hours = () => [...stock.store.counts.tallies().keys()].filter((key) => key.startsWith("h:")).length;
  const old = Array.from({ length: 300 }, (_, i) =>
    unsigned({ kind: 6050, pubkey: ALFA, created_at: NOW - 3600 * (i + 30), tags: [["p", CUSTOMER]] }),
  );
  stock.put(...old, request());
  expect(hours()).toBe(1);
  stock.sql.all("DELETE FROM meta WHERE key = 'counts'");
  stock.restart();
  expect(hours()).toBe(1);
  stock.now += 3 * 86_400;
  stock.log.saveCounts();
  expect(hours()).toBe(0);
});

test("R-07-17 a removal is done although its numbers cannot be saved, and is counted; one that is undone is not", () => {
  const stock = new Stock();
  const [one, two, three] = [request(), request(), request()];
  stock.put(one, two, three);
  stock.log.saveCounts();
  const cleanup = new Cleanup(stock.sql, stock.store);
  const numbers = () => {
    const { counts } = stock.store;
    return [counts.byKind().get(5050), [...counts.tallies().values()]];
  };
  stock.sql.all(
    "CREATE TRIGGER refuse BEFORE INSERT ON meta WHEN new.key = 'counts' BEGIN SELECT RAISE(ABORT, 'too big'); END",
  );
  cleanup.removeEvent(one.id);
  expect(stock.store.lookups.find(one.id)).toBe(undefined);
  expect(numbers()).toEqual([2, [2, 2]]);
  expect(stock.log.hasUnsavedCounts).toBe(true);
  stock.restart();
  expect(numbers()).toEqual([2, [2, 2]]);
  stock.sql.all("DROP TRIGGER refuse");
  stock.sql.all("CREATE TRIGGER keep BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'full'); END");
  expect(() => new Cleanup(stock.sql, stock.store).removeEvent(two.id)).toThrow("full");
  expect(numbers()).toEqual([2, [2, 2]]);
  stock.sql.all("DROP TRIGGER keep");
  // The last statement of the transaction fails.
  const { transaction } = stock.sql;
  stock.sql.transaction = (body) =>
    transaction.call(stock.sql, () => {
      body();
      throw new Error("not committed");
    }) as never;
  expect(() => new Cleanup(stock.sql, stock.store).removeEvent(two.id)).toThrow("not committed");
  expect(numbers()).toEqual([2, [2, 2]]);
});

test("R-07-17 after a crash only the events that no save knows are looked at, whatever was removed since", () => {
  const stock = new Stock();
  const jobs = Array.from({ length: 600 }, (_, i) => request({ created_at: NOW - i }));
  stock.put(...jobs);
  stock.log.saveCounts();
  const cost = () => {
    const before = stock.sql.meter.spent;
    stock.restart();
    return stock.sql.meter.spent - before;
  };
  const known = () => [talliesOf(stock.store, NOW), stock.store.counts.byKind()];
  const saved = cost();
  const [first, second] = jobs as [Event, Event];
  stock.put(deletion(first), result(second, ALFA), request(), unsigned({ kind: 7000 }), unsigned({ kind: 0 }));
  // It removes the one before, which is of no job.
  stock.put(unsigned({ kind: 0, created_at: NOW + 1 }));
  stock.store.eraseSome();
  stock.put(request(), feedback(second, BRAVO, "error"));
  const before = known();
  const crashed = cost();
  expect(known()).toEqual(before);
  stock.sql.all("DELETE FROM meta WHERE key = 'counts'");
  const anew = cost();
  expect(known()).toEqual(before);
  expect(crashed - saved).toBeLessThan((anew - saved) / 10);
});
