import { COST } from "../../protocol/work.ts";
import type { Row, Sql, SqlValue } from "../../store/sql.ts";

/** The store's view of a Durable Object's SQLite. */
export function durableSql(storage: DurableObjectStorage): Sql {
  const meter = { spent: 0, written: 0, read: 0 };
  const { sql } = storage;
  return {
    meter,
    all(query, ...bindings) {
      const cursor = sql.exec(query, ...bindings);
      const rows = [...cursor.raw<SqlValue[]>()];
      meter.read += cursor.rowsRead;
      meter.written += cursor.rowsWritten;
      meter.spent += COST.statement;
      for (const row of rows) meter.spent += costOf(row);
      return rows;
    },
    each(query: string, bindings: SqlValue[], take: (row: Row) => boolean) {
      const cursor = sql.exec(query, ...bindings);
      meter.spent += COST.statement;
      for (const row of cursor.raw<SqlValue[]>()) {
        meter.spent += costOf(row);
        if (!take(row)) break;
      }
      meter.read += cursor.rowsRead;
    },
    size: () => sql.databaseSize,
    transaction: (body) => storage.transactionSync(body),
  };
}

/** Units of work. */
function costOf(row: Row): number {
  let characters = 0;
  for (const value of row) if (typeof value === "string") characters += value.length;
  return COST.row + characters * COST.rowCharacter;
}
