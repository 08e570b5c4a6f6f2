import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Meter } from "../../protocol/work.ts";
import { chargeRow, chargeStatement, type Row, type Sql, type SqlValue } from "../../store/sql.ts";

/** Prepared statements that are kept: the plans of queries differ in the number of their values. */
const MAX_STATEMENTS = 1000;

/**
 * Chosen by measurement: `cache_size` in KiB, `mmap_size` in bytes. Checkpoints are made by another thread (checkpoints.ts), and
 * what is committed is synced by the gate (sync-gate.ts), so no statement waits for the disk. What is deleted is overwritten
 * with zeros. `auto_vacuum` has an effect on a new file only.
 */
const PRAGMAS = `
  PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;
  PRAGMA cache_size=-8192; PRAGMA mmap_size=134217728; PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=1000;`;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  readonly isWrite: boolean;
  /** Its rows are being read. */
  isBusy: boolean;
}

/** The store's view of an SQLite file. */
export interface NodeSql extends Sql {
  readonly meter: Meter & { written: number; read: number };
  /** Called after each commit that may have changed something. */
  onCommit: () => void;
  /** Pages of the file, and those of them that hold nothing. */
  pages(): { all: number; free: number };
  /** Takes up to `max` free pages off the file, which is shorter after the next checkpoint; none of a file of an older version. */
  giveBack(max: number): void;
  /** Brings all of the log into the database file, and leaves the log empty. */
  emptyLog(): void;
  /** Brings all of the log into the database file, and closes it. */
  close(): void;
}

/** Opens or makes the database. Throws what SQLite throws. */
export function openSql(path: string): NodeSql {
  const database = new DatabaseSync(path);
  database.exec(PRAGMAS);
  const prepared = new Map<string, Prepared>();
  let depth = 0;
  let hasWritten = false;

  function prepare(query: string): Prepared {
    const known = prepared.get(query);
    if (known !== undefined && !known.isBusy) return known;
    const statement = database.prepare(query);
    statement.setReturnArrays(true);
    const returnsRows = statement.columns().length > 0;
    const one = { statement, returnsRows, isWrite: !returnsRows || /\bRETURNING\b/i.test(query), isBusy: false };
    if (known === undefined) {
      if (prepared.size >= MAX_STATEMENTS) prepared.delete(prepared.keys().next().value as string);
      prepared.set(query, one);
    }
    return one;
  }

  function committed(): void {
    if (depth > 0 || !hasWritten) return;
    hasWritten = false;
    sql.onCommit();
  }

  const sql: NodeSql = {
    meter: Object.assign(new Meter(), { written: 0, read: 0 }),
    onCommit() {},
    all(query, ...bindings) {
      if (bindings.length === 0 && isScript(query)) {
        database.exec(query);
        chargeStatement(sql);
        hasWritten = true;
        committed();
        return [];
      }
      const { statement, returnsRows, isWrite } = prepare(query);
      let rows: Row[] = [];
      if (returnsRows) {
        rows = statement.all(...bindings) as unknown as Row[];
        chargeStatement(sql);
        sql.meter.read += rows.length;
        for (const row of rows) chargeRow(sql, row);
      } else {
        const changes = Number(statement.run(...bindings).changes);
        sql.meter.written += changes;
        chargeStatement(sql, changes);
      }
      if (isWrite) {
        hasWritten = true;
        committed();
      }
      return rows;
    },
    each(query: string, bindings: SqlValue[], take: (row: Row) => boolean) {
      chargeStatement(sql);
      const one = prepare(query);
      one.isBusy = true;
      try {
        for (const row of one.statement.iterate(...bindings) as unknown as Iterable<Row>) {
          sql.meter.read++;
          chargeRow(sql, row);
          if (!take(row)) break;
        }
      } finally {
        one.isBusy = false;
      }
    },
    transaction<T>(body: () => T): T {
      const name = `level${depth}`;
      prepare(depth === 0 ? "BEGIN IMMEDIATE" : `SAVEPOINT ${name}`).statement.run();
      depth++;
      let result: T;
      try {
        result = body();
        prepare(depth === 1 ? "COMMIT" : `RELEASE ${name}`).statement.run();
      } catch (error) {
        undo(name);
        throw error;
      }
      depth--;
      committed();
      return result;
    },
    pages() {
      const ask = (what: string) => Number(sql.all(`PRAGMA ${what}`)[0]?.[0]);
      return { all: ask("page_count"), free: ask("freelist_count") };
    },
    giveBack(max) {
      if (!isShrinking) return;
      database.exec(`PRAGMA incremental_vacuum(${max})`);
      sql.onCommit();
    },
    emptyLog() {
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    },
    size() {
      const { all, free } = sql.pages();
      return (all - free) * pageSize;
    },
    close() {
      prepared.clear();
      sql.emptyLog();
      database.close();
    },
  };

  /** SQLite itself rolls back when the disk is full: then there is nothing to undo. */
  function undo(name: string): void {
    depth--;
    if (!database.isTransaction) return;
    if (depth === 0) database.exec("ROLLBACK");
    else database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
    if (depth === 0) hasWritten = false;
  }

  const pageSize = Number(sql.all("PRAGMA page_size")[0]?.[0]);
  const isShrinking = sql.all("PRAGMA auto_vacuum")[0]?.[0] === 2;
  return sql;
}

/** Several statements. */
function isScript(query: string): boolean {
  return /;\s*\S/.test(query);
}
