import type { Row, Sql, SqlValue } from "../sql.ts";

/** Raw JSON of one batch, in UTF-16 units, and rows that go with its events; the event that goes beyond is the last one. */
const MAX_RAW = 1 << 18;
const MAX_ROWS = 1000;

/** Events found for removal, as rows of position and raw JSON, bounded so that removing them holds nobody up. */
export class Batch {
  readonly rows: Row[] = [];
  readonly #max: number;
  #size = 0;
  #tags = 0;

  /** Events at most. */
  constructor(max: number) {
    this.#max = max;
  }

  /** There may be more events to find. */
  get isFull(): boolean {
    return this.rows.length >= this.#max || this.#size >= MAX_RAW || this.rows.length + this.#tags >= MAX_ROWS;
  }

  /** Takes what a query for position and raw JSON finds, as far as there is room. The limit is bound last. */
  find(sql: Sql, query: string, ...bindings: SqlValue[]): void {
    if (this.isFull) return;
    sql.each(query, [...bindings, this.#max - this.rows.length], (row) => {
      const raw = String(row[1]);
      this.rows.push(row);
      this.#size += raw.length;
      this.#tags += mostTags(raw);
      return !this.isFull;
    });
  }
}

/** Tags of an event, counted without parsing it: what looks like one in its content is counted too. */
function mostTags(raw: string): number {
  let count = 1;
  for (let at = raw.indexOf("],["); at >= 0; at = raw.indexOf("],[", at + 3)) count++;
  return count;
}
