import { expect, test } from "vitest";
import type { Filter } from "../../src/protocol/filter.ts";
import { JobBoard, type JobBoardDeps } from "../../src/relay/board/job-board.ts";
import type { Connection } from "../../src/relay/connection.ts";
import { alice } from "../support/keys.ts";

/** What `listproviders` tells of 500 kinds of one key, and how many filters were looked at for that. */
function listed(subscriptions: number, filters: Partial<Filter>[], connections = 10) {
  let looked = 0;
  const counted = filters.map(
    (filter) =>
      new Proxy(
        { never: false, ...filter },
        {
          get(target, name) {
            if (name === "never") looked++;
            return Reflect.get(target, name);
          },
        },
      ),
  );
  const connection = {
    authed: new Set([alice.pubkey]),
    subscriptions: new Map(Array.from({ length: subscriptions }, (_, i) => [`${i}`, { filters: counted }])),
  } as unknown as Connection;
  const row = { pubkey: alice.pubkey, handlers: 1, working: 0, failed: 0, answered: 0 };
  const rows = Array.from({ length: 500 }, (_, i) => ({ ...row, kind: 5200 + i, feedback: [], result: [] }));
  const board = new JobBoard({
    config: { privateKinds: new Set() },
    store: { ledger: { providers: () => rows, lastSeen: () => undefined } },
    connections: Array.from({ length: connections }, () => connection),
  } as unknown as JobBoardDeps);
  const { providers } = board.providers(500) as { providers: { kind: number; listening: boolean }[] };
  return { looked, listening: providers.filter(({ listening }) => listening).map(({ kind }) => kind) };
}

test("R-07-21 a page of providers looks at a bounded number of filters of a key, once for all of its kinds", () => {
  const { looked, listening } = listed(
    200,
    Array.from({ length: 100 }, (_, i) => ({ kinds: new Set([5200 + i]) })),
  );
  expect(looked).toBeLessThanOrEqual(2000);
  expect(listening.length).toBe(100);
});

test("R-07-21 a provider listens to the kinds that its subscriptions name, and without kinds to all", () => {
  expect(listed(1, [{ kinds: new Set([5201]) }, { ids: new Set(), never: true }]).listening).toEqual([5201]);
  expect(listed(1, [{ kinds: new Set([5201]) }, {}]).listening.length).toBe(500);
  expect(listed(1, [{ ids: new Set([alice.pubkey]) }]).listening).toEqual([]);
});
