import type { Filter } from "../../protocol/filter.ts";
import { RecordsBuilder } from "../../protocol/negentropy/builder.ts";
import type { Records } from "../../protocol/negentropy/records.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { COST, STEP } from "../../protocol/work.ts";
import { idOfPlace, timeOfPlace } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { isVisibleMatch } from "./filter-scan.ts";
import { pastKinds } from "./kept.ts";
import { Merge } from "./merge.ts";
import { type Plan, planQuery, type Range, withUntagged } from "./query-plan.ts";
import { type FoundRecord, RecordCursor } from "./record-cursor.ts";
import { boundsOf, type Snapshot } from "./scan.ts";
import type { StoredRow } from "./stored-row.ts";

/** Rows that all ranges together read ahead, and those that one range does at most. */
const MAX_AHEAD = 16_384;
const MAX_CHUNK = 500;

/** Rows that are merged and kept between two looks at the meter. */
const ROWS = 100;

/**
 * Time and id of the visible matches of one filter, up to its limit (R-05-42). Events are read only where a condition
 * is left to check, or a private kind, as of the `moment` at which reading begins. `refuse` is told before and after each
 * pause how many were found so far and may end the search with a reason. Undefined if the filter would touch too many
 * index ranges.
 */
export function* collectRecords(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  moment: () => Snapshot,
  refuse: (found: number) => Reason | undefined,
): Steps<Records | Reason | undefined> {
  const builder = new RecordsBuilder();
  const { meter } = sql;
  const steps = collect(sql, filter, reader, moment, builder);
  let found = 0;
  for (let from = meter.spent; ; ) {
    const { done, value } = steps.next();
    if (done) return value === undefined ? undefined : (refuse(value.size) ?? value);
    // What is built is no longer in the builder.
    found = Math.max(found, builder.size);
    if (meter.spent - from < STEP) continue;
    const refusal = refuse(found);
    if (refusal !== undefined) return refusal;
    yield;
    const refusalThen = refuse(found);
    if (refusalThen !== undefined) return refusalThen;
    from = meter.spent;
  }
}

function* collect(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  moment: () => Snapshot,
  builder: RecordsBuilder,
): Steps<Records | undefined> {
  const limit = filter.limit ?? Number.POSITIVE_INFINITY;
  const { meter } = sql;
  const { untagged = [] } = moment();
  const planned = yield* planQuery(sql, filter, reader);
  if (planned === undefined) return undefined;
  const merged = new Merge<FoundRecord>();
  // What is replaced between the two would be missed, in either version.
  const now = moment();
  // Those too whose tags were written while it was planned.
  const plan = withUntagged(planned, filter, [...new Set([...untagged, ...(now.untagged ?? [])])]);
  const open = cursorsOn(sql, filter, reader, now, plan);
  for (const range of plan.ranges) {
    merged.add(open(range));
    yield;
  }
  let rows = 0;
  let from = meter.spent;
  for (let row = merged.peek(); row !== undefined && builder.size < limit; row = merged.peek()) {
    if (row.isVisible) builder.add(timeOfPlace(row.place), idOfPlace(row.place));
    merged.advance();
    meter.spent += COST.record;
    if (++rows % ROWS !== 0 && meter.spent - from < STEP) continue;
    yield;
    from = meter.spent;
  }
  return yield* builder.building(meter);
}

/** What opens a cursor on one of the ranges of a plan. */
function cursorsOn(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  snapshot: Snapshot,
  { ranges, isResidual }: Plan,
): (range: Range) => RecordCursor {
  const bounds = boundsOf(filter, snapshot);
  const { hides } = snapshot;
  const mayBePast = pastKinds(snapshot, sql);
  const options = {
    count: Math.max(1, Math.min(MAX_CHUNK, Math.floor(MAX_AHEAD / ranges.length), filter.limit ?? MAX_CHUNK)),
    isVisible: (row: StoredRow) => isVisibleMatch(sql, row, isResidual, filter, reader, bounds, hides),
  };
  return (range) => {
    // A range by id may hold any kind.
    const isPrivate = range.index === "id" || reader.privateKinds.has(range.kind);
    return new RecordCursor(sql, range, bounds, {
      ...options,
      withRaw: range.residual || isPrivate || hides !== undefined || mayBePast(range.kind),
    });
  };
}
