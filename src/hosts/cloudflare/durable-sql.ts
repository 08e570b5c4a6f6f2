import { Meter } from "../../protocol/work.ts";
import { chargeRow, chargeStatement, type Row, type Sql, type SqlValue } from "../../store/sql.ts";

/** The store's view of a Durable Object's SQLite. `others` are the bytes in it that are not the store's. */
export function durableSql(storage: DurableObjectStorage, others: () => number = () => 0): Sql {
  const meter = Object.assign(new Meter(), { written: 0, read: 0 });
  const { sql } = storage;
  const durable: Sql = {
    meter,
    all(query, ...bindings) {
      const cursor = sql.exec(query, ...bindings);
      const rows = [...cursor.raw<SqlValue[]>()];
      meter.read += cursor.rowsRead;
      meter.written += cursor.rowsWritten;
      chargeStatement(durable, cursor.rowsWritten);
      for (const row of rows) chargeRow(durable, row);
      return rows;
    },
    each(query: string, bindings: SqlValue[], take: (row: Row) => boolean) {
      const cursor = sql.exec(query, ...bindings);
      chargeStatement(durable);
      for (const row of cursor.raw<SqlValue[]>()) {
        chargeRow(durable, row);
        if (!take(row)) break;
      }
      meter.read += cursor.rowsRead;
    },
    size: () => sql.databaseSize - others(),
    transaction: (body) => storage.transactionSync(body),
  };
  return durable;
}
