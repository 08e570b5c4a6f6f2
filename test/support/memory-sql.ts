import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Meter } from "../../src/protocol/work.ts";
import { chargeRow, chargeStatement, type Row, type Sql } from "../../src/store/sql.ts";

/** The store's view of a SQLite database of this process: in memory unless told where. */
export function memorySql(path = ":memory:"): Sql & { readonly db: DatabaseSync } {
  return sqlOf(new DatabaseSync(path));
}

/** The store's view of an open database. */
export function sqlOf(db: DatabaseSync): Sql & { readonly db: DatabaseSync } {
  const meter = Object.assign(new Meter(), { written: 0, read: 0 });
  const statements = new Map<string, StatementSync>();
  const prepare = (query: string): StatementSync => {
    const known = statements.get(query);
    if (known !== undefined) return known;
    const statement = db.prepare(query);
    statement.setReturnArrays(true);
    statements.set(query, statement);
    return statement;
  };
  const number = (query: string) => Number((prepare(query).get() as unknown as Row)[0]);
  let depth = 0;
  const sql: Sql & { readonly db: DatabaseSync } = {
    db,
    meter,
    all(query, ...bindings) {
      const statement = prepare(query);
      if (statement.columns().length === 0) {
        const changes = Number(statement.run(...bindings).changes);
        meter.written += changes;
        chargeStatement(sql, changes);
        return [];
      }
      const rows = statement.all(...bindings) as unknown as Row[];
      meter.read += rows.length;
      chargeStatement(sql);
      for (const row of rows) chargeRow(sql, row);
      return rows;
    },
    each(query, bindings, take) {
      chargeStatement(sql);
      for (const row of prepare(query).iterate(...bindings) as unknown as Iterable<Row>) {
        meter.read++;
        chargeRow(sql, row);
        if (!take(row)) break;
      }
    },
    size: () => (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size"),
    transaction(body) {
      const name = `t${depth++}`;
      db.exec(`SAVEPOINT ${name}`);
      try {
        const result = body();
        db.exec(`RELEASE ${name}`);
        return result;
      } catch (error) {
        db.exec(`ROLLBACK TO ${name}`);
        db.exec(`RELEASE ${name}`);
        throw error;
      } finally {
        depth--;
      }
    },
  };
  return sql;
}
