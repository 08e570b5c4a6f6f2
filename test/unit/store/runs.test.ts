import { expect, test } from "vitest";
import { EventStore } from "../../../src/store/event-store.ts";
import { migrate } from "../../../src/store/schema.ts";
import { counting, unsigned, verified } from "../../support/events.ts";
import { memorySql } from "../../support/memory-sql.ts";

/** The `n`th version of an address. */
const version = (d: string, n = 0) =>
  verified(unsigned({ kind: 31990, created_at: 1_700_000_000 + n, tags: [["d", d]] }));

function put(...batch: ReturnType<typeof version>[]) {
  const sql = memorySql();
  migrate(sql);
  const { counted, statements } = counting(sql);
  const store = new EventStore(counted);
  const before = statements();
  const outcomes = store.put(batch).map(({ outcome }) => outcome);
  const kept = sql.all("SELECT raw FROM event ORDER BY seq").map(([raw]) => raw);
  return { outcomes, kept, statements: statements() - before };
}

test("R-04-07 versions of different addresses share the statements of their batch", () => {
  const few = put(...["a", "b", "c"].map((d) => version(d)));
  const more = put(..."abcdefgh".split("").map((d) => version(d)));
  expect(more.outcomes).toEqual(Array(8).fill("stored"));
  // Each still looks for its version before.
  expect(more.statements - few.statements).toBe(5);
});

test("R-04-02 of the versions of an address in one batch the last one wins, in whatever order they came", () => {
  const [old, middle, newest] = [version("a"), version("a", 1), version("a", 2)];
  const upwards = put(old, version("b"), middle, newest);
  expect(upwards.outcomes).toEqual(["stored", "stored", "stored", "stored"]);
  expect(upwards.kept).toEqual([expect.stringContaining('"d","b"'), newest.raw]);
  const downwards = put(newest, middle, newest, old);
  expect(downwards.outcomes).toEqual(["stored", "superseded", "duplicate", "superseded"]);
  expect(downwards.kept).toEqual([newest.raw]);
});
