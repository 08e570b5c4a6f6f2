import { type Event, indexedTags } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import { type SearchQuery, scoreSearch } from "../protocol/search.ts";
import { canRead, type Reader } from "../protocol/visibility.ts";
import type { Hiding } from "./filter-scan.ts";
import type { Ordered } from "./merge.ts";
import { timeOfPlace } from "./place.ts";
import type { Bounds, StoredRow } from "./range-cursor.ts";
import type { Row, Sql } from "./sql.ts";

/** Candidates of one stretch, and UTF-16 units of their raw JSON: some 10 ms. */
const STRETCH = 1000;
const STRETCH_SIZE = 1 << 20;

/** Positions in which one stretch looks for candidates: few events may have all of several frequent words. */
const WINDOW = 250_000;

/** How many more candidates may be looked at, over all searches of one REQ. */
export interface Budget {
  left: number;
}

interface Found {
  readonly position: number;
  readonly place: string;
  readonly kind: number;
  readonly score: number;
}

/**
 * Visible matches of one filter with a search, best first, ties in the order of R-03-10, up to its limit (R-05-40). The
 * index gives candidates, newest arrival first; each is held against the whole filter. All are scored before the first
 * is given, in stretches: {@link step} until {@link isReady}.
 */
export class SearchScan implements Ordered<StoredRow> {
  readonly filter: Filter;
  readonly #sql: Sql;
  readonly #query: SearchQuery;
  readonly #bounds: Bounds;
  readonly #hiding: Hiding;
  readonly #reader: Reader;
  readonly #limit: number;
  readonly #budget: Budget;
  readonly #words: string;
  /** Newest position not yet looked at. */
  #from: number;
  #found: Found[] = [];
  #isRanked = false;
  #next = 0;
  #given = 0;
  #row: StoredRow | undefined;

  constructor(
    sql: Sql,
    filter: Filter,
    query: SearchQuery,
    hiding: Hiding,
    bounds: Bounds,
    reader: Reader,
    limit: number,
    budget: Budget,
  ) {
    this.filter = filter;
    this.#sql = sql;
    this.#query = query;
    this.#bounds = bounds;
    this.#hiding = hiding;
    this.#reader = reader;
    this.#limit = limit;
    this.#budget = budget;
    // Tokens hold nothing that the syntax of a query knows.
    this.#words = query.terms.map((tokens) => `"${tokens.join(" ")}"`).join(" ");
    this.#from = bounds.head;
  }

  /** Whether the order is known, so that rows can be taken. */
  get isReady(): boolean {
    return this.#isRanked;
  }

  /** Whether there were more candidates than may be looked at. */
  get isPartial(): boolean {
    return this.#from > 0;
  }

  /** Scores one stretch of candidates, or brings what has been found into order. */
  step(): void {
    if (this.#from > 0 && this.#budget.left > 0) return this.#score();
    this.#found.sort((a, b) => b.score - a.score || (a.place < b.place ? -1 : 1));
    this.#isRanked = true;
  }

  peek(): StoredRow | undefined {
    return this.#given < this.#limit ? this.#current() : undefined;
  }

  advance(): void {
    this.#given++;
    this.#next++;
    this.#row = undefined;
  }

  /** At the end: the first visible match that the limit kept back. */
  withheld(): StoredRow | undefined {
    return this.#given < this.#limit ? undefined : this.#current();
  }

  /** The next match that is still stored. */
  #current(): StoredRow | undefined {
    for (; this.#row === undefined; this.#next++) {
      const found = this.#found[this.#next];
      if (found === undefined) return undefined;
      const [stored] = this.#sql.all("SELECT raw FROM event WHERE seq = ?1", found.position);
      if (stored === undefined) continue;
      this.#row = { place: found.place, kind: found.kind, raw: stored[0] as string, residual: false };
      break;
    }
    return this.#row;
  }

  #score(): void {
    const floor = Math.max(0, this.#from - WINDOW);
    const most = Math.min(STRETCH, this.#budget.left);
    let rows = 0;
    let size = 0;
    let last = floor + 1;
    // FTS5 seeks by whole numbers only, and numbers bind as REAL.
    this.#sql.each(
      `SELECT e.seq, hex(e.place), e.kind, e.expiration, e.raw
       FROM search s CROSS JOIN event e ON e.seq = s.rowid
       WHERE search MATCH ?1 AND s.rowid <= CAST(?2 AS INTEGER) AND s.rowid > CAST(?3 AS INTEGER)
       ORDER BY s.rowid DESC LIMIT ?4`,
      [this.#words, this.#from, floor, most],
      (row) => {
        rows++;
        size += (row[4] as string).length;
        last = row[0] as number;
        this.#consider(row);
        return size < STRETCH_SIZE;
      },
    );
    this.#budget.left -= rows;
    this.#from = rows < most && size < STRETCH_SIZE ? floor : last - 1;
  }

  #consider([position, place, kind, expiration, raw]: Row): void {
    const time = timeOfPlace(place as string);
    const { since, until, now, oldestKept } = this.#bounds;
    if (time < Math.max(since, oldestKept(kind as number)) || time > until) return;
    if (expiration !== null && (expiration as number) <= now) return;
    const event = JSON.parse(raw as string) as Event;
    const tags = indexedTags(event);
    if (this.#hiding.hides?.(event) || !matches(this.filter, event, tags) || !canRead(this.#reader, event, tags))
      return;
    const score = scoreSearch(this.#query, event);
    this.#found.push({ position: position as number, place: place as string, kind: kind as number, score });
  }
}
