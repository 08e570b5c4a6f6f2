import { expect, test } from "vitest";
import { Cleanup } from "../../../src/store/erase/cleanup.ts";
import { putAll, unsigned } from "../../support/events.ts";
import { memoryStore } from "../../support/memory-store.ts";

test("R-05-15 removal is bounded in bytes too: large events go some at a time", () => {
  const { store, sql } = memoryStore();
  const content = "x".repeat(99_990);
  const dead = [["expiration", "1700000001"]];
  putAll(
    store,
    Array.from({ length: 12 }, (_, i) => unsigned({ content: `${content}${i}`, tags: dead })),
  );
  expect(new Cleanup(sql, store).removeExpired(1_800_000_000, 500)).toBe(2);
});
