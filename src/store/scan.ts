import { type Event, indexedTags } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import { oldestKept, type RetentionRule } from "../protocol/retention.ts";
import type { Reader } from "../protocol/visibility.ts";
import { FilterScan, type Hides, type Take } from "./filter-scan.ts";
import { Merge, type Ordered } from "./merge.ts";
import { planQuery } from "./query-plan.ts";
import type { Bounds, StoredRow } from "./range-cursor.ts";
import type { Sql } from "./sql.ts";

/** Limits in events (R-03-12). */
export interface ScanLimits {
  readonly defaultLimit: number;
  readonly maxLimit: number;
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
  /** Stored events by kind as of `head`; undefined where that is not known. Asked only when the snapshot is taken. */
  readonly counts?: () => ReadonlyMap<number, number> | undefined;
}

/** The bounds that a filter and a snapshot set together. */
export function boundsOf(filter: Filter, { head, now, retention }: Snapshot): Bounds {
  return {
    since: filter.since ?? 0,
    until: filter.until ?? Number.MAX_SAFE_INTEGER,
    head,
    now,
    oldestKept: (kind) => oldestKept(retention, kind, now),
  };
}

/** Whether all visible matches were given (R-03-17). */
export type Completeness = "finish" | "more" | "unknown";

/** Raw JSON of one page at most, in UTF-16 units. */
const MAX_PAGE_SIZE = 1 << 20;

/** The stored answer to the filters of one REQ: their union in the order of R-03-10, without repeating an event. */
export class Scan {
  readonly #scans: FilterScan[] = [];
  readonly #filters: readonly Filter[];
  readonly #merged: Ordered<StoredRow>;

  private constructor(filters: readonly Filter[], scans: FilterScan[]) {
    this.#filters = filters;
    this.#scans = scans;
    this.#merged = scans.length === 1 ? (scans[0] as FilterScan) : new Merge(scans);
  }

  /** Plans and opens the scan; undefined if a filter would touch too many index ranges. */
  static open(
    sql: Sql,
    filters: readonly Filter[],
    reader: Reader,
    limits: ScanLimits,
    snapshot: Snapshot,
  ): Scan | undefined {
    const scans: FilterScan[] = [];
    for (const filter of filters) {
      if (filter.limit === 0) continue;
      const plan = planQuery(sql, filter, reader);
      if (plan === undefined) return undefined;
      const bounds = boundsOf(filter, snapshot);
      scans.push(new FilterScan(sql, plan, filter, bounds, reader, takeOf(filter, limits), snapshot));
    }
    return new Scan(filters, scans);
  }

  /** Up to `maxRows` more events; the last page is followed by an empty one. */
  page(maxRows: number): string[] {
    const rows: string[] = [];
    let size = 0;
    while (rows.length < maxRows && size < MAX_PAGE_SIZE) {
      const row = this.#merged.peek();
      if (row === undefined) break;
      rows.push(row.raw);
      size += row.raw.length;
      this.#merged.advance();
    }
    return rows;
  }

  get isDone(): boolean {
    return this.#merged.peek() === undefined;
  }

  /** To be asked at the end. Knows only of visible events (R-03-18). */
  completeness(): Completeness {
    let answer: Completeness = this.#filters.some(({ limit, never }) => limit === 0 && !never) ? "unknown" : "finish";
    for (const scan of this.#scans) {
      const row = scan.withheld();
      if (row === undefined) continue;
      const event = JSON.parse(row.raw) as Event;
      const tags = indexedTags(event);
      // Another filter may have sent it; then nothing is known to be missing.
      const isElsewhere = this.#filters.some((other) => other !== scan.filter && matches(other, event, tags));
      if (!isElsewhere) return "more";
      answer = "unknown";
    }
    return answer;
  }
}

function takeOf({ limit }: Filter, { defaultLimit, maxLimit }: ScanLimits): Take {
  if (limit === undefined) return { limit: defaultLimit, tiesUpTo: maxLimit };
  const capped = Math.min(limit, maxLimit);
  return { limit: capped, tiesUpTo: capped };
}
