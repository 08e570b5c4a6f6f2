import { COST } from "../../protocol/work.ts";
import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { Range } from "./query-plan.ts";
import { type Bounds, bindingsOf, ENTRIES, EVENTS, IS_THERE, tableOf } from "./range-read.ts";

/** What one stretch of a range is counted with. */
export interface StretchOptions {
  /** Place after which it begins; undefined for the beginning of the range. */
  readonly from: string | undefined;
  /** Entries at most. */
  readonly most: number;
  /** Some events have expired or are gone, so that each has to be looked at. */
  readonly areGone: boolean;
  /** The authors are wanted. */
  readonly isSketched: boolean;
}

export interface Stretch {
  readonly count: number;
  /** Of the index: those of events that are not to be seen too. */
  readonly entries: number;
  /** Public keys as hex, if they were wanted. */
  readonly authors: readonly string[];
  /** Place of its last entry; undefined if it is empty. */
  readonly end: string | undefined;
}

/** Whether an expired event is still stored. Reads one row at most. */
export function hasExpired(sql: Sql, now: number): boolean {
  return sql.all("SELECT 1 FROM event WHERE expiration <= ?1 LIMIT 1", now).length > 0;
}

/**
 * Counts the unexpired events of one stretch of a range. Reads one row for each, from the index alone; two by tag and one
 * more by kind or author where each has to be looked at or its author is wanted.
 */
export function countStretch(sql: Sql, range: Range, bounds: Bounds, options: StretchOptions): Stretch {
  const { from = placeOfTime(bounds.until), most, areGone, isSketched } = options;
  const { index } = range;
  const bindings = bindingsOf({ range, place: from }, bounds, most);
  const table = tableOf(index);
  const source = (areGone || isSketched ? EVENTS : ENTRIES)[index];
  const ordered = `ORDER BY ${table}.place LIMIT ?7 + 0`;
  if (isSketched) {
    const author = `CASE WHEN ${IS_THERE} THEN lower(hex(e.pubkey)) END`;
    const rows = sql.all(`SELECT hex(${table}.place), ${author} ${source} ${ordered}`, ...bindings);
    sql.meter.spent += rows.length * COST.look;
    const authors = rows.flatMap(([, author]) => (author === null ? [] : [author as string]));
    return { count: authors.length, entries: rows.length, authors, end: placeAt(rows.at(-1)?.[0]) };
  }
  const isThere = areGone ? IS_THERE : "1";
  const counting = `SELECT sum(there), count(*), hex(max(place))
    FROM (SELECT ${table}.place AS place, ${isThere} AS there ${source} ${ordered})`;
  const [count, entries, end] = sql.all(counting, ...bindings)[0] ?? [];
  sql.meter.spent += Number(entries) * (areGone ? COST.look : COST.entry);
  return { count: Number(count), entries: Number(entries), authors: [], end: placeAt(end) };
}

function placeAt(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
