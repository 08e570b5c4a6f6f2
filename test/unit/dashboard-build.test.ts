import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildDashboard, committedFiles } from "../../dashboard/build.ts";

/** Bytes of all files of the dashboard at most, compressed. */
const MAX_BYTES = 150_000;

test("the dashboard that is committed is what its sources make: npm run build:dashboard", async () => {
  const committed = committedFiles();
  const built = await buildDashboard();
  expect(Object.keys(committed).sort()).toEqual(Object.keys(built).sort());
  for (const [name, text] of Object.entries(built)) expect(committed[name] === text, name).toBe(true);
});

test("R-08-13 the dashboard weighs less than 150 kB compressed", () => {
  const sizes = Object.values(committedFiles()).map((text) => gzipSync(text).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
});
