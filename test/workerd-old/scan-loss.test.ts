import { describe, expect, test } from "vitest";
import { localLog } from "../../src/hosts/local-log.ts";
import type { Event } from "../../src/protocol/event.ts";
import { type Filter as ParsedFilter, parseFilter } from "../../src/protocol/filter.ts";
import { filterOptions, parseConfig } from "../../src/relay/config/config.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Filter } from "../support/client.ts";
import { now } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { counting, inStore, putAll, unsigned, verified } from "./stocked.ts";

// What goes while a large answer is under way is not in the pages that come after.

const AUTHOR = "a".repeat(64);
const MANY = 1200;
const NOBODY = { isPending: () => false, hides: () => false };

/** Asks for events of one author. `meanwhile` is done after the first page that has some, with the ids that are left. */
async function ask(
  filter: Filter,
  meanwhile: (store: EventStore, left: string[]) => void,
): Promise<{ before: string[]; after: string[] }> {
  return inStore(freshRelay(), async (_empty, sql) => {
    const config = parseConfig({ MAX_LIMIT: "5000", DEFAULT_LIMIT: "5000" });
    const store = new EventStore(sql, { search: filterOptions(config).search });
    const events = Array.from({ length: MANY }, (_, n) =>
      unsigned({ pubkey: AUTHOR, created_at: 1000 + n, content: `word ${n}` }),
    );
    putAll(store, events);
    const clock = { nowSeconds: now, soon() {}, pause: async () => {}, breathe: async () => {} };
    const log = localLog(sql, store, config, clock, NOBODY, { stored() {}, vanishing() {} });
    const parsed = parseFilter(filter, filterOptions(config)) as { value: ParsedFilter };
    const pages = log.scan([parsed.value], { authed: new Set(), privateKinds: new Set() });
    const [before, after]: [string[], string[]] = [[], []];
    for (let isLast = false; !isLast; ) {
      const page = await pages.next();
      isLast = page.isLast;
      const isFirst = before.length === 0;
      (isFirst ? before : after).push(...page.events.map((raw) => (JSON.parse(raw) as { id: string }).id));
      const left = events.map(({ id }) => id).filter((id) => !before.includes(id));
      if (isFirst && before.length > 0) meanwhile(store, left);
    }
    return { before, after };
  });
}

const deletion = (ids: string[]) => unsigned({ pubkey: AUTHOR, kind: 5, tags: ids.map((id) => ["e", id]) });
const vanishing = () => unsigned({ pubkey: AUTHOR, kind: 62, created_at: now(), tags: [["relay", "ALL_RELAYS"]] });

const FILTERS: Filter[] = [
  { authors: [AUTHOR], kinds: [1] },
  { authors: [AUTHOR], kinds: [1], search: "word" },
];

test.each(FILTERS)("R-03-11 without any change all pages come: %j", async (filter) => {
  const { before, after } = await ask(filter, () => {});
  expect(new Set([...before, ...after]).size).toBe(MANY);
  expect(after.length).toBeGreaterThan(500);
});

/** More than the store remembers. */
const TOO_MANY_LOSSES = 20_000;

describe.each([0, TOO_MANY_LOSSES])("with %i other events that go", (others) => {
  test.each(FILTERS)("R-05-10 what is deleted is in no further page, and the rest is: %j", async (filter) => {
    let kept: string[] = [];
    const { after } = await ask(filter, (store, left) => {
      kept = left.filter((_, n) => n % 3 === 0 && n < left.length - 5);
      const gone = left.filter((id) => !kept.includes(id));
      putAll(store, [deletion(gone)]);
      for (let n = 0; n < others; n++) store.losses.add({ id: "b".repeat(64), position: 0, loss: "removed" });
    });
    expect(after.sort()).toEqual(kept.sort());
  });
});

test("pages are held against what went without reading anything", async () => {
  await inStore(freshRelay(), (_store, sql) => {
    const { counted, statements } = counting(sql);
    const store = new EventStore(counted);
    const [gone, ...kept] = Array.from({ length: 5 }, () => unsigned({ pubkey: AUTHOR }));
    putAll(store, [gone as Event, ...kept]);
    const { count } = store.losses;
    putAll(store, [deletion([(gone as Event).id])]);
    const raws = [gone as Event, ...kept].map((event) => verified(event).raw);
    const before = statements();
    expect(store.remaining(raws, count)).toEqual(raws.slice(1));
    expect(statements()).toBe(before);
  });
});

test.each(FILTERS)("R-05-20 of who has vanished nothing is in further pages: %j", async (filter) => {
  const { before, after } = await ask(filter, (store) => putAll(store, [vanishing()]));
  expect(before.length).toBeGreaterThan(0);
  expect(after).toEqual([]);
});
