import { type Event, indexedTags } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import { searchWorkOf } from "../../protocol/search/search-text.ts";
import { canRead, type Reader } from "../../protocol/visibility.ts";
import { COST } from "../../protocol/work.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { isPast } from "./kept.ts";
import { type Comparable, Merge, type Ordered } from "./merge.ts";
import type { Plan } from "./query-plan.ts";
import { openRanges } from "./range-cursor.ts";
import type { Bounds } from "./range-read.ts";
import type { StoredRow } from "./stored-row.ts";

/** How many of a filter's events are wanted. */
export interface Take {
  /** Events at most. */
  readonly limit: number;
  /** Where the limit is the relay's own, events as old as the last one still come, up to this many in all (R-03-19). */
  readonly tiesUpTo: number;
  /** Rows read ahead at most. */
  readonly chunk: number;
}

/** Whether an event that is still stored is to be taken as erased. */
export type Hides = (event: Event) => boolean;

/** Tells of events that count as erased although they are still stored, while there are any. */
export interface Hiding {
  readonly hides?: Hides | undefined;
}

/** Rows that one range reads ahead at most, and that the filters of one scan do together. */
const MAX_CHUNK = 501;
const MAX_AHEAD = 1500;
const MIN_CHUNK = 10;

/** Rows that one filter of so many reads ahead at most: all of them may come to the end of what they have at the same event. */
export function rowsAhead(filters: number): number {
  return Math.max(MIN_CHUNK, Math.min(MAX_CHUNK, Math.floor(MAX_AHEAD / filters)));
}

/** A row of a plan's ranges, and whether the filter and the reader take it. */
export class Candidate implements Comparable<Candidate> {
  readonly row: StoredRow;
  readonly isMatch: boolean;

  constructor(row: StoredRow, isMatch: boolean) {
    this.row = row;
    this.isMatch = isMatch;
  }

  /** The order of R-03-10. Where one filter takes an event and another does not, the one that does comes first. */
  compare(other: Candidate): number {
    return this.row.compare(other.row) || Number(other.isMatch) - Number(this.isMatch);
  }
}

/**
 * Visible matches of one filter in the order of R-03-10, up to its limit. It shows also what does not match, so that no
 * step takes more than one statement, however few of the rows do.
 */
export class FilterScan implements Ordered<Candidate> {
  readonly filter: Filter;
  readonly #sql: Sql;
  readonly #plan: Plan;
  readonly #reader: Reader;
  readonly #take: Take;
  readonly #bounds: Bounds;
  readonly #hiding: Hiding;
  #merged: Ordered<StoredRow> = new Merge<StoredRow>();
  #head: Candidate | undefined;
  #given = 0;
  #rejected = 0;
  #lastTime: number | undefined;

  constructor(sql: Sql, plan: Plan, filter: Filter, bounds: Bounds, reader: Reader, take: Take, hiding: Hiding) {
    this.filter = filter;
    this.#sql = sql;
    this.#plan = plan;
    this.#reader = reader;
    this.#take = take;
    this.#bounds = bounds;
    this.#hiding = hiding;
  }

  get ranges(): number {
    return this.#plan.ranges.length;
  }

  /** Reads the beginning of each range; to be done before anything else. */
  *open(): Steps<void> {
    this.#merged = yield* openRanges(this.#sql, this.#plan.ranges, this.#bounds, () => this.#wanted());
  }

  peek(): Candidate | undefined {
    const row = this.#merged.peek();
    return row === undefined || this.#isFull(row) ? undefined : this.#judge(row);
  }

  advance(isShared = false): void {
    const head = this.peek();
    if (head?.isMatch !== true) return this.passOver(isShared);
    if (++this.#given >= this.#take.limit) this.#lastTime = head.row.time;
    this.#merged.advance(isShared);
  }

  /** At the end: the first visible match that the limit kept back. A step for each row that is none. */
  *withheld(): Steps<StoredRow | undefined> {
    for (let row = this.#merged.peek(); row !== undefined; row = this.#merged.peek()) {
      if (this.#judge(row).isMatch) return row;
      this.passOver();
      yield;
    }
    return undefined;
  }

  /** Steps over a row that is not given. */
  passOver(isShared = false): void {
    this.#rejected++;
    this.#merged.advance(isShared);
  }

  /**
   * Rows to be read in advance. One beyond the limit tells whether something is withheld (R-03-17); where much is
   * rejected, much has to be read.
   */
  #wanted(): number {
    const { limit, tiesUpTo } = this.#take;
    const most = this.#given < limit ? limit : tiesUpTo;
    return Math.min(this.#take.chunk, most + 1 - this.#given + this.#rejected);
  }

  #isFull({ time }: StoredRow): boolean {
    const { limit, tiesUpTo } = this.#take;
    return this.#given >= limit && (this.#given >= tiesUpTo || time !== this.#lastTime);
  }

  /** Asked anew while events are hidden: which they are may change between two turns. */
  #judge(row: StoredRow): Candidate {
    const { hides } = this.#hiding;
    if (row !== this.#head?.row || hides !== undefined) {
      this.#head = new Candidate(
        row,
        isVisibleMatch(this.#sql, row, this.#plan.isResidual, this.filter, this.#reader, this.#bounds, hides),
      );
    }
    return this.#head;
  }
}

/** Whether a row of a plan's range is a match that the reader may see. Where nothing is left to check, `raw` is not read. */
export function isVisibleMatch(
  sql: Pick<Sql, "meter">,
  row: StoredRow,
  isResidual: boolean,
  filter: Filter,
  reader: Reader,
  bounds: Bounds,
  hides: Hides | undefined,
): boolean {
  if (isPast(bounds, sql, row)) return false;
  if (!isResidual && !reader.privateKinds.has(row.kind) && hides === undefined) return true;
  sql.meter.spent += COST.match + COST.parsed * row.raw.length;
  const event = JSON.parse(row.raw) as Event;
  if (hides?.(event)) return false;
  const tags = indexedTags(event);
  const isMatch = matches(filter, event, tags) && canRead(reader, event, tags);
  sql.meter.spent += searchWorkOf(event);
  return isMatch;
}
