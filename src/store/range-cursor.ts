import { placeOfTime } from "./place.ts";
import type { Range } from "./query-plan.ts";
import type { Row, Sql } from "./sql.ts";

/** A stored event on its way out. */
export interface StoredRow {
  /** Its place in the order of R-03-10, as uppercase hex (`place.ts`). */
  readonly place: string;
  readonly kind: number;
  readonly raw: string;
  /** The row must still be held against the whole filter. */
  readonly residual: boolean;
}

/** What all ranges of one scan have in common. Times are seconds. */
export interface Bounds {
  readonly since: number;
  readonly until: number;
  /** Positions above are not seen: they were stored after the scan began. */
  readonly head: number;
  readonly now: number;
  /** The smallest created_at of a kind that is still kept (R-07-01). */
  readonly oldestKept: (kind: number) => number;
}

/** Raw JSON read ahead of need at one time, in UTF-16 units. */
const MAX_AHEAD = 1 << 20;

export const UNEXPIRED = "(e.expiration IS NULL OR e.expiration > ?4)";

function inBounds(table: string): string {
  return `${table}.place > unhex(?1) AND ${table}.place < unhex(?2) AND ${table}.seq <= ?3`;
}

/** Where the events of a range are found: ?1 to ?6 are place, end, head, now, kind, key. */
export const SOURCES: Record<Range["index"], string> = {
  id: `FROM event e WHERE e.id = unhex(?6) AND ${inBounds("e")} AND ${UNEXPIRED}`,
  kind: `FROM event e INDEXED BY event_kind WHERE e.kind = ?5 AND ${inBounds("e")} AND ${UNEXPIRED}`,
  author: `FROM event e INDEXED BY event_author
    WHERE e.pubkey = unhex(?6) AND e.kind = ?5 AND ${inBounds("e")} AND ${UNEXPIRED}`,
  // The tag row has the order; the event is fetched by its position.
  tag: `FROM tag t CROSS JOIN event e ON e.seq = t.seq
    WHERE t.key = unhex(?6) AND t.kind = ?5 AND ${inBounds("t")} AND ${UNEXPIRED}`,
};

function reading(index: Range["index"], raw = "e.raw"): string {
  const table = index === "tag" ? "t" : "e";
  return `SELECT hex(${table}.place), e.kind, ${raw} ${SOURCES[index]} ORDER BY ${table}.place LIMIT ?7`;
}

const READ: Record<Range["index"], string> = {
  id: reading("id"),
  kind: reading("kind"),
  author: reading("author"),
  tag: reading("tag"),
};

const READ_PLACES: Record<Range["index"], string> = {
  id: reading("id", "''"),
  kind: reading("kind", "''"),
  author: reading("author", "''"),
  tag: reading("tag", "''"),
};

/** Up to `count` rows of a range behind `place`, while `take` says so. Their `raw` is empty unless `withRaw`. */
export function readRange(
  sql: Sql,
  range: Range,
  bounds: Bounds,
  place: string,
  count: number,
  withRaw: boolean,
  take: (row: StoredRow) => boolean,
): void {
  const { index, kind, key, residual } = range;
  const bindings = [place, endOf(range, bounds), bounds.head, bounds.now, kind, key, count];
  sql.each((withRaw ? READ : READ_PLACES)[index], bindings, (row: Row) => {
    const [rowPlace, rowKind, raw] = row as [string, number, string];
    return take({ place: rowPlace, kind: rowKind, raw, residual });
  });
}

/** Where a range ends. One by id may hold any kind: its events are held against what is kept when they are read. */
export function endOf({ index, kind }: Range, { since, oldestKept }: Bounds): string {
  return placeOfTime((index === "id" ? since : Math.max(since, oldestKept(kind))) - 1);
}

/**
 * Walks one range of one index. After its first read it reads as many rows as have been taken so far, so that a range
 * that gives little costs little, and one that gives much few statements.
 */
export class RangeCursor {
  readonly #range: Range;
  readonly #sql: Sql;
  readonly #bounds: Bounds;
  #ahead: StoredRow[] = [];
  #next = 0;
  /** Place of the last row read. */
  #place: string;
  #taken = 0;
  #exhausted = false;

  constructor(sql: Sql, range: Range, bounds: Bounds) {
    this.#sql = sql;
    this.#range = range;
    this.#bounds = bounds;
    this.#place = placeOfTime(bounds.until);
  }

  /** The next row; undefined at the end. `first` rows are read at the first need, never more than `most`. */
  peek(first: number, most: number): StoredRow | undefined {
    if (this.#next === this.#ahead.length && !this.#exhausted) {
      this.#read(Math.max(1, Math.min(most, this.#taken === 0 ? first : this.#taken)));
    }
    return this.#ahead[this.#next];
  }

  /** Steps over the row that {@link peek} showed. */
  advance(): void {
    this.#next++;
    this.#taken++;
  }

  #read(count: number): void {
    const rows: StoredRow[] = [];
    let size = 0;
    readRange(this.#sql, this.#range, this.#bounds, this.#place, count, true, (row) => {
      rows.push(row);
      size += row.raw.length;
      return size < MAX_AHEAD;
    });
    this.#exhausted = rows.length < count && size < MAX_AHEAD;
    this.#ahead = rows;
    this.#next = 0;
    this.#place = rows.at(-1)?.place ?? this.#place;
  }
}
