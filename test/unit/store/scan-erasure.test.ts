import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import { putAll, unsigned, verified } from "../../support/events.ts";
import { memoryStore } from "../../support/memory-store.ts";
import {
  filter as filterOf,
  NOW,
  READER,
  Stock,
  unsigned as stocked,
  verified as stockedVerified,
} from "../stocked.ts";

/** Found by a fuzzer. */
test.each([[[{ kinds: [7] }, {}]], [[{}, { kinds: [7] }]]])(
  "R-03-11 R-03-17 R-05-20 a REQ under way goes on with what is left when the next event of one filter is erased, %j",
  (sources) => {
    const [vanishing, other] = ["a".repeat(64), "b".repeat(64)];
    const erased = [1, 2].map((i) => unsigned({ pubkey: vanishing, kind: 7, created_at: 1_700_000_000 + i }));
    const kept = unsigned({ pubkey: other, kind: 1, created_at: 1_699_999_000 });
    const request = unsigned({
      pubkey: vanishing,
      kind: 62,
      created_at: 1_700_000_010,
      tags: [["relay", "ALL_RELAYS"]],
    });
    const { store, sql } = memoryStore();
    putAll(store, [kept, ...erased]);
    const filters = sources.map((source) => {
      const parsed = parseFilter(source, { andFilters: false });
      if (!parsed.ok) throw new Error(parsed.reason);
      return parsed.value;
    });
    const reader = { authed: new Set<string>(), privateKinds: new Set<number>() };
    const { vanishing: hiding, head } = store;
    const snapshot = { head, now: 1_700_000_010, retention: [], hides: (event: Event) => hiding.hides(event) };
    const scan = new Scan(sql, filters, reader, { defaultLimit: 10, maxLimit: 10 }, snapshot);
    const idsOf = (page: string[]) => page.map((raw) => (JSON.parse(raw) as Event).id);
    expect(idsOf(scan.page(1))).toEqual([erased[1]?.id]);
    store.put([verified(request)]);
    expect(idsOf(scan.page(10))).toEqual([kept.id]);
    expect(scan.isDone).toBe(true);
  },
);

test("R-07-01 retention that passes during a stored answer holds for its further pages, and for what came live meanwhile", () => {
  const stock = new Stock({ retention: [{ from: 5000, to: 5999, seconds: 100 }] });
  const at = (i: number, kind: number) => stocked({ kind, created_at: NOW - 50 - i });
  const events = Array.from({ length: 40 }, (_, i) => [at(i, 5050), at(i, 1)]).flat();
  for (const event of events) stock.put({ ...event });
  const filters = [filterOf({ kinds: [1, 5050], limit: 1000 })];
  const answer = stock.log.scan(filters, READER);
  const live = stocked({ kind: 5050, created_at: NOW - 50 });
  stock.put(live);
  stock.now = NOW + 70;
  expect(answer.remaining([{ verified: stockedVerified(live), position: stock.store.head }])).toEqual([]);
  const kinds = answer.next().events.map((raw) => (JSON.parse(raw) as Event).kind);
  expect(kinds).toEqual(Array(40).fill(1));
});
