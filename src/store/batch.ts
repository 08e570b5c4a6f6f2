import type { Row, Sql, SqlValue } from "./sql.ts";

/** Raw JSON of one batch, in UTF-16 units; the event that goes beyond is the last one. */
const MAX_RAW = 1 << 18;

/** Events found for removal, as rows of position and raw JSON, bounded so that removing them holds nobody up. */
export class Batch {
  readonly rows: Row[] = [];
  readonly #max: number;
  #size = 0;

  /** Events at most. */
  constructor(max: number) {
    this.#max = max;
  }

  /** There may be more events to find. */
  get isFull(): boolean {
    return this.rows.length >= this.#max || this.#size >= MAX_RAW;
  }

  /** Takes what a query for position and raw JSON finds, as far as there is room. The limit is bound last. */
  find(sql: Sql, query: string, ...bindings: SqlValue[]): void {
    if (this.isFull) return;
    sql.each(query, [...bindings, this.#max - this.rows.length], (row) => {
      this.rows.push(row);
      this.#size += String(row[1]).length;
      return !this.isFull;
    });
  }
}
