import type { Event } from "../../protocol/event.ts";
import { isMixed, oldestKept, type RetentionRule, retentionOf, retentionOfEvent } from "../../protocol/retention.ts";
import { COST, STEP } from "../../protocol/work.ts";
import { placeOf, placeOfTime, timeOfPlace } from "../place.ts";
import { readMeta, writeMeta } from "../schema.ts";
import { chargeEntries, type Sql } from "../sql.ts";
import type { Removals } from "./removals.ts";

/** The oldest event of a kind that is newer than a place, as its place. */
const OLDEST = `SELECT hex(place) FROM event INDEXED BY event_kind
  WHERE kind = ?1 AND place < unhex(?2) ORDER BY kind DESC, place DESC LIMIT 1`;

/** The events of a kind from there on up to another place, the oldest first. */
const OLD = `SELECT seq, raw, lower(hex(place)) FROM event INDEXED BY event_kind
  WHERE kind = ?1 AND place < unhex(?2) AND place >= unhex(?3) ORDER BY kind DESC, place DESC LIMIT ?4 + 0`;

/** Events that one statement reads. */
const READ_AT_ONCE = 250;

/** The stored kinds from ?1 to ?2. */
const STORED = `WITH RECURSIVE next(kind) AS (
    SELECT (SELECT min(kind) FROM event INDEXED BY event_kind WHERE kind >= ?1)
    UNION ALL
    SELECT (SELECT min(kind) FROM event INDEXED BY event_kind WHERE kind > next.kind) FROM next WHERE next.kind < ?2
  ) SELECT kind FROM next WHERE kind <= ?2`;

/** It is older than every event. */
const BEFORE_ALL = placeOfTime(-1);

/**
 * What is past the retention of its kind (R-07-01). For each kind that has one it knows a time before which no event of it was
 * made that is still to be looked at, in memory, so that asking costs nothing. Where some events of a kind are kept for ever
 * it looks at each of them once, also across restarts.
 */
export class Retained {
  readonly rules: readonly RetentionRule[];
  readonly #sql: Sql;
  /** Unix seconds by kind; the event may have gone since. */
  readonly #oldest = new Map<number, number>();
  /** By kind, the place up to which all older events have been looked at. */
  readonly #passed = new Map<number, string>();

  /** Looks up the oldest event of each stored kind that has a retention: two seeks for each. Writes one row at most. */
  constructor(sql: Sql, rules: readonly RetentionRule[]) {
    this.#sql = sql;
    this.rules = rules;
    const saved = JSON.parse(readMeta(sql, "retained") ?? "[]") as [kind: number, seconds: number, place: string][];
    for (const [kind, seconds, place] of saved) {
      // Another rule may remove what was kept under the one of then.
      if (isMixed(rules, kind) && retentionOf(rules, kind) === seconds) this.#passed.set(kind, place);
    }
    // Under these rules older events may come, also when those of then count again.
    if (this.#passed.size < saved.length) this.#save();
    for (const { from, to } of rules) {
      for (const [kind] of sql.all(STORED, from, to)) {
        if (retentionOf(rules, kind as number) !== undefined) this.#look(kind as number);
      }
    }
  }

  /** An event has been stored. */
  note(event: Event): void {
    const { kind, created_at, id } = event;
    if (retentionOfEvent(this.rules, event) === undefined) return;
    this.#oldest.set(kind, Math.min(created_at, this.#oldest.get(kind) ?? created_at));
    // It is older than what was looked at, if the clock went back.
    if (placeOf(created_at, id) >= this.#passedOf(kind)) this.#passed.set(kind, placeOfTime(created_at - 1));
  }

  /** When the next event may pass its retention, in Unix seconds. */
  next(): number | undefined {
    let next: number | undefined;
    for (const [kind, time] of this.#oldest) {
      const due = time + (retentionOf(this.rules, kind) ?? Number.POSITIVE_INFINITY);
      if (next === undefined || due < next) next = due;
    }
    return next;
  }

  /** Finds events that are past their retention at `now`, as far as one step goes. Returns what to call when they are gone. */
  find(now: number, removals: Removals): () => void {
    const looked: [kind: number, place: string][] = [];
    let isAnyKept = false;
    const { meter } = this.#sql;
    const end = meter.spent + STEP / 2;
    for (const [kind, time] of this.#oldest) {
      const oldest = oldestKept(this.rules, kind, now);
      if (time >= oldest) continue;
      let passed = this.#passedOf(kind);
      this.#sql.each(OLD, [kind, passed, placeOfTime(oldest - 1), READ_AT_ONCE], ([position, raw, place]) => {
        passed = place as string;
        if (this.#isKept(kind, raw as string)) isAnyKept = true;
        else removals.add([position as number, raw as string]);
        return !removals.isFull && meter.spent < end;
      });
      looked.push([kind, passed]);
      if (removals.isFull || meter.spent >= end) break;
    }
    return () => {
      for (const [kind, place] of looked) {
        this.#passed.set(kind, place);
        this.#look(kind);
      }
      if (isAnyKept) this.#save();
    };
  }

  /** Whether an event of a kind that has a retention is kept for ever. */
  #isKept(kind: number, raw: string): boolean {
    if (!isMixed(this.rules, kind)) return false;
    this.#sql.meter.spent += COST.parsed * raw.length;
    return retentionOfEvent(this.rules, JSON.parse(raw) as Event) === undefined;
  }

  #passedOf(kind: number): string {
    return this.#passed.get(kind) ?? BEFORE_ALL;
  }

  #look(kind: number): void {
    const row = this.#sql.all(OLDEST, kind, this.#passedOf(kind))[0];
    chargeEntries(this.#sql, 1);
    if (row === undefined) this.#oldest.delete(kind);
    else this.#oldest.set(kind, timeOfPlace(row[0] as string));
  }

  /** Writes one row. */
  #save(): void {
    const mixed = [...this.#passed].filter(([kind]) => isMixed(this.rules, kind));
    writeMeta(
      this.#sql,
      "retained",
      JSON.stringify(mixed.map(([kind, at]) => [kind, retentionOf(this.rules, kind), at])),
    );
  }
}
