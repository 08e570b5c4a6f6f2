import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row, Sql } from "../../src/store/sql.ts";

/** A SQLite of its own, in memory. What the platform bills is not counted here. */
export function memorySql(): Sql {
  return sqlOf(new DatabaseSync(":memory:"));
}

/** The store's view of a database of Node. */
export function sqlOf(database: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  let depth = 0;
  const prepared = (query: string): StatementSync => {
    const known = statements.get(query);
    if (known !== undefined) return known;
    const statement = database.prepare(query);
    statement.setReturnArrays(true);
    statements.set(query, statement);
    return statement;
  };
  return {
    meter: { written: 0, read: 0 },
    all(query, ...bindings) {
      if (bindings.length > 0 || !/;\s*\S/.test(query)) return prepared(query).all(...bindings) as unknown as Row[];
      database.exec(query);
      return [];
    },
    each(query, bindings, take) {
      for (const row of prepared(query).iterate(...bindings)) if (!take(row as unknown as Row)) break;
    },
    size: () =>
      Number(database.prepare("SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size").get()?.n),
    transaction(body) {
      const name = `level${depth++}`;
      database.exec(`SAVEPOINT ${name}`);
      try {
        const result = body();
        database.exec(`RELEASE ${name}`);
        return result;
      } catch (error) {
        database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
        throw error;
      } finally {
        depth--;
      }
    },
  };
}
