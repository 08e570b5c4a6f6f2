import type { Event } from "../../protocol/event.ts";
import { isMixed, oldestKept, type RetentionRule, retentionOfEvent } from "../../protocol/retention.ts";
import { COST } from "../../protocol/work.ts";
import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { StoredRow } from "./stored-row.ts";

/** What is asked about retention (R-07-01), at one moment in Unix seconds. */
interface Moment {
  readonly retention: readonly RetentionRule[];
  readonly now: number;
}

/** The smallest created_at that an event of a kind may have and still be kept. */
export function oldestOf({ retention, now }: Moment, kind: number): number {
  return isMixed(retention, kind) ? 0 : oldestKept(retention, kind, now);
}

/** Whether a stored event is past its retention. */
export function isPast({ retention, now }: Moment, { meter }: Pick<Sql, "meter">, row: StoredRow): boolean {
  if (row.time >= oldestKept(retention, row.kind, now)) return false;
  if (!isMixed(retention, row.kind)) return true;
  meter.spent += COST.parsed * row.raw.length;
  return retentionOfEvent(retention, JSON.parse(row.raw) as Event) !== undefined;
}

/**
 * Tells whether events of a kind at or after {@link oldestOf} may be past their retention, so that each has to be looked at.
 * Reads one row for each kind at most.
 */
export function pastKinds({ retention, now }: Moment, sql: Sql): (kind: number) => boolean {
  const known = new Map<number, boolean>();
  const look = (kind: number): boolean => {
    const oldest = placeOfTime(oldestKept(retention, kind, now) - 1);
    const query = "SELECT 1 FROM event INDEXED BY event_kind WHERE kind = ?1 AND place >= unhex(?2) LIMIT 1";
    return isMixed(retention, kind) && sql.all(query, kind, oldest).length > 0;
  };
  return (kind) => {
    const mayBePast = known.get(kind) ?? look(kind);
    known.set(kind, mayBePast);
    return mayBePast;
  };
}
