import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Checkpoints } from "../../src/hosts/node/checkpoints.ts";
import { type NodeSql, openSql } from "../../src/hosts/node/sql.ts";

const PAGE = 4096;

let directory: string;
let path: string;
let sql: NodeSql;
let checkpoints: Checkpoints;
let reports: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nexus-test-"));
  path = join(directory, "a.sqlite");
  sql = openSql(path);
  sql.all("CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
  reports = [];
  checkpoints = new Checkpoints({
    path,
    report: (message) => reports.push(message),
    written: () => sql.meter.written,
    empty: () => sql.emptyLog(),
    released() {},
  });
  sql.onCommit = () => checkpoints.committed();
});

afterEach(async () => {
  await checkpoints.stop();
  sql.close();
  rmSync(directory, { recursive: true });
});

/** Writes without a pause, so many rows of a page each; commits wait when they are asked to. */
async function write(rows: number): Promise<void> {
  for (let written = 0; written < rows; ) {
    await new Promise((resolve) => setImmediate(resolve));
    if (checkpoints.isHolding) continue;
    sql.transaction(() => {
      for (let i = 0; i < 100; i++) sql.all("INSERT INTO t(b) VALUES(randomblob(3500))");
    });
    written += 100;
  }
}

test("R-06-17 a pass that failed is repeated without another commit, and reported once", async () => {
  const later = join(directory, "later");
  const failed = Promise.withResolvers<void>();
  const emptied = Promise.withResolvers<void>();
  const told: string[] = [];
  let written = 0;
  const failing = new Checkpoints({
    path: join(later, "a.sqlite"),
    report(message) {
      told.push(message);
      failed.resolve();
    },
    written: () => written,
    empty: () => emptied.resolve(),
    released() {},
  });
  written = 10_000;
  failing.committed();
  await failed.promise;
  mkdirSync(later);
  await emptied.promise;
  await failing.stop();
  expect(told).toEqual(["checkpoint failed"]);
});

test("the log does not grow for ever under constant writing", async () => {
  await write(60_000);
  expect(reports).toEqual([]);
  // Of a quarter of a gigabyte that was written.
  expect(statSync(`${path}-wal`).size).toBeLessThan(45_000 * PAGE);
  expect(sql.all("SELECT count(*) FROM t")).toEqual([[60_000]]);
});

test("the log is cut within some minutes under constant writing too, with all that it has of what was erased", async () => {
  const size = () => statSync(`${path}-wal`).size;
  await write(5000);
  const long = size();
  expect(long).toBeGreaterThan(5000 * PAGE);
  const start = performance.now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => start + 61_000);
  for (let rows = 0; size() >= long; rows += 100) {
    expect(rows).toBeLessThan(60_000);
    await write(100);
  }
  clock.mockRestore();
  expect(reports).toEqual([]);
});

test("what was written is in the database file when it is closed", async () => {
  await write(1000);
  await checkpoints.stop();
  sql.close();
  expect(statSync(path).size).toBeGreaterThan(1000 * 3500);
  sql = openSql(path);
  expect(sql.all("SELECT count(*) FROM t")).toEqual([[1000]]);
});
