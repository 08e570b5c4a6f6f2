import type { Sql, SqlValue } from "./sql.ts";

/** Parameters of one statement at most. */
const MAX_PARAMETERS = 100;

/** Inserts rows, many with each statement: a statement costs more than most rows. `into` follows `INSERT`; `row`
 * has a question mark for each value. */
export function insertRows(sql: Sql, { into, row }: { into: string; row: string }, rows: readonly SqlValue[][]): void {
  const most = Math.floor(MAX_PARAMETERS / (rows[0]?.length ?? 1));
  for (let i = 0; i < rows.length; i += most) {
    const some = rows.slice(i, i + most);
    sql.all(`INSERT ${into} VALUES${some.map(() => row).join(",")}`, ...some.flat());
  }
}
