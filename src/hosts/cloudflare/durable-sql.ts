import type { Row, Sql, SqlValue } from "../../store/sql.ts";

/** The store's view of a Durable Object's SQLite. */
export function durableSql(storage: DurableObjectStorage): Sql {
  const meter = { written: 0, read: 0 };
  const { sql } = storage;
  return {
    meter,
    all(query, ...bindings) {
      const cursor = sql.exec(query, ...bindings);
      const rows = [...cursor.raw<SqlValue[]>()];
      meter.read += cursor.rowsRead;
      meter.written += cursor.rowsWritten;
      return rows;
    },
    each(query: string, bindings: SqlValue[], take: (row: Row) => boolean) {
      const cursor = sql.exec(query, ...bindings);
      for (const row of cursor.raw<SqlValue[]>()) if (!take(row)) break;
      meter.read += cursor.rowsRead;
    },
    size: () => sql.databaseSize,
    transaction: (body) => storage.transactionSync(body),
  };
}
