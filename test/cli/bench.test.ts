import { afterAll, beforeAll, expect, test } from "vitest";
import { openPlace, operator, type Place } from "./command.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(() => place.end());

const SMALL = ["--connections", "4", "--events", "40", "--live", "5"];

test("bench measures, and leaves nothing but the deletion", async () => {
  const { count: before } = await place.json<{ count: number }>("count", "{}");
  const { figures, ...rest } = await place.json<{ figures: Record<string, number>[] }>("bench", ...SMALL, "--yes");
  expect(rest).toEqual({ relay: `${place.server.url}/`, failures: {}, left: 0, deletions: 1 });
  expect(figures.map(({ operation, count, failed }) => [operation, count, failed])).toEqual([
    ["connect and log in", 4, 0],
    ["EVENT", 40, 0],
    ["REQ of an id", 40, 0],
    ["REQ of 50 events", 8, 0],
    ["live delivery", 20, 0],
  ]);
  for (const { p50, p95, p99, max } of figures) {
    expect(p50).toBeGreaterThan(0);
    expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].sort((a, b) => (a as number) - (b as number)));
  }
  expect(await place.json("count", "{}")).toEqual({ count: before + 1 });
});

test("it acts with your key where you say so, and shows a table", async () => {
  const { code, stdout } = await place.nexus(["bench", place.server.url, ...SMALL, "--own-key", "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("live delivery");
  expect(await place.json("count", "-k", "5", "-a", operator.pubkey)).toEqual({ count: 1 });
});

test("it writes nothing unless you agree", async () => {
  const before = await place.json("count", "{}");
  const { code, stderr } = await place.nexus(["bench", ...SMALL]);
  expect(code).toBe(2);
  expect(stderr).toContain("Store 40 events with a new key");
  expect(await place.json("count", "{}")).toEqual(before);
  expect(await place.nexus(["bench", "--connections", "0", "--yes"])).toMatchObject({ code: 2 });
});

test("a relay where the new key may not publish is told", async () => {
  const closed = await openPlace({ WRITE_ACCESS: "members" });
  try {
    const { code, stdout, stderr } = await closed.nexus(["bench", ...SMALL, "--yes"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\d+ failed: restricted:/);
    expect(stderr).toMatch(/^error: \d+ operations failed/);
  } finally {
    await closed.end();
  }
});
