import { type Event, indexedTags } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import { canRead, type Reader } from "../protocol/visibility.ts";
import { Merge, type Ordered } from "./merge.ts";
import type { Plan } from "./query-plan.ts";
import { openRanges } from "./range-cursor.ts";
import type { Bounds } from "./range-read.ts";
import type { Sql } from "./sql.ts";
import type { Steps } from "./steps.ts";
import type { StoredRow } from "./stored-row.ts";

/** How many of a filter's events are wanted. */
export interface Take {
  /** Events at most; at least 1. */
  readonly limit: number;
  /** Where the limit is the relay's own, events as old as the last one still come, up to this many in all (R-03-19). */
  readonly tiesUpTo: number;
}

/** Whether an event that is still stored is to be taken as erased. */
export type Hides = (event: Event) => boolean;

/** Tells of events that count as erased although they are still stored, while there are any. */
export interface Hiding {
  readonly hides?: Hides | undefined;
}

/** Rows that one range reads ahead at most. */
const MAX_CHUNK = 501;

/** Visible matches of one filter in the order of R-03-10, up to its limit. */
export class FilterScan implements Ordered<StoredRow> {
  readonly filter: Filter;
  readonly #sql: Sql;
  readonly #plan: Plan;
  readonly #reader: Reader;
  readonly #take: Take;
  readonly #bounds: Bounds;
  readonly #hiding: Hiding;
  #merged: Ordered<StoredRow> = new Merge<StoredRow>([]);
  #given = 0;
  #lastTime: number | undefined;

  constructor(sql: Sql, plan: Plan, filter: Filter, bounds: Bounds, reader: Reader, take: Take, hiding: Hiding) {
    this.filter = filter;
    this.#reader = reader;
    this.#take = take;
    this.#bounds = bounds;
    this.#hiding = hiding;
    this.#sql = sql;
    this.#plan = plan;
  }

  /** Reads the beginning of each range; to be done before anything else. */
  *open(): Steps<void> {
    // One row beyond the limit tells whether something is withheld (R-03-17).
    const most = () => Math.min(MAX_CHUNK, this.#take.limit + 1 - this.#given);
    this.#merged = yield* openRanges(this.#sql, this.#plan.ranges, this.#bounds, most);
  }

  peek(): StoredRow | undefined {
    return this.#isFull() ? undefined : this.#visible();
  }

  advance(): void {
    this.#given++;
    const row = this.#merged.peek();
    if (this.#given >= this.#take.limit && row !== undefined) this.#lastTime = row.time;
    this.#merged.advance();
  }

  /** At the end: the first visible match that the limit kept back. */
  withheld(): StoredRow | undefined {
    return this.#isFull() ? this.#visible() : undefined;
  }

  #isFull(): boolean {
    const { limit, tiesUpTo } = this.#take;
    if (this.#given < limit) return false;
    if (this.#given >= tiesUpTo) return true;
    const row = this.#visible();
    return row === undefined || row.time !== this.#lastTime;
  }

  #visible(): StoredRow | undefined {
    for (let row = this.#merged.peek(); row !== undefined; row = this.#merged.peek()) {
      if (this.#accepts(row)) return row;
      this.#merged.advance();
    }
    return undefined;
  }

  #accepts(row: StoredRow): boolean {
    return isVisibleMatch(row, this.filter, this.#reader, this.#bounds, this.#hiding.hides);
  }
}

/** Whether a row of a plan's range is a match that the reader may see. Where nothing is left to check, `raw` is not read. */
export function isVisibleMatch(
  row: StoredRow,
  filter: Filter,
  reader: Reader,
  bounds: Bounds,
  hides: Hides | undefined,
): boolean {
  const oldest = bounds.oldestKept(row.kind);
  if (oldest > 0 && row.time < oldest) return false;
  if (!row.residual && !reader.privateKinds.has(row.kind) && hides === undefined) return true;
  const event = JSON.parse(row.raw) as Event;
  if (hides?.(event)) return false;
  const tags = indexedTags(event);
  return matches(filter, event, tags) && canRead(reader, event, tags);
}
