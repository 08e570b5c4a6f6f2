import type { Filter } from "../../protocol/filter.ts";
import { RecordsBuilder } from "../../protocol/negentropy/builder.ts";
import type { Records } from "../../protocol/negentropy/records.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { Pace } from "../pace.ts";
import { idOfPlace, timeOfPlace } from "../place.ts";
import type { Sql } from "../sql.ts";
import { finish } from "../steps.ts";
import { isVisibleMatch } from "./filter-scan.ts";
import { Merge, type Ordered } from "./merge.ts";
import { planQuery, type Range } from "./query-plan.ts";
import { type Effort, type FoundRecord, RecordCursor } from "./record-cursor.ts";
import { boundsOf, type Snapshot } from "./scan.ts";
import type { StoredRow } from "./stored-row.ts";

/** Work between two pauses, in rows: some ten milliseconds. */
const STRETCH = 2000;

/** What it costs to merge and keep a row that has been read, in rows. */
const MERGE_EFFORT = 0.5;

/** Rows that all ranges together read ahead, and those that one range does at most. */
const MAX_AHEAD = 16_384;
const MAX_CHUNK = 500;

/**
 * Time and id of the visible matches of one filter, up to its limit (R-05-42). Events are read only where a condition
 * is left to check, or a private kind, as of the `moment` at which reading begins. `admit` is told after each stretch how
 * many were found so far and may end the search with a reason; `pause` then lets other work in. Undefined if the filter
 * would touch too many index ranges.
 */
export async function collectRecords(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  moment: () => Snapshot,
  admit: (found: number) => Reason | undefined,
  pause: () => Promise<void>,
): Promise<Records | Reason | undefined> {
  const limit = filter.limit ?? Number.POSITIVE_INFINITY;
  const plan = await finish(planQuery(sql, filter, reader), new Pace(pause));
  if (plan === undefined) return undefined;
  const effort: Effort = { spent: 0 };
  const builder = new RecordsBuilder();
  const rest = async (): Promise<Reason | undefined> => {
    effort.spent = 0;
    const refusal = admit(builder.size);
    if (refusal !== undefined) return refusal;
    await pause();
    return admit(builder.size);
  };

  const sources: RecordCursor[] = [];
  // What is replaced between the two would be missed, in either version.
  const open = cursorsOn(sql, filter, reader, moment(), plan.ranges.length, effort);
  for (const range of plan.ranges) {
    const cursor = open(range);
    // The first read is done here, where a pause is possible: the merge wants the heads of all ranges.
    cursor.peek();
    sources.push(cursor);
    const refusal = effort.spent < STRETCH ? undefined : await rest();
    if (refusal !== undefined) return refusal;
  }
  const merged: Ordered<FoundRecord> = sources.length === 1 ? (sources[0] as RecordCursor) : new Merge(sources);
  for (let row = merged.peek(); row !== undefined && builder.size < limit; row = merged.peek()) {
    if (row.isVisible) builder.add(timeOfPlace(row.place), idOfPlace(row.place));
    merged.advance();
    effort.spent += MERGE_EFFORT;
    const refusal = effort.spent < STRETCH ? undefined : await rest();
    if (refusal !== undefined) return refusal;
  }
  return admit(builder.size) ?? build(builder, admit, pause);
}

/** What opens a cursor on one of `count` ranges of the same filter. */
function cursorsOn(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  snapshot: Snapshot,
  count: number,
  effort: Effort,
): (range: Range) => RecordCursor {
  const bounds = boundsOf(filter, snapshot);
  const { hides } = snapshot;
  const options = {
    count: Math.max(1, Math.min(MAX_CHUNK, Math.floor(MAX_AHEAD / count), filter.limit ?? MAX_CHUNK)),
    isVisible: (row: StoredRow) => isVisibleMatch(row, filter, reader, bounds, hides),
    effort,
  };
  return (range) => {
    // A range by id may hold any kind.
    const isPrivate = range.index === "id" || reader.privateKinds.has(range.kind);
    return new RecordCursor(sql, range, bounds, {
      ...options,
      withRaw: range.residual || isPrivate || hides !== undefined,
    });
  };
}

async function build(
  builder: RecordsBuilder,
  admit: (found: number) => Reason | undefined,
  pause: () => Promise<void>,
): Promise<Records | Reason> {
  const { size } = builder;
  const steps = builder.building();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await pause();
    const refusal = admit(size);
    if (refusal !== undefined) return refusal;
  }
}
