/** A value of a row: the store selects no BLOBs, only their hex form. */
export type SqlValue = string | number | null;
export type Row = SqlValue[];

/** The little of SQLite that the store uses, synchronous as inside a Durable Object. */
export interface Sql {
  /** Runs one statement and returns its rows. Numbers bind as REAL; at most 100 parameters. */
  all(query: string, ...bindings: SqlValue[]): Row[];
  /** As {@link all}, but reads on only while `take` says so: rows not taken are not read. */
  each(query: string, bindings: SqlValue[], take: (row: Row) => boolean): void;
  /** Runs `body` in one transaction: a throw undoes all of it. `body` must not be asynchronous. */
  transaction<T>(body: () => T): T;
  /** Bytes of the database. */
  size(): number;
  /** Rows written and read so far, as they are billed. */
  readonly meter: { written: number; read: number };
}
