import type { Filter } from "../protocol/filter.ts";
import type { SearchQuery } from "../protocol/search.ts";
import type { Reader } from "../protocol/visibility.ts";
import { mergeOpened, type Ordered } from "./merge.ts";
import { type Plan, planQuery } from "./query-plan.ts";
import { countStretch } from "./range-count.ts";
import { type Bounds, RangeCursor, type StoredRow, UNEXPIRED } from "./range-cursor.ts";
import type { Row, Sql } from "./sql.ts";
import type { Steps } from "./steps.ts";

/** Events that a search may find, newest first. Each must still be held against the filter. */
export interface Candidates {
  /** Reads up to `most` more, while `take` says so. */
  read(most: number, take: (kind: number, raw: string) => boolean): void;
  /** Whether there are no more. */
  readonly isDone: boolean;
}

/** Positions in which one read looks for candidates: few events may have all of several frequent words. */
const WINDOW = 100_000;

/** Entries that are counted to find the smaller index, and words of a query that are looked at for that. */
const MAX_PROBED = 10_000;
const MAX_PROBES = 16;

/** Ranges that are opened for the sake of a search. */
const MAX_RANGES = 2000;

/** What opening a range takes, in candidates. */
const RANGE_COST = 5;

/**
 * Chooses the index that has fewer events to look at: that of the words, or the ranges of the other conditions. Where
 * both have very many, the words, unless only what is before a time is wanted: the index of words does not know times.
 */
export function* chooseCandidates(
  sql: Sql,
  { search, ...others }: Filter,
  query: SearchQuery,
  bounds: Bounds,
  reader: Reader,
): Steps<Candidates> {
  const words = new WordCandidates(sql, query, bounds);
  const { ids, authors, kinds, since, until, anyOf, allOf } = others;
  const conditions = [ids, authors, kinds, since, until, anyOf[0], allOf[0]];
  if (conditions.every((condition) => condition === undefined)) return words;
  const plan = yield* planQuery(sql, others, reader, MAX_RANGES);
  if (plan === undefined) return words;
  const behindRanges = yield* sizeOf(sql, plan, bounds);
  const behindWords = yield* fewestOf(sql, query, Math.min(behindRanges, MAX_PROBED) + 1);
  const areBothLarge = behindRanges > MAX_PROBED && behindWords > MAX_PROBED;
  if (areBothLarge ? until === undefined : behindWords < behindRanges) return words;
  const cursors = plan.ranges.map((range): Ordered<StoredRow> => {
    const cursor = new RangeCursor(sql, range, bounds);
    const first = Math.ceil(FIRST_ROWS / plan.ranges.length);
    return { peek: () => cursor.peek(first, FIRST_ROWS), advance: () => cursor.advance() };
  });
  return new RangeCandidates(yield* mergeOpened(cursors));
}

/** Rows that all ranges together read at first, and that one does at one time. */
const FIRST_ROWS = 250;

/** What looking at all events of a plan takes, in candidates, up to {@link MAX_PROBED} and a little more. */
function* sizeOf(sql: Sql, { ranges }: Plan, bounds: Bounds): Steps<number> {
  let size = 0;
  for (const range of ranges) {
    const most = MAX_PROBED + 1 - size;
    if (most <= 0) break;
    size += RANGE_COST;
    size += countStretch(sql, range, bounds, { from: undefined, most, isAnyExpired: false, isSketched: false }).count;
    yield;
  }
  return size;
}

/** How many events at most have all words: those that have the rarest, up to `most`. */
function* fewestOf(sql: Sql, { terms }: SearchQuery, most: number): Steps<number> {
  let fewest = most;
  for (const token of terms.flat().slice(0, MAX_PROBES)) {
    const query = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ?1 LIMIT ?2 + 0)";
    fewest = Math.min(fewest, Number(sql.all(query, `"${token}"`, fewest)[0]?.[0]));
    yield;
  }
  return fewest;
}

/** By the index of words, newest arrival first. */
class WordCandidates implements Candidates {
  readonly #sql: Sql;
  readonly #words: string;
  readonly #now: number;
  /** Newest position not yet looked at. */
  #from: number;

  constructor(sql: Sql, { terms }: SearchQuery, { head, now }: Bounds) {
    this.#sql = sql;
    // Tokens hold nothing that the syntax of a query knows.
    this.#words = terms.map((tokens) => `"${tokens.join(" ")}"`).join(" ");
    this.#now = now;
    this.#from = head;
  }

  get isDone(): boolean {
    return this.#from <= 0;
  }

  read(most: number, take: (kind: number, raw: string) => boolean): void {
    const floor = Math.max(0, this.#from - WINDOW);
    let rows = 0;
    let last = floor + 1;
    let isStopped = false;
    // FTS5 seeks by whole numbers only, and numbers bind as REAL.
    this.#sql.each(
      `SELECT e.seq, e.kind, e.raw
       FROM search s CROSS JOIN event e ON e.seq = s.rowid
       WHERE search MATCH ?1 AND s.rowid <= CAST(?2 AS INTEGER) AND s.rowid > CAST(?3 AS INTEGER) AND ${UNEXPIRED}
       ORDER BY s.rowid DESC LIMIT ?5 + 0`,
      [this.#words, this.#from, floor, this.#now, most],
      ([position, kind, raw]: Row) => {
        rows++;
        last = position as number;
        isStopped = !take(kind as number, raw as string);
        return !isStopped;
      },
    );
    this.#from = rows < most && !isStopped ? floor : last - 1;
  }
}

/** By the ranges of the other conditions, newest first. */
class RangeCandidates implements Candidates {
  readonly #rows: Ordered<StoredRow>;

  constructor(rows: Ordered<StoredRow>) {
    this.#rows = rows;
  }

  get isDone(): boolean {
    return this.#rows.peek() === undefined;
  }

  read(most: number, take: (kind: number, raw: string) => boolean): void {
    for (let rows = 0; rows < most; rows++) {
      const row = this.#rows.peek();
      if (row === undefined) return;
      this.#rows.advance();
      if (!take(row.kind, row.raw)) return;
    }
  }
}
