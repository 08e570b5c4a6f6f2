import type { Event } from "../../protocol/event.ts";
import type { Filter } from "../../protocol/filter.ts";
import type { SearchQuery } from "../../protocol/search/search.ts";
import { SearchText, searchableText } from "../../protocol/search/search-text.ts";
import { COST } from "../../protocol/work.ts";
import type { Ordered } from "../read/merge.ts";
import { type Plan, planQuery, withUntagged } from "../read/query-plan.ts";
import { countStretch } from "../read/range-count.ts";
import { openRanges } from "../read/range-cursor.ts";
import { type Bounds, IS_THERE } from "../read/range-read.ts";
import type { StoredRow } from "../read/stored-row.ts";
import { chargeEntries, type Row, type Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";

/**
 * Events that a search may find, newest first. Each must still be checked against the filter. Private kinds are never
 * searched (R-05-40), so none of them is a candidate, for nobody: how many there are would show in what is left out.
 */
export interface Candidates {
  /** Reads up to `most` more, while `take` says so. */
  read(most: number, take: TakeCandidate): void;
  /** Whether there are no more. */
  readonly isDone: boolean;
}

/**
 * Takes a candidate; `isChosen` tells whether the index would have given it, also where it is too new to be in it. Whether to
 * read on.
 */
export type TakeCandidate = (kind: number, raw: string, isChosen: () => boolean) => boolean;

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
  indexed: number,
): Steps<Candidates> {
  const byWord = ({ token }: Rarest) => new WordCandidates(sql, token, query, bounds, indexed);
  const { ids, authors, kinds, since, until, anyOf, allOf } = others;
  const conditions = [ids, authors, kinds, since, until, anyOf[0], allOf[0]];
  if (conditions.every((condition) => condition === undefined)) {
    return byWord(yield* rarestOf(sql, query, MAX_PROBED + 1));
  }
  const planned = yield* planQuery(sql, others, { authed: NOBODY, privateKinds: query.exceptKinds }, MAX_RANGES);
  if (planned === undefined) return byWord(yield* rarestOf(sql, query, MAX_PROBED + 1));
  const plan = withUntagged(planned, others, bounds.untagged);
  const behindRanges = yield* sizeOf(sql, plan, bounds);
  const rarest = yield* rarestOf(sql, query, Math.min(behindRanges, MAX_PROBED) + 1);
  const behindWords = rarest.size + Math.max(0, bounds.head - indexed);
  const areBothLarge = behindRanges > MAX_PROBED && behindWords > MAX_PROBED;
  if (areBothLarge ? until === undefined : behindWords < behindRanges) return byWord(rarest);
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

/** The word of a query that the fewest events have, and how many do, up to `most`. */
interface Rarest {
  readonly token: string;
  readonly size: number;
}

function* rarestOf(sql: Sql, { terms }: SearchQuery, most: number): Steps<Rarest> {
  const tokens = [...new Set(terms.flat())].slice(0, MAX_PROBES);
  let rarest: Rarest = { token: tokens[0] ?? "", size: most };
  if (tokens.length === 1 && most > MAX_PROBED) return rarest;
  for (const token of tokens) {
    const query = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ?1 LIMIT ?2 + 0)";
    const size = Number(sql.all(query, phraseOf(token), rarest.size)[0]?.[0]);
    chargeEntries(sql, size);
    if (size < rarest.size) rarest = { token, size };
    yield;
  }
  return rarest;
}

/** Tokens hold nothing that the syntax of a query knows. */
function phraseOf(token: string): string {
  return `"${token}"`;
}

/**
 * Newest arrival first: events whose words are not indexed yet, then by the index those that have one word. Of more words
 * the index could look for long, in one statement, without finding an event that has them all.
 */
class WordCandidates implements Candidates {
  readonly #sql: Sql;
  readonly #word: string;
  readonly #token: string;
  readonly #inTail: string;
  readonly #inIndex: string;
  readonly #now: number;
  /** Newest position that is indexed, as of now: later ones are looked through also when they are indexed meanwhile. */
  readonly #indexed: number;
  /** Newest position not yet looked at. */
  #from: number;
  #isDone = false;

  constructor(sql: Sql, token: string, { exceptKinds }: SearchQuery, { head, now }: Bounds, indexed: number) {
    this.#sql = sql;
    this.#word = token;
    this.#token = phraseOf(token);
    const raw = `CASE WHEN ${IS_THERE} AND e.kind NOT IN (${[...exceptKinds].join()}) THEN e.raw END`;
    this.#inTail = `SELECT e.seq, e.kind, ${raw} FROM event e
       WHERE e.seq <= ?2 AND e.seq > ?3 ORDER BY e.seq DESC LIMIT ?1 + 0`;
    // Private kinds are in the index if they have become private later. FTS5 seeks by whole numbers only, and numbers
    // bind as REAL.
    this.#inIndex = `SELECT s.rowid, e.kind, ${raw}
       FROM search s LEFT JOIN event e ON e.seq = s.rowid
       WHERE search MATCH ?5 AND s.rowid <= CAST(?2 AS INTEGER) AND s.rowid > CAST(?3 AS INTEGER)
       ORDER BY s.rowid DESC LIMIT ?1 + 0`;
    this.#now = now;
    this.#from = head;
    this.#indexed = Math.min(indexed, head);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  read(most: number, take: TakeCandidate): void {
    const isTail = this.#from > this.#indexed;
    const floor = isTail ? this.#indexed : 0;
    const bindings = [most, this.#from, floor, this.#now];
    let rows = 0;
    let isStopped = false;
    this.#sql.each(
      isTail ? this.#inTail : this.#inIndex,
      isTail ? bindings : [...bindings, this.#token],
      ([position, kind, raw]: Row) => {
        rows++;
        this.#from = (position as number) - 1;
        if (raw === null) return true;
        isStopped = !take(kind as number, raw as string, () => !isTail || this.#hasWord(raw as string));
        return !isStopped;
      },
    );
    if (rows >= most || isStopped) return;
    this.#from = floor;
    this.#isDone = floor === 0;
  }

  #hasWord(raw: string): boolean {
    const text = new SearchText(searchableText(JSON.parse(raw) as Event));
    const isThere = text.occurrences([this.#word], 1) > 0;
    this.#sql.meter.spent += COST.parsed * raw.length + text.spent;
    return isThere;
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

  read(most: number, take: TakeCandidate): void {
    for (let rows = 0; rows < most; rows++) {
      const row = this.#peek();
      if (row === undefined) return;
      this.#rows.advance();
      if (!take(row.kind, row.raw, () => true)) return;
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
