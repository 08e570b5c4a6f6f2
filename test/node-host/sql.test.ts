import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NodeSql, openSql } from "../../src/hosts/node/sql.ts";
import { COST } from "../../src/protocol/work.ts";

let directory: string;
let sql: NodeSql;
let commits: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nexus-test-"));
  sql = openSql(join(directory, "a.sqlite"));
  sql.all("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)");
  commits = 0;
  sql.onCommit = () => commits++;
});

afterEach(() => {
  try {
    sql.close();
  } catch {
    // The test has closed it.
  }
  rmSync(directory, { recursive: true });
});

const count = () => sql.all("SELECT count(*) FROM t")[0]?.[0];

test("rows are arrays; numbers, texts and NULL come back as they were", () => {
  sql.all("INSERT INTO t VALUES(?1, ?2), (2, NULL)", 1, "é");
  expect(sql.all("SELECT a, b FROM t ORDER BY a")).toEqual([
    [1, "é"],
    [2, null],
  ]);
  expect(sql.all("INSERT INTO t VALUES(3, 'x') RETURNING a, b")).toEqual([[3, "x"]]);
});

test("several statements in one text are all run", () => {
  sql.all("CREATE TABLE u(a); CREATE TABLE w(a);\n INSERT INTO u VALUES(1);");
  expect(sql.all("SELECT * FROM u")).toEqual([[1]]);
  expect(sql.all("SELECT * FROM w;")).toEqual([]);
});

test("each reads no further than it is told, also where the same statement runs inside", () => {
  sql.all("INSERT INTO t VALUES(1,'a'),(2,'b'),(3,'c')");
  const seen: unknown[] = [];
  const query = "SELECT a FROM t WHERE a >= ?1 ORDER BY a";
  sql.each(query, [1], ([a]) => {
    seen.push([a, sql.all(query, 3)]);
    return seen.length < 2;
  });
  expect(seen).toEqual([
    [1, [[3]]],
    [2, [[3]]],
  ]);
  sql.each(query, [3], ([a]) => seen.push(a) > 0);
  expect(seen.at(-1)).toBe(3);
});

test("a throw undoes its own transaction and no other", () => {
  sql.transaction(() => {
    sql.all("INSERT INTO t VALUES(1,'kept')");
    expect(() =>
      sql.transaction(() => {
        sql.all("INSERT INTO t VALUES(2,'lost')");
        throw new Error("inner");
      }),
    ).toThrow("inner");
    sql.transaction(() => sql.all("INSERT INTO t VALUES(3,'kept')"));
  });
  expect(sql.all("SELECT a FROM t ORDER BY a")).toEqual([[1], [3]]);
  expect(() =>
    sql.transaction(() => {
      sql.all("INSERT INTO t VALUES(4,'lost')");
      throw new Error("outer");
    }),
  ).toThrow("outer");
  expect(count()).toBe(2);
});

test("a commit is told of once, when it is one and has changed something", () => {
  sql.all("SELECT 1");
  sql.transaction(() => sql.all("SELECT * FROM t"));
  expect(commits).toBe(0);
  sql.all("INSERT INTO t VALUES(1,'a')");
  expect(commits).toBe(1);
  sql.transaction(() => {
    sql.transaction(() => sql.all("INSERT INTO t VALUES(2,'b')"));
    sql.all("DELETE FROM t WHERE a = 1");
    expect(commits).toBe(1);
  });
  expect(commits).toBe(2);
  sql.all("INSERT INTO t VALUES(5,'c') RETURNING a");
  expect(commits).toBe(3);
  expect(() =>
    sql.transaction(() => {
      sql.all("DELETE FROM t");
      throw new Error("no");
    }),
  ).toThrow();
  sql.all("SELECT 1");
  expect(commits).toBe(3);
});

test("a constraint that is violated leaves the transaction as it was", () => {
  sql.all("INSERT INTO t VALUES(1,'a')");
  sql.transaction(() => {
    expect(() => sql.all("INSERT INTO t VALUES(1,'b')")).toThrow(/UNIQUE/);
    sql.all("INSERT INTO t VALUES(2,'b')");
  });
  expect(count()).toBe(2);
});

test("the meter counts statements, rows and characters", () => {
  sql.all("INSERT INTO t VALUES(1,'abc'),(2,'abc')");
  const { read, written, spent } = sql.meter;
  sql.all("SELECT b FROM t");
  expect(sql.meter.read - read).toBe(2);
  expect(sql.meter.spent - spent).toBeCloseTo(COST.statement + 2 * COST.row + 6 * COST.rowCharacter);
  sql.all("UPDATE t SET b = 'x'");
  expect(sql.meter.written - written).toBe(2);
});

test("the size is that of what is there, not of pages that were freed", () => {
  sql.transaction(() => {
    for (let i = 0; i < 1000; i++) sql.all("INSERT INTO t VALUES(?1, hex(randomblob(500)))", i);
  });
  const full = sql.size();
  expect(full).toBeGreaterThan(1_000_000);
  sql.all("DELETE FROM t");
  expect(sql.size()).toBeLessThan(full / 4);
});

test("a closed database is one file, and has everything", () => {
  sql.all("INSERT INTO t VALUES(1,'a')");
  const path = join(directory, "a.sqlite");
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
  sql.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  sql = openSql(path);
  expect(count()).toBe(1);
});
