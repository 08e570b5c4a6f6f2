import { expect, test } from "vitest";
import { localLog } from "../../src/hosts/local-log.ts";
import { type Filter as ParsedFilter, parseFilter } from "../../src/protocol/filter.ts";
import type { Reader } from "../../src/protocol/visibility.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Filter } from "../support/client.ts";
import { alice, now, unique } from "../support/keys.ts";
import { putRandom } from "../support/neg-records.ts";
import { freshRelay } from "../support/relay.ts";
import { inStore, putAll, unsigned } from "./stocked.ts";

// A COUNT that takes several turns gives what the store held at one moment.

/** Nobody is being erased. */
const NOBODY = { isPending: () => false, hides: () => false };

const MANY = 30_000;

/** Of an author of its own, and so old that it is counted last. */
const profile = (created_at: number) => unsigned({ pubkey: "ab".repeat(32), kind: 0, created_at });

/** Two filters, so that events are scanned. */
const ALL: Filter[] = [{ kinds: [1] }, { kinds: [0, 62] }];

/** Counts `MANY` events of kind 1 and a profile; `meanwhile` is done in each pause. */
async function countWhile(
  filters: Filter[],
  meanwhile: (store: EventStore, pauses: number) => void,
  sketched?: string,
  reader: Reader = { authed: new Set(), privateKinds: new Set() },
): Promise<{ result: unknown; pauses: number }> {
  return inStore(freshRelay(), async (_empty, sql) => {
    putRandom(sql, MANY);
    const store = new EventStore(sql);
    putAll(store, [profile(1000)]);
    let pauses = 0;
    const pause = async () => meanwhile(store, ++pauses);
    const clock = { nowSeconds: now, soon() {}, pause, breathe: async () => {} };
    const log = localLog(sql, store, parseConfig({}), clock, NOBODY, { stored() {}, vanishing() {} });
    const parsed = filters.map((filter) => parseFilter(filter, { andFilters: false }) as { value: ParsedFilter });
    const result = await log.count(
      parsed.map(({ value }) => value),
      reader,
      sketched,
    );
    return { result, pauses };
  });
}

test("R-05-34 an event that is replaced during a pause neither counts twice nor is it missing", async () => {
  const { result, pauses } = await countWhile(ALL, (store, pauses) => {
    if (pauses === 2) putAll(store, [profile(1001)]);
  });
  expect(result).toEqual({ count: MANY + 1, isApproximate: false });
  // A little of the first try, and all of the second.
  expect(pauses).toBeGreaterThan(10);
});

test("R-05-34 events that come during a pause are not counted, and do not disturb", async () => {
  const quiet = await countWhile(ALL, () => {});
  const busy = await countWhile(ALL, (store) => putAll(store, [unsigned({ created_at: 2000 })]));
  expect(busy).toEqual(quiet);
  expect(quiet.result).toEqual({ count: MANY + 1, isApproximate: false });
});

test("R-05-20 R-05-34 a request to vanish during a pause hides all of its events or none", async () => {
  const { result } = await countWhile(ALL, (store, pauses) => {
    // putRandom has a single author.
    const pubkey = "1".padStart(64, "0");
    const request = { pubkey, kind: 62, created_at: now(), tags: [["relay", "ALL_RELAYS"]] };
    if (pauses === 2) putAll(store, [unsigned(request)]);
  });
  expect(result).toEqual({ count: 2, isApproximate: false });
});

test.each([
  [ALL, undefined],
  [[{ kinds: [1], since: 1 }], "x"],
])(
  "R-05-34 R-05-37 while events go in every pause, %j is counted as approximate, without registers",
  async (filters, sketched) => {
    const quiet = await countWhile(filters, () => {}, sketched);
    const { result, pauses } = await countWhile(
      filters,
      (store, pauses) => putAll(store, [profile(1000 + pauses)]),
      sketched,
    );
    const { count } = quiet.result as { count: number };
    expect(result).toEqual({ count: expect.any(Number), isApproximate: true });
    expect(Math.abs((result as { count: number }).count - count)).toBeLessThanOrEqual(1);
    expect(pauses).toBeLessThanOrEqual(3 * quiet.pauses + 2);
  },
);

test("R-05-29 that private events go meanwhile shows in the count of their parties only", async () => {
  const [author, recipient, stranger] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
  const counted = async (reader: string) => {
    const { result } = await countWhile(
      ALL,
      (store) => {
        const wrap = unsigned({ pubkey: author, kind: 1059, tags: [["p", recipient]] });
        putAll(store, [wrap, unsigned({ pubkey: author, kind: 5, tags: [["e", wrap.id]] })]);
      },
      undefined,
      { authed: new Set([reader]), privateKinds: new Set([1059]) },
    );
    return result;
  };
  expect(await counted(stranger)).toEqual({ count: MANY + 1, isApproximate: false });
  for (const party of [author, recipient]) expect(await counted(party)).toMatchObject({ isApproximate: true });
});

test("R-01-09 R-05-34 a COUNT of many turns is answered before what its connection sends after it, and without that", async () => {
  const relay = freshRelay();
  await inStore(relay, (_store, sql) => putRandom(sql, MANY));
  const a = await relay.login(alice);
  const filters = [{ kinds: [1] }, { kinds: [0] }];
  const count = ["COUNT", "c", ...filters];
  const event = unique(alice);
  for (const message of [count, ["EVENT", event], ["PING"], count, ["PING"]]) a.send(message);
  const frames = [];
  for (let i = 0; i < 5; i++) frames.push(await a.next(20_000));
  expect(frames).toEqual([
    ["COUNT", "c", { count: MANY }],
    ["OK", event.id, true, ""],
    ["PONG"],
    ["COUNT", "c", { count: MANY + 1 }],
    ["PONG"],
  ]);
});
