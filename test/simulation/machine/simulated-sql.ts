import { DatabaseSync, type StatementSync } from "node:sqlite";
import { migrate } from "../../../src/store/schema.ts";
import { chargeRow, chargeStatement, type Row, type Sql, type SqlValue } from "../../../src/store/sql.ts";
import { ScaledMeter } from "./scaled-meter.ts";

/** What a statement throws when the disk fails, and after the machine has. */
export class DiskError extends Error {}

interface Prepared {
  statement: StatementSync;
  isWrite: boolean;
  returnsRows: boolean;
}

let empty: Uint8Array | undefined;

/** A database of the current version without any content. */
function emptyDatabase(): Uint8Array {
  if (empty === undefined) {
    const sql = new SimulatedSql(1, undefined);
    migrate(sql);
    empty = sql.snapshot();
    sql.close();
  }
  return empty;
}

/** SQLite in memory, with a disk under it that can be full, fail, or stop at a chosen statement. */
export class SimulatedSql implements Sql {
  readonly meter: ScaledMeter;
  /** Commits that have changed something. */
  commits = 0;
  /** Statements until the next failure; undefined if none is to come. */
  failsIn: number | undefined;
  /** Failures in a row once it comes. */
  failures = 0;
  /** A failure is the end of the machine: nothing works afterwards. */
  failureIsCrash = false;
  /** Statements that fail while this stands, checked against the query and its first binding. */
  broken: RegExp | undefined;
  /** Statements that have failed so far. */
  thrown = 0;
  isCrashed = false;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  #depth = 0;
  #hasWritten = false;

  /** `content` is a snapshot; undefined for a database without any tables. */
  constructor(scale: number, content: Uint8Array | undefined) {
    this.meter = new ScaledMeter(scale);
    this.#db = new DatabaseSync(":memory:");
    if (content !== undefined) this.#db.deserialize(content);
  }

  /** A database as the relay finds it when it is started for the first time. */
  static fresh(scale: number): SimulatedSql {
    return new SimulatedSql(scale, emptyDatabase());
  }

  /** All that is committed. Not to be called inside a transaction. */
  snapshot(): Uint8Array {
    return this.#db.serialize();
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  all(query: string, ...bindings: SqlValue[]): Row[] {
    this.#mayFail(query, bindings[0]);
    const { statement, isWrite, returnsRows } = this.#prepare(query);
    if (isWrite) this.#write();
    if (isWrite && !returnsRows) {
      const { changes } = statement.run(...bindings);
      chargeStatement(this, Number(changes));
      this.#written();
      return [];
    }
    const rows = statement.all(...bindings) as unknown as Row[];
    chargeStatement(this, isWrite ? rows.length : 0);
    for (const row of rows) chargeRow(this, row);
    if (isWrite) this.#written();
    return rows;
  }

  each(query: string, bindings: SqlValue[], take: (row: Row) => boolean): void {
    this.#mayFail(query, bindings[0]);
    chargeStatement(this);
    for (const row of this.#prepare(query).statement.iterate(...bindings) as unknown as Iterable<Row>) {
      chargeRow(this, row);
      if (!take(row)) break;
    }
  }

  transaction<T>(body: () => T): T {
    const depth = this.#depth++;
    this.#run(depth === 0 ? "BEGIN" : `SAVEPOINT s${depth}`);
    try {
      const result = body();
      if (depth === 0) this.#mayFail();
      this.#run(depth === 0 ? "COMMIT" : `RELEASE s${depth}`);
      if (depth === 0) this.#committed();
      return result;
    } catch (error) {
      this.#run(depth === 0 ? "ROLLBACK" : `ROLLBACK TO s${depth}`);
      if (depth === 0) this.#hasWritten = false;
      throw error;
    } finally {
      this.#depth--;
    }
  }

  size(): number {
    return 0;
  }

  /** Something else uses the disk: it may fail as a statement does. */
  touch(): void {
    this.#mayFail("-");
  }

  /** Whether a row is there, asked behind the back of meter and disk. */
  hasEvent(id: string): boolean {
    return this.#prepare("SELECT 1 FROM event WHERE id = unhex(?1)").statement.all(id).length > 0;
  }

  #run(command: string): void {
    this.#prepare(command).statement.run();
  }

  #prepare(query: string): Prepared {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(query);
    statement.setReturnArrays(true);
    const isWrite = !/^\s*(SELECT|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA)/i.test(query);
    const prepared = { statement, isWrite, returnsRows: statement.columns().length > 0 };
    this.#statements.set(query, prepared);
    return prepared;
  }

  #mayFail(query = "COMMIT", first: SqlValue = null): void {
    if (this.isCrashed) throw new DiskError("the machine has stopped");
    if (this.broken?.test(`${query} -- ${first}`)) throw new DiskError("database or disk is full");
    if (this.failsIn === undefined || this.failsIn-- > 0) return;
    this.thrown++;
    if (this.failureIsCrash) this.isCrashed = true;
    if (--this.failures <= 0) this.failsIn = undefined;
    else this.failsIn = 0;
    throw new DiskError("database or disk is full");
  }

  #write(): void {
    this.#hasWritten = true;
  }

  #written(): void {
    if (this.#depth === 0) this.#committed();
  }

  #committed(): void {
    if (this.#hasWritten) this.commits++;
    this.#hasWritten = false;
  }
}
