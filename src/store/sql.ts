import { COST, type Meter } from "../protocol/work.ts";

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
  /** Bytes of the database that hold something: pages that were freed do not count. */
  size(): number;
  /** Work of all statements, and rows written and read so far, as they are billed where somebody bills. */
  readonly meter: Meter & { written: number; read: number };
}

/** Units of a statement that was run: itself, and the rows that it wrote as far as that is known. */
export function chargeStatement({ meter }: Pick<Sql, "meter">, written = 0): void {
  meter.spent += COST.statement + COST.write * written;
}

/** Units of a row that a statement gave back. */
export function chargeRow({ meter }: Pick<Sql, "meter">, row: Row): void {
  let characters = 0;
  for (const value of row) if (typeof value === "string") characters += value.length;
  meter.spent += COST.row + COST.rowCharacter * characters;
}

/** Units of index entries that a statement walked over without giving them back. */
export function chargeEntries({ meter }: Pick<Sql, "meter">, entries: number): void {
  meter.spent += COST.entry * entries;
}
