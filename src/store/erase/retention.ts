import type { Event } from "../../protocol/event.ts";
import { oldestKept, type RetentionRule, retentionOf } from "../../protocol/retention.ts";
import { STEP } from "../../protocol/work.ts";
import { placeOfTime, timeOfPlace } from "../place.ts";
import { chargeEntries, type Sql } from "../sql.ts";
import type { Batch } from "./batch.ts";

/** When the oldest event of a kind was made, as its place. */
const OLDEST = `SELECT hex(place) FROM event INDEXED BY event_kind
  WHERE kind = ?1 ORDER BY kind DESC, place DESC LIMIT 1`;

/** The stored kinds from ?1 to ?2. */
const STORED = `WITH RECURSIVE next(kind) AS (
    SELECT (SELECT min(kind) FROM event INDEXED BY event_kind WHERE kind >= ?1)
    UNION ALL
    SELECT (SELECT min(kind) FROM event INDEXED BY event_kind WHERE kind > next.kind) FROM next WHERE next.kind < ?2
  ) SELECT kind FROM next WHERE kind <= ?2`;

/**
 * What is past the retention of its kind (R-07-01). For each kind that has one it knows a time before which no event of it was
 * made, in memory, so that asking costs nothing.
 */
export class Retained {
  readonly #sql: Sql;
  readonly #rules: readonly RetentionRule[];
  /** Unix seconds by kind; the oldest event may have gone since. */
  readonly #oldest = new Map<number, number>();

  /** Looks up the oldest event of each stored kind that has a retention: two seeks for each. */
  constructor(sql: Sql, rules: readonly RetentionRule[]) {
    this.#sql = sql;
    this.#rules = rules;
    for (const { from, to } of rules) {
      for (const [kind] of sql.all(STORED, from, to)) {
        if (retentionOf(rules, kind as number) !== undefined) this.#look(kind as number);
      }
    }
  }

  /** An event has been stored. */
  note({ kind, created_at }: Event): void {
    if (retentionOf(this.#rules, kind) === undefined) return;
    this.#oldest.set(kind, Math.min(created_at, this.#oldest.get(kind) ?? created_at));
  }

  /** When the next event may pass its retention, in Unix seconds. */
  next(): number | undefined {
    let next: number | undefined;
    for (const [kind, time] of this.#oldest) {
      const due = time + (retentionOf(this.#rules, kind) ?? Number.POSITIVE_INFINITY);
      if (next === undefined || due < next) next = due;
    }
    return next;
  }

  /** Finds events that are past their retention at `now`, as far as one step goes. Returns what to call when they are gone. */
  find(now: number, batch: Batch): () => void {
    const looked: number[] = [];
    const { meter } = this.#sql;
    const end = meter.spent + STEP / 2;
    for (const [kind, time] of this.#oldest) {
      const oldest = oldestKept(this.#rules, kind, now);
      if (time >= oldest) continue;
      const query =
        "SELECT seq, raw FROM event INDEXED BY event_kind WHERE kind = ?1 AND place >= unhex(?2) LIMIT ?3 + 0";
      batch.find(this.#sql, query, kind, placeOfTime(oldest - 1));
      looked.push(kind);
      if (batch.isFull || meter.spent >= end) break;
    }
    return () => {
      for (const kind of looked) this.#look(kind);
    };
  }

  #look(kind: number): void {
    const row = this.#sql.all(OLDEST, kind)[0];
    chargeEntries(this.#sql, 1);
    if (row === undefined) this.#oldest.delete(kind);
    else this.#oldest.set(kind, timeOfPlace(row[0] as string));
  }
}
