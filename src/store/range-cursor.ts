import type { Range } from "./query-plan.ts";
import type { Row, Sql } from "./sql.ts";

/** A stored event on its way out. (rank, id) is its place in the order of R-03-10; ids here are uppercase hex. */
export interface StoredRow {
  readonly rank: number;
  readonly id: string;
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
}

/** Raw JSON read ahead of need at one time, in UTF-16 units. */
const MAX_AHEAD = 1 << 20;

const BOUNDS = "(e.rank, e.id) > (?1, unhex(?2)) AND e.rank <= ?3 AND e.seq <= ?4";
const TAG_BOUNDS = "(t.rank, t.id) > (?1, unhex(?2)) AND t.rank <= ?3 AND t.seq <= ?4";
const UNEXPIRED = "(e.expiration IS NULL OR e.expiration > ?5)";

const SOURCES: Record<Range["index"], string> = {
  id: `FROM event e WHERE e.id = unhex(?7) AND ${BOUNDS} AND ${UNEXPIRED}`,
  kind: `FROM event e INDEXED BY event_kind WHERE e.kind = ?6 AND ${BOUNDS} AND ${UNEXPIRED}`,
  author: `FROM event e INDEXED BY event_author WHERE e.pubkey = unhex(?7) AND e.kind = ?6 AND ${BOUNDS} AND ${UNEXPIRED}`,
  // The tag row has the order; the event is fetched by its position.
  tag: `FROM tag t CROSS JOIN event e ON e.seq = t.seq WHERE t.key = unhex(?7) AND t.kind = ?6 AND ${TAG_BOUNDS} AND ${UNEXPIRED}`,
};

function reading(index: Range["index"]): string {
  const place = index === "tag" ? "t.rank, hex(t.id), t.kind" : "e.rank, hex(e.id), e.kind";
  const order = index === "tag" ? "t.rank, t.id" : "e.rank, e.id";
  return `SELECT ${place}, e.raw ${SOURCES[index]} ORDER BY ${order} LIMIT ?8`;
}

const READ: Record<Range["index"], string> = {
  id: reading("id"),
  kind: reading("kind"),
  author: reading("author"),
  tag: reading("tag"),
};

/** Number of unexpired events in a range. */
export function countRange(sql: Sql, { index, kind, key }: Range, { since, until, head, now }: Bounds): number {
  const bindings = [-until, "", -since, head, now, kind, ...(index === "kind" ? [] : [key])];
  return Number(sql.all(`SELECT count(*) ${SOURCES[index]}`, ...bindings)[0]?.[0]);
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
  #rank: number;
  #id = "";
  #taken = 0;
  #exhausted = false;

  constructor(sql: Sql, range: Range, bounds: Bounds) {
    this.#sql = sql;
    this.#range = range;
    this.#bounds = bounds;
    this.#rank = -bounds.until;
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
    const { since, head, now } = this.#bounds;
    const { index, kind, key, residual } = this.#range;
    const bindings = [this.#rank, this.#id, -since, head, now, kind, key, count];
    const rows: StoredRow[] = [];
    let size = 0;
    this.#sql.each(READ[index], bindings, (row: Row) => {
      const [rank, id, kind, raw] = row as [number, string, number, string];
      rows.push({ rank, id, kind, raw, residual });
      size += raw.length;
      return size < MAX_AHEAD;
    });
    this.#exhausted = rows.length < count && size < MAX_AHEAD;
    this.#ahead = rows;
    this.#next = 0;
    const last = rows.at(-1);
    if (last !== undefined) {
      this.#rank = last.rank;
      this.#id = last.id;
    }
  }
}
