import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { Comparable, Ordered } from "./merge.ts";
import type { Range } from "./query-plan.ts";
import { type Bounds, readPlaces, readRows } from "./range-read.ts";
import type { StoredRow } from "./stored-row.ts";

/** An event of a range: where it stands, and whether it belongs to the answer. */
export class FoundRecord implements Comparable<FoundRecord> {
  /** As lowercase hex (`place.ts`): created_at and id are in it. */
  readonly place: string;
  readonly isVisible: boolean;

  constructor(place: string, isVisible: boolean) {
    this.place = place;
    this.isVisible = isVisible;
  }

  compare({ place }: FoundRecord): number {
    return this.place < place ? -1 : this.place > place ? 1 : 0;
  }
}

/** Raw JSON read at one time, in UTF-16 units. */
const MAX_RAW = 1 << 17;

/**
 * Walks the places of one range, without their events where nothing is left to check on them. It shows also what does
 * not belong to the answer, so that no step takes more than one statement, however few of the rows do.
 */
export class RecordCursor implements Ordered<FoundRecord> {
  readonly #sql: Sql;
  readonly #range: Range;
  readonly #bounds: Bounds;
  /** Rows read at one time. */
  readonly #count: number;
  readonly #withRaw: boolean;
  readonly #isVisible: (row: StoredRow) => boolean;
  #ahead: FoundRecord[] = [];
  #next = 0;
  #place: string;
  #isExhausted = false;

  constructor(
    sql: Sql,
    range: Range,
    bounds: Bounds,
    options: { count: number; withRaw: boolean; isVisible: (row: StoredRow) => boolean },
  ) {
    this.#sql = sql;
    this.#range = range;
    this.#bounds = bounds;
    this.#count = options.count;
    this.#withRaw = options.withRaw;
    this.#isVisible = options.isVisible;
    this.#place = placeOfTime(bounds.until);
  }

  peek(): FoundRecord | undefined {
    if (this.#next === this.#ahead.length && !this.#isExhausted) this.#read();
    return this.#ahead[this.#next];
  }

  advance(): void {
    this.#next++;
  }

  #read(): void {
    const found: FoundRecord[] = [];
    let size = 0;
    const from = { range: this.#range, place: this.#place };
    if (this.#withRaw) {
      readRows(this.#sql, from, this.#bounds, this.#count, (place, row) => {
        found.push(new FoundRecord(place, row !== undefined && this.#isVisible(row)));
        size += row?.raw.length ?? 0;
        return size < MAX_RAW;
      });
    } else {
      const places = readPlaces(this.#sql, from, this.#bounds, this.#count);
      for (const [place, isThere] of places) found.push(new FoundRecord(place, isThere));
    }
    this.#isExhausted = found.length < this.#count && size < MAX_RAW;
    this.#ahead = found;
    this.#next = 0;
    this.#place = found.at(-1)?.place ?? this.#place;
  }
}
