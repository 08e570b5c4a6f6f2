import { describe, expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import { type Filter as ParsedFilter, parseFilter } from "../../src/protocol/filter.ts";
import type { Reader } from "../../src/protocol/visibility.ts";
import { filterOptions, parseConfig } from "../../src/relay/config/config.ts";
import { EventLog } from "../../src/store/event-log.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Filter } from "../support/client.ts";
import { putAll, type Template, unsigned } from "../support/events.ts";
import { SimulatedSql } from "./machine/simulated-sql.ts";

// Reads of many steps, and what happens between these: the log alone, with a meter by which a few events are many.

const MANY = 300;
const NOW = 1_800_000_000;
const AUTHOR = "a".repeat(64);
const NOBODY = { isPending: () => false, hides: () => false };
const STRANGER: Reader = { authed: new Set(), privateKinds: new Set() };

function open(stock: readonly Event[]) {
  const config = parseConfig({ MAX_LIMIT: "5000", DEFAULT_LIMIT: "5000" });
  const sql = SimulatedSql.fresh(100);
  const store = new EventStore(sql, { search: filterOptions(config).search });
  putAll(store, stock);
  while (store.hasWork) store.work();
  const log = new EventLog(sql, store, config, () => NOW, NOBODY);
  const parsed = (filters: readonly Filter[]) =>
    filters.map((filter) => (parseFilter(filter, filterOptions(config)) as { value: ParsedFilter }).value);
  return { store, log, parsed };
}

const of = (template: Template) => unsigned({ pubkey: AUTHOR, ...template });
const many = () => Array.from({ length: MANY }, (_, n) => of({ created_at: 1000 + n, content: `word ${n}` }));

describe("COUNT gives what the store held at one moment", () => {
  /** Of an author of its own, and so old that it is counted last. */
  const profile = (created_at: number) => unsigned({ pubkey: "ab".repeat(32), kind: 0, created_at });
  /** Two filters, so that events are scanned. */
  const ALL: Filter[] = [{ kinds: [1] }, { kinds: [0, 62] }];

  function countWhile(
    meanwhile: (store: EventStore, pauses: number) => void,
    filters: readonly Filter[] = ALL,
    reader = STRANGER,
    sketched?: string,
  ) {
    const { store, log, parsed } = open([...many(), profile(900)]);
    const steps = log.count(parsed(filters), reader, sketched);
    for (let pauses = 0; ; ) {
      const { done, value } = steps.next();
      if (done) return { result: value, pauses };
      meanwhile(store, ++pauses);
    }
  }

  test("R-05-34 an event that is replaced meanwhile neither counts twice nor is it missing", () => {
    for (let at = 1; at < 8; at++) {
      const { result, pauses } = countWhile((store, pauses) => {
        if (pauses === at) putAll(store, [profile(901)]);
      });
      expect(pauses).toBeGreaterThan(at);
      expect(result).toEqual({ count: MANY + 1, isApproximate: false });
    }
  });

  test("R-05-34 events that come meanwhile are not counted, and do not disturb", () => {
    const quiet = countWhile(() => {});
    const busy = countWhile((store) => putAll(store, [of({ created_at: 2000 })]));
    expect(quiet.result).toEqual({ count: MANY + 1, isApproximate: false });
    expect(busy).toEqual(quiet);
  });

  test("R-05-20 R-05-34 a request to vanish meanwhile hides all of its events or none", () => {
    const request = of({ kind: 62, created_at: NOW, tags: [["relay", "ALL_RELAYS"]] });
    const { result } = countWhile((store, pauses) => {
      if (pauses === 2) putAll(store, [request]);
    });
    expect(result).toEqual({ count: 2, isApproximate: false });
  });

  test.each([
    [ALL, undefined],
    [[{ kinds: [1], since: 1 }], "x"],
  ])(
    "R-05-34 R-05-37 while events go again and again, %j is counted as approximate, without registers",
    (filters, sketched) => {
      const quiet = countWhile(() => {}, filters, STRANGER, sketched);
      const { result, pauses } = countWhile(
        (store, pauses) => putAll(store, [profile(900 + pauses)]),
        filters,
        STRANGER,
        sketched,
      );
      const { count } = quiet.result as { count: number };
      expect(result).toEqual({ count: expect.any(Number), isApproximate: true });
      expect(Math.abs((result as { count: number }).count - count)).toBeLessThanOrEqual(1);
      expect(pauses).toBeLessThanOrEqual(3 * quiet.pauses + 3);
    },
  );

  test("R-05-29 that private events go meanwhile shows in the count of their parties only", () => {
    const [author, recipient, stranger] = ["c", "d", "e"].map((digit) => digit.repeat(64)) as [string, string, string];
    const counted = (reader: string) =>
      countWhile(
        (store) => {
          const wrap = unsigned({ pubkey: author, kind: 1059, tags: [["p", recipient]] });
          putAll(store, [wrap, unsigned({ pubkey: author, kind: 5, tags: [["e", wrap.id]] })]);
        },
        ALL,
        { authed: new Set([reader]), privateKinds: new Set([1059]) },
      ).result;
    expect(counted(stranger)).toEqual({ count: MANY + 1, isApproximate: false });
    for (const party of [author, recipient]) expect(counted(party)).toMatchObject({ isApproximate: true });
  });
});

describe("a stored answer under way", () => {
  const FILTERS: Filter[] = [
    { authors: [AUTHOR], kinds: [1] },
    { authors: [AUTHOR], kinds: [1], search: "word" },
  ];
  /** More than the store remembers. */
  const TOO_MANY_LOSSES = 20_000;

  /** `meanwhile` is done after the first page that has some, with the ids that are left. */
  function ask(filter: Filter, meanwhile: (store: EventStore, left: string[]) => void) {
    const events = many();
    const { store, log, parsed } = open(events);
    const pages = log.scan(parsed([filter]), STRANGER);
    const [before, after]: [string[], string[]] = [[], []];
    for (let isLast = false; !isLast; ) {
      const page = pages.next();
      isLast = page.isLast;
      const isFirst = before.length === 0;
      (isFirst ? before : after).push(...page.events.map((raw) => (JSON.parse(raw) as { id: string }).id));
      const left = events.map(({ id }) => id).filter((id) => !before.includes(id));
      if (isFirst && before.length > 0) meanwhile(store, left);
    }
    return { before, after };
  }

  test.each(FILTERS)("R-03-11 without any change all pages come: %j", (filter) => {
    const { before, after } = ask(filter, () => {});
    expect(new Set([...before, ...after]).size).toBe(MANY);
    expect(after.length).toBeGreaterThan(MANY / 2);
  });

  describe.each([0, TOO_MANY_LOSSES])("with %i other events that go", (others) => {
    test.each(FILTERS)("R-05-10 what is deleted is in no further page, and the rest is: %j", (filter) => {
      let kept: string[] = [];
      const { after } = ask(filter, (store, left) => {
        kept = left.filter((_, n) => n % 3 === 0 && n < left.length - 5);
        const gone = left.filter((id) => !kept.includes(id));
        putAll(store, [of({ kind: 5, tags: gone.map((id) => ["e", id]) })]);
        for (let n = 0; n < others; n++) store.losses.add({ id: "b".repeat(64), position: 0, loss: "removed" });
      });
      expect(after.sort()).toEqual(kept.sort());
    });
  });

  test.each(FILTERS)("R-05-20 of who has vanished nothing is in further pages: %j", (filter) => {
    const request = of({ kind: 62, created_at: NOW, tags: [["relay", "ALL_RELAYS"]] });
    const { before, after } = ask(filter, (store) => putAll(store, [request]));
    expect(before.length).toBeGreaterThan(0);
    expect(after).toEqual([]);
  });
});
