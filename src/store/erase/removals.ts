import { kindOfRaw } from "../../protocol/event.ts";
import { roleOfKind } from "../../protocol/job/profile.ts";
import type { Row, Sql, SqlValue } from "../sql.ts";
import { mostTags } from "./tags.ts";

/** Raw JSON of one step, in UTF-16 units, and its work; the event that goes beyond is the last one. */
const MAX_RAW = 1 << 17;
const MAX_WORK = 500;

/** What removing an event takes besides its tags, in tags. */
const EVENT_WORK = 3;

/** What the ledger takes besides, at most, where the event is a request, or evidence of one. */
const LEDGER_WORK = { request: 60, result: 15, feedback: 15 } as const;

/** Raw JSON that takes as much to read as a tag to remove, in UTF-16 units. */
const RAW_PER_WORK = 500;

/** Events found for removal, as rows of position and raw JSON, bounded so that removing them holds nobody up. */
export class Removals {
  readonly rows: Row[] = [];
  readonly #max: number;
  #size = 0;
  #tags = 0;
  #ledger = 0;

  /** Events at most. */
  constructor(max: number) {
    this.#max = max;
  }

  /** There may be more events to find. */
  get isFull(): boolean {
    return this.rows.length >= this.#max || this.#size >= MAX_RAW || this.work >= MAX_WORK;
  }

  /** What removing them takes, in tags. */
  get work(): number {
    return EVENT_WORK * this.rows.length + this.#ledger + this.#tags + Math.ceil(this.#size / RAW_PER_WORK);
  }

  /** Takes what a query for position and raw JSON finds, as far as there is room. The limit is bound last. */
  find(sql: Sql, query: string, ...bindings: SqlValue[]): void {
    if (this.isFull) return;
    sql.each(query, [...bindings, this.#max - this.rows.length], (row) => {
      this.add(row);
      return !this.isFull;
    });
  }

  /** Takes one row of position and raw JSON. */
  add(row: Row): void {
    const raw = String(row[1]);
    this.rows.push(row);
    this.#size += raw.length;
    this.#tags += mostTags(raw);
    const role = roleOfKind(kindOfRaw(raw));
    if (role !== undefined) this.#ledger += LEDGER_WORK[role];
  }
}
