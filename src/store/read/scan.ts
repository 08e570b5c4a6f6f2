import type { TaggedEvent } from "../../protocol/event.ts";
import type { Filter } from "../../protocol/filter.ts";
import type { RetentionRule } from "../../protocol/retention.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { COST, STEP } from "../../protocol/work.ts";
import type { Recent } from "../recent.ts";
import { type Budget, SearchScan } from "../search/search-scan.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { type Completeness, conclude } from "./completeness.ts";
import { type Candidate, FilterScan, type Hides, rowsAhead, type Take } from "./filter-scan.ts";
import { Merge, type Ordered } from "./merge.ts";
import { MAX_RANGES, planQuery, withUntagged } from "./query-plan.ts";
import type { Bounds } from "./range-read.ts";

/** Limits in events (R-03-12). */
export interface ScanLimits {
  readonly defaultLimit: number;
  readonly maxLimit: number;
  /** Events that all searches together look at, the newest of those that an index gives; {@link MAX_CANDIDATES} if absent. */
  readonly maxCandidates?: number;
}

/** Where a scan stands in time. */
export interface Snapshot {
  /** Position of the newest event it sees. */
  readonly head: number;
  /** Seconds; events that have expired by then are not seen. */
  readonly now: number;
  readonly retention: readonly RetentionRule[];
  /** Set while events wait to be erased; asked for each event, since that may begin and end during a scan. */
  readonly hides?: Hides | undefined;
  /** The newest position whose words are indexed; all if absent. */
  readonly indexed?: number;
  /** Whether an index may have entries of events that are gone. */
  readonly hasLeftovers?: boolean;
  /** Events that cannot be found by all of their tags yet. */
  readonly untagged?: readonly TaggedEvent[] | undefined;
  /** Texts of new events, where they are kept. */
  readonly recent?: Recent | undefined;
  /** Stored events by kind as of now, which may be later than `head`; undefined where that is not known. */
  counts?(): ReadonlyMap<number, number> | undefined;
  /** Whether all that it saw when it was taken can still be seen; undefined where nothing goes. */
  readonly isIntact?: (() => boolean) | undefined;
}

/** The bounds that a filter and a snapshot set together. */
export function boundsOf(filter: Filter, { head, now, retention, untagged, recent }: Snapshot): Bounds {
  return {
    since: filter.since ?? 0,
    until: filter.until ?? Number.MAX_SAFE_INTEGER,
    head,
    now,
    retention,
    untagged,
    recent,
  };
}

/** Rows that are looked at for {@link Completeness} at most. */
const MAX_LOOKS = 20_000;

/** Some 15 ms. */
const MAX_CANDIDATES = 2000;

/** Raw JSON of one page at most, in UTF-16 units. */
const MAX_PAGE_SIZE = 1 << 20;

/**
 * The stored answer to the filters of one REQ: their union, without repeating an event. What a search finds comes first,
 * best first, one search after the other; then the rest in the order of R-03-10.
 */
export class Scan {
  readonly #sql: Sql;
  readonly #filters: readonly Filter[];
  readonly #reader: Reader;
  readonly #limits: ScanLimits;
  readonly #snapshot: Snapshot;
  /** Until all ranges are open. */
  #opening: Steps<boolean> | undefined;
  #isRefused = false;
  readonly #scans: FilterScan[] = [];
  readonly #searches: SearchScan[] = [];
  #sources: Ordered<Candidate>[] = [];
  /** Ids of events that a search has given. */
  readonly #found = new Set<string>();
  #isDone = false;
  #conclusion: Steps<Completeness> | undefined;
  #looks = 0;

  /** Reads nothing yet: {@link page} does. */
  constructor(sql: Sql, filters: readonly Filter[], reader: Reader, limits: ScanLimits, snapshot: Snapshot) {
    this.#sql = sql;
    this.#filters = filters;
    this.#reader = reader;
    this.#limits = limits;
    this.#snapshot = snapshot;
    this.#opening = this.#open();
  }

  /** Plans and opens the ranges of all filters; false if they would be too many. */
  *#open(): Steps<boolean> {
    let room = MAX_RANGES;
    const budget: Budget = { left: this.#limits.maxCandidates ?? MAX_CANDIDATES };
    for (const filter of this.#filters) {
      if (filter.limit === 0) continue;
      if (filter.search !== undefined && !filter.never) {
        const bounds = boundsOf(filter, this.#snapshot);
        const { limit } = takeOf(filter, this.#limits);
        const reader = this.#reader;
        const search = new SearchScan(this.#sql, filter, filter.search, this.#snapshot, bounds, reader, limit, budget);
        yield* search.open();
        this.#searches.push(search);
        continue;
      }
      const scan = yield* this.#scan(filter, room);
      if (scan === undefined) return false;
      room -= scan.ranges;
      this.#scans.push(scan);
      yield;
    }
    const [only] = this.#scans;
    const rest = this.#scans.length === 1 && only !== undefined ? only : new Merge(this.#scans);
    this.#sources = [...this.#searches, rest];
    return true;
  }

  /** Undefined if it would take more than `room` ranges. */
  *#scan(filter: Filter, room: number): Steps<FilterScan | undefined> {
    const planned = yield* planQuery(this.#sql, filter, this.#reader, room, this.#snapshot.counts?.());
    if (planned === undefined) return undefined;
    const bounds = boundsOf(filter, this.#snapshot);
    const plan = withUntagged(planned, filter, bounds.untagged);
    const take = { ...takeOf(filter, this.#limits), chunk: rowsAhead(this.#filters.length) };
    const scan = new FilterScan(this.#sql, plan, filter, bounds, this.#reader, take, this.#snapshot);
    yield* scan.open();
    return scan;
  }

  /** What has to be done before the first row: opens the ranges, then ranks what the searches find. One piece of it. */
  #prepare(): void {
    if (this.#opening !== undefined) {
      const { done, value } = this.#opening.next();
      if (!done) return;
      this.#isRefused = !value;
      this.#opening = undefined;
    } else this.#searches.find((search) => !search.isReady)?.step();
  }

  /** Whether rows can be taken, or it is known that there are none. */
  get #isPrepared(): boolean {
    if (this.#opening !== undefined) return false;
    return this.#isRefused || this.#searches.every((search) => search.isReady);
  }

  /** Whether a filter would touch too many index ranges: there are no events then. Known after {@link page}. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /**
   * Up to `maxRows` more events, in one step of work. A page may have fewer, or none, while work is under way: ask
   * {@link isDone}.
   */
  page(maxRows: number): string[] {
    const rows: string[] = [];
    if (this.#isRefused) return rows;
    const { meter } = this.#sql;
    const end = meter.spent + STEP;
    while (!this.#isPrepared) {
      if (meter.spent >= end) return rows;
      this.#prepare();
    }
    for (let size = 0; meter.spent < end; this.#sources[0]?.advance()) {
      const candidate = this.#peek();
      if (candidate === undefined) {
        this.#isDone = true;
        break;
      }
      meter.spent += COST.merge;
      const { row, isMatch } = candidate;
      // An id is found in the text of its row when it is first asked for: most answers never ask.
      if (!isMatch || (this.#found.size > 0 && this.#found.has(row.id))) continue;
      if (rows.length >= maxRows || size >= MAX_PAGE_SIZE) break;
      rows.push(row.raw);
      size += row.raw.length;
      if (this.#sources.length > 1) this.#found.add(row.id);
    }
    return rows;
  }

  /** Whether {@link page} has given all. */
  get isDone(): boolean {
    return this.#isRefused || this.#isDone;
  }

  /** Whether a search looked at the newest events only, because too many have its words. */
  get isPartial(): boolean {
    return this.#searches.some((search) => search.isPartial);
  }

  /** The next row; it is of the first of the sources that are left. */
  #peek(): Candidate | undefined {
    for (; this.#sources.length > 0; this.#sources.shift()) {
      const next = this.#sources[0]?.peek();
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /**
   * To be asked at the end, a step of work each time until it answers. Where a limit left a great many rows that are no
   * matches it gives up, and the answer is "unknown".
   */
  completeness(): Completeness | undefined {
    this.#conclusion ??= conclude(this.#filters, [...this.#searches, ...this.#scans], this.isPartial, (filter, room) =>
      this.#scan(filter, room),
    );
    const { meter } = this.#sql;
    for (const end = meter.spent + STEP; meter.spent < end; meter.spent += COST.merge) {
      const { done, value } = this.#conclusion.next();
      if (done) return value;
      if (++this.#looks >= MAX_LOOKS) return "unknown";
    }
    return undefined;
  }
}

function takeOf({ limit }: Filter, { defaultLimit, maxLimit }: ScanLimits): Omit<Take, "chunk"> {
  if (limit === undefined) return { limit: defaultLimit, tiesUpTo: maxLimit };
  const capped = Math.min(limit, maxLimit);
  return { limit: capped, tiesUpTo: capped };
}
