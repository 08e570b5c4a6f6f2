import { type Event, indexedTags, timeOfRaw } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import { type SearchQuery, scoreSearch } from "../../protocol/search/search.ts";
import { SearchText, searchableText } from "../../protocol/search/search-text.ts";
import { canRead, type Reader } from "../../protocol/visibility.ts";
import { COST, STEP } from "../../protocol/work.ts";
import { idOfPlace, placeOf } from "../place.ts";
import { Candidate, type Hiding } from "../read/filter-scan.ts";
import { isPast } from "../read/kept.ts";
import type { Ordered } from "../read/merge.ts";
import type { Bounds } from "../read/range-read.ts";
import { StoredRow } from "../read/stored-row.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { type Candidates, chooseCandidates } from "./search-candidates.ts";

/** Candidates that one statement reads at most. */
const AT_ONCE = 1000;

/** What a candidate takes that is none: it lacks a word, or is of the wrong kind or time. */
const MISSED = 0.25;

/** How many more candidates may be looked at, over all searches of one REQ. */
export interface Budget {
  left: number;
}

/** How far the words of events are indexed. */
interface Indexed {
  /** The newest position; all if absent. */
  readonly indexed?: number;
}

interface Found {
  readonly place: string;
  readonly score: number;
}

/**
 * Visible matches of one filter with a search, best first, ties in the order of R-03-10, up to its limit (R-05-40). An
 * index gives candidates, newest first; each is checked against the whole filter. All are scored before the first is
 * given: {@link open}, then {@link step} until {@link isReady}.
 */
export class SearchScan implements Ordered<Candidate> {
  readonly filter: Filter;
  readonly #sql: Sql;
  readonly #query: SearchQuery;
  readonly #others: Filter;
  readonly #isTagged: boolean;
  readonly #bounds: Bounds;
  readonly #hiding: Hiding & Indexed;
  readonly #reader: Reader;
  readonly #limit: number;
  readonly #budget: Budget;
  #candidates: Candidates | undefined;
  #found: Found[] = [];
  #isRanked = false;
  #next = 0;
  #given = 0;
  #head: Candidate | undefined;

  constructor(
    sql: Sql,
    filter: Filter,
    query: SearchQuery,
    hiding: Hiding & Indexed,
    bounds: Bounds,
    reader: Reader,
    limit: number,
    budget: Budget,
  ) {
    const { search, ...others } = filter;
    this.filter = filter;
    this.#sql = sql;
    this.#query = query;
    this.#others = others;
    this.#isTagged = others.anyOf.length + others.allOf.length > 0;
    this.#bounds = bounds;
    this.#hiding = hiding;
    this.#reader = reader;
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Chooses the index. */
  *open(): Steps<void> {
    this.#candidates = yield* chooseCandidates(
      this.#sql,
      this.filter,
      this.#query,
      this.#bounds,
      this.#hiding.indexed ?? this.#bounds.head,
    );
  }

  /** Whether the order is known, so that rows can be taken. */
  get isReady(): boolean {
    return this.#isRanked;
  }

  /** Whether there were more candidates than may be looked at. */
  get isPartial(): boolean {
    return this.#candidates?.isDone === false;
  }

  /** Scores one stretch of candidates, or brings what has been found into order. */
  step(): void {
    if (this.#candidates?.isDone === false && this.#budget.left > 0) return this.#score(this.#candidates);
    this.#found.sort((a, b) => b.score - a.score || (a.place < b.place ? -1 : 1));
    this.#isRanked = true;
  }

  peek(): Candidate | undefined {
    return this.#given < this.#limit ? this.#current() : undefined;
  }

  advance(): void {
    this.#given++;
    this.passOver();
  }

  /** Steps over a match that is not given. */
  passOver(): void {
    this.#next++;
    this.#head = undefined;
  }

  /** At the end: the first visible match that the limit kept back. */
  // biome-ignore lint/correctness/useYield: what matches is known already.
  *withheld(): Steps<StoredRow | undefined> {
    return this.#given < this.#limit ? undefined : this.#current()?.row;
  }

  /** The next match that is still stored, and still to be seen. */
  #current(): Candidate | undefined {
    for (let found = this.#found[this.#next]; found !== undefined; found = this.#found[this.#next]) {
      this.#head ??= this.#read(found);
      if (this.#head !== undefined && !this.#hiding.hides?.(JSON.parse(this.#head.row.raw))) return this.#head;
      this.passOver();
    }
    return undefined;
  }

  #read({ place }: Found): Candidate | undefined {
    const [stored] = this.#sql.all("SELECT raw FROM event WHERE id = unhex(?1)", idOfPlace(place));
    return stored && new Candidate(new StoredRow(stored[0] as string), true);
  }

  #score(candidates: Candidates): void {
    const { meter } = this.#sql;
    const end = meter.spent + STEP / 2;
    candidates.read(AT_ONCE, (kind, raw, isChosen) => {
      const isFound = this.#consider(kind, raw);
      if (isFound || isChosen()) this.#budget.left -= isFound ? 1 : MISSED;
      return this.#budget.left > 0 && meter.spent < end;
    });
  }

  /** Keeps what matches; whether it does. */
  #consider(kind: number, raw: string): boolean {
    const time = timeOfRaw(raw);
    const { since, until } = this.#bounds;
    if (time < since || time > until || isPast(this.#bounds, this.#sql, new StoredRow(raw))) return false;
    if (this.#others.kinds?.has(kind) === false) return false;
    this.#sql.meter.spent += COST.match + COST.parsed * raw.length;
    const event = JSON.parse(raw) as Event;
    if (this.#hiding.hides?.(event)) return false;
    const tags = this.#isTagged || this.#reader.privateKinds.has(kind) ? indexedTags(event) : [];
    if (!matches(this.#others, event, tags) || !canRead(this.#reader, event, tags)) return false;
    const text = new SearchText(searchableText(event));
    const score = scoreSearch(this.#query, event, text);
    this.#sql.meter.spent += text.spent;
    if (score > 0) this.#found.push({ place: placeOf(time, event.id), score });
    return score > 0;
  }
}
