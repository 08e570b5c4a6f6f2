import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import { putAll, unsigned, verified } from "../../support/events.ts";
import { memoryStore } from "../../support/memory-store.ts";

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
