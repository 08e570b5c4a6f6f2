import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Checkpoints } from "../../src/hosts/node/checkpoints.ts";
import { type NodeSql, openSql } from "../../src/hosts/node/sql.ts";

const PAGE = 4096;

let directory: string;
let path: string;
let sql: NodeSql;
let checkpoints: Checkpoints;
let restarts: number;
let reports: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nexus-test-"));
  path = join(directory, "a.sqlite");
  sql = openSql(path);
  sql.all("CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
  restarts = 0;
  reports = [];
  checkpoints = new Checkpoints({
    path,
    report: (message) => reports.push(message),
    written: () => sql.meter.written,
    restart() {
      restarts++;
      sql.all("PRAGMA wal_checkpoint(RESTART)");
    },
    released() {},
  });
  sql.onCommit = () => checkpoints.committed();
});

afterEach(async () => {
  await checkpoints.stop();
  sql.close();
  rmSync(directory, { recursive: true });
});

/** Writes without a pause, so many rows of a page each; commits do or do not wait when they are asked to. */
async function write(rows: number, waits: boolean): Promise<void> {
  for (let written = 0; written < rows; ) {
    // Where nobody waits for the thread it must have the time to run.
    await new Promise((resolve) => (waits ? setImmediate(resolve) : setTimeout(resolve, 2)));
    if (waits && checkpoints.isHolding) continue;
    sql.transaction(() => {
      for (let i = 0; i < 100; i++) sql.all("INSERT INTO t(b) VALUES(randomblob(3500))");
    });
    written += 100;
  }
}

for (const waits of [true, false]) {
  test(`the log does not grow for ever under constant writing${waits ? "" : ", though commits do not wait"}`, async () => {
    await write(60_000, waits);
    expect(reports).toEqual([]);
    // Of a quarter of a gigabyte that was written.
    expect(statSync(`${path}-wal`).size).toBeLessThan(45_000 * PAGE);
    if (waits) expect(restarts).toBe(0);
    expect(sql.all("SELECT count(*) FROM t")).toEqual([[60_000]]);
  });
}

test("what was written is in the database file when it is closed", async () => {
  await write(1000, true);
  await checkpoints.stop();
  sql.close();
  expect(statSync(path).size).toBeGreaterThan(1000 * 3500);
  sql = openSql(path);
  expect(sql.all("SELECT count(*) FROM t")).toEqual([[1000]]);
});
