import type { Filter } from "../protocol/filter.ts";
import type { Reader } from "../protocol/visibility.ts";
import { planQuery } from "./query-plan.ts";
import { countRange } from "./range-cursor.ts";
import { boundsOf, Scan, type Snapshot } from "./scan.ts";
import type { Sql } from "./sql.ts";

/** Rows looked at in one stretch before other work gets its turn. */
const STRETCH = 2000;

/**
 * Size of the union of the filters' visible matches, up to `max`; `limit` is ignored (R-05-34). Undefined if a filter
 * would touch too many index ranges. `pause` lets other work in between stretches.
 */
export async function countMatches(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: Snapshot,
  max: number,
  pause: () => Promise<void>,
): Promise<{ count: number; isCapped: boolean } | undefined> {
  const unlimited = filters.map((filter): Filter => ({ ...filter, limit: max + 1 }));
  const counted = unlimited.length === 1 ? countByIndex(sql, unlimited[0] as Filter, reader, snapshot) : undefined;
  if (counted !== undefined) return { count: Math.min(counted, max), isCapped: counted > max };
  const scan = Scan.open(sql, unlimited, reader, { defaultLimit: max + 1, maxLimit: max + 1 }, snapshot);
  if (scan === undefined) return undefined;
  let count = 0;
  while (count <= max) {
    count += scan.page(STRETCH).length;
    if (scan.isDone) break;
    await pause();
  }
  return { count: Math.min(count, max), isCapped: count > max || scan.isPartial };
}

/** Counts without fetching an event, where the ranges of the plan are the answer and do not overlap. */
function countByIndex(sql: Sql, filter: Filter, reader: Reader, snapshot: Snapshot): number | undefined {
  if (snapshot.hides !== undefined) return undefined;
  const plan = planQuery(sql, filter, reader);
  if (plan === undefined || !plan.isExact) return undefined;
  const bounds = boundsOf(filter, snapshot);
  let count = 0;
  for (const range of plan.ranges) count += countRange(sql, range, bounds);
  return count;
}
