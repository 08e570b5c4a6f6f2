import type { Filter } from "../../protocol/filter.ts";
import type { SearchQuery } from "../../protocol/search/search.ts";
import type { Ordered } from "../read/merge.ts";
import { type Plan, planQuery } from "../read/query-plan.ts";
import { countStretch } from "../read/range-count.ts";
import { openRanges } from "../read/range-cursor.ts";
import { type Bounds, UNEXPIRED } from "../read/range-read.ts";
import type { StoredRow } from "../read/stored-row.ts";
import type { Row, Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";

/**
 * Events that a search may find, newest first. Each must still be held against the filter. Private kinds are never
 * searched (R-05-40), so none of them is a candidate, for nobody: how many there are would show in what is left out.
 */
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
): Steps<Candidates> {
  const words = new WordCandidates(sql, query, bounds);
  const { ids, authors, kinds, since, until, anyOf, allOf } = others;
  const conditions = [ids, authors, kinds, since, until, anyOf[0], allOf[0]];
  if (conditions.every((condition) => condition === undefined)) return words;
  const plan = yield* planQuery(sql, others, { authed: NOBODY, privateKinds: query.exceptKinds }, MAX_RANGES);
  if (plan === undefined) return words;
  const behindRanges = yield* sizeOf(sql, plan, bounds);
  const behindWords = yield* fewestOf(sql, query, Math.min(behindRanges, MAX_PROBED) + 1);
  const areBothLarge = behindRanges > MAX_PROBED && behindWords > MAX_PROBED;
  if (areBothLarge ? until === undefined : behindWords < behindRanges) return words;
  return new RangeCandidates(yield* openRanges(sql, plan.ranges, bounds, () => ROWS_AT_ONCE), query.exceptKinds);
}

/** Not even the parties of private events find them by a search. */
const NOBODY: ReadonlySet<string> = new Set();

/** Rows that all ranges together read at first, and that one does at one time. */
const ROWS_AT_ONCE = 250;

/**
 * What looking at all events of a plan takes, in candidates, up to {@link MAX_PROBED} and a little more. Ids count whether
 * there is such an event or not.
 */
function* sizeOf(sql: Sql, { ranges }: Plan, bounds: Bounds): Steps<number> {
  let size = 0;
  for (const range of ranges) {
    const most = MAX_PROBED + 1 - size;
    if (most <= 0) break;
    size += RANGE_COST;
    if (range.index === "id") size += (JSON.parse(range.key) as unknown[]).length;
    else size += countStretch(sql, range, bounds, { from: undefined, most, areGone: false, isSketched: false }).count;
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
  readonly #query: string;
  readonly #now: number;
  /** Newest position not yet looked at. */
  #from: number;
  #isDone = false;

  constructor(sql: Sql, { terms, exceptKinds }: SearchQuery, { head, now }: Bounds) {
    this.#sql = sql;
    // Tokens hold nothing that the syntax of a query knows.
    this.#words = terms.map((tokens) => `"${tokens.join(" ")}"`).join(" ");
    // Private kinds are in the index if they have become private later. FTS5 seeks by whole numbers only, and numbers
    // bind as REAL.
    this.#query = `SELECT e.seq, e.kind, e.raw
       FROM search s CROSS JOIN event e ON e.seq = s.rowid
       WHERE search MATCH ?1 AND s.rowid <= CAST(?2 AS INTEGER) AND s.rowid > CAST(?3 AS INTEGER) AND ${UNEXPIRED}
         AND e.kind NOT IN (${[...exceptKinds].join()})
       ORDER BY s.rowid DESC LIMIT ?5 + 0`;
    this.#now = now;
    this.#from = head;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  read(most: number, take: (kind: number, raw: string) => boolean): void {
    const floor = Math.max(0, this.#from - WINDOW);
    let rows = 0;
    let last = floor + 1;
    let isStopped = false;
    this.#sql.each(this.#query, [this.#words, this.#from, floor, this.#now, most], ([position, kind, raw]: Row) => {
      rows++;
      last = position as number;
      isStopped = !take(kind as number, raw as string);
      return !isStopped;
    });
    const isThrough = rows < most && !isStopped;
    this.#from = isThrough ? floor : last - 1;
    // Known by looking only: where the last one stands says how many hidden events came before it.
    this.#isDone = isThrough && floor === 0;
  }
}

/** By the ranges of the other conditions, newest first. */
class RangeCandidates implements Candidates {
  readonly #rows: Ordered<StoredRow>;
  readonly #exceptKinds: ReadonlySet<number>;

  constructor(rows: Ordered<StoredRow>, exceptKinds: ReadonlySet<number>) {
    this.#rows = rows;
    this.#exceptKinds = exceptKinds;
  }

  get isDone(): boolean {
    return this.#peek() === undefined;
  }

  read(most: number, take: (kind: number, raw: string) => boolean): void {
    for (let rows = 0; rows < most; rows++) {
      const row = this.#peek();
      if (row === undefined) return;
      this.#rows.advance();
      if (!take(row.kind, row.raw)) return;
    }
  }

  /** Ranges by id hold any kind. */
  #peek(): StoredRow | undefined {
    for (let row = this.#rows.peek(); row !== undefined; row = this.#rows.peek()) {
      if (!this.#exceptKinds.has(row.kind)) return row;
      this.#rows.advance();
    }
    return undefined;
  }
}
