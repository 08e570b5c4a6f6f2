import { oldestKept, type RetentionRule, retentionOf } from "../../protocol/retention.ts";
import type { EventStore } from "../event-store.ts";
import { placeOfTime, timeOfPlace } from "../place.ts";
import type { Sql } from "../sql.ts";
import { Batch } from "./batch.ts";

/** Finds and removes, in bounded batches, events whose time is over. They are invisible before that. */
export class Cleanup {
  readonly #sql: Sql;
  readonly #store: EventStore;

  constructor(sql: Sql, store: EventStore) {
    this.#sql = sql;
    this.#store = store;
  }

  /** Removes up to `max` events whose expiration has passed at `now`, in seconds. Returns how many there were. */
  removeExpired(now: number, max: number): number {
    const batch = new Batch(max);
    batch.find(this.#sql, "SELECT seq, raw FROM event WHERE expiration <= ?1 ORDER BY expiration LIMIT ?2 + 0", now);
    return this.#store.removeRows(batch.rows);
  }

  /**
   * Removes up to `max` events of an author who is banned, and the tombstones of its deletions. Returns how many events
   * there were; none means that all are gone.
   */
  removeAuthor(pubkey: string, max: number): number {
    const batch = new Batch(max);
    batch.find(this.#sql, "SELECT seq, raw FROM event WHERE pubkey = unhex(?1) LIMIT ?2 + 0", pubkey);
    return this.#store.removeRows(batch.rows, true);
  }

  /** Removes up to `max` events of these kinds that another key than `pubkey` signed. Returns how many there were. */
  removeOthers(kinds: Iterable<number>, pubkey: string, max: number): number {
    const batch = new Batch(max);
    for (const kind of kinds) {
      if (batch.isFull) break;
      const query =
        "SELECT seq, raw FROM event INDEXED BY event_kind WHERE kind = ?1 AND pubkey <> unhex(?2) LIMIT ?3 + 0";
      batch.find(this.#sql, query, kind, pubkey);
    }
    return this.#store.removeRows(batch.rows);
  }

  /** Removes one event, if it is stored. */
  removeEvent(id: string): void {
    this.#store.removeRows(this.#sql.all("SELECT seq, raw FROM event WHERE id = unhex(?1)", id));
  }

  /** When the next event expires, in seconds. Reads one row. */
  nextExpiration(): number | undefined {
    const row = this.#sql.all(
      "SELECT expiration FROM event WHERE expiration IS NOT NULL ORDER BY expiration LIMIT 1",
    )[0];
    return row?.[0] as number | undefined;
  }

  /** When the next event passes its retention, in seconds. Reads one row for each kind that has a retention. */
  nextPastRetention(rules: readonly RetentionRule[]): number | undefined {
    const dues = this.#retainedKinds(rules).map(([kind, seconds]) => {
      const query =
        "SELECT hex(place) FROM event INDEXED BY event_kind WHERE kind = ?1 ORDER BY kind DESC, place DESC LIMIT 1";
      const row = this.#sql.all(query, kind)[0];
      return row === undefined ? Number.POSITIVE_INFINITY : seconds + timeOfPlace(row[0] as string);
    });
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Removes up to `max` events that are past the retention of their kind at `now`, in seconds (R-07-01). */
  removePastRetention(rules: readonly RetentionRule[], now: number, max: number): void {
    const batch = new Batch(max);
    for (const [kind] of this.#retainedKinds(rules)) {
      const query =
        "SELECT seq, raw FROM event INDEXED BY event_kind WHERE kind = ?1 AND place >= unhex(?2) LIMIT ?3 + 0";
      batch.find(this.#sql, query, kind, placeOfTime(oldestKept(rules, kind, now) - 1));
      if (batch.isFull) break;
    }
    this.#store.removeRows(batch.rows);
  }

  /** Stored kinds that have a retention, found by one seek each. */
  #retainedKinds(rules: readonly RetentionRule[]): [kind: number, seconds: number][] {
    const found = new Map<number, number>();
    for (const { from, to } of rules) {
      for (let kind = from - 1; ; ) {
        const query =
          "SELECT kind FROM event INDEXED BY event_kind WHERE kind > ?1 AND kind <= ?2 ORDER BY kind LIMIT 1";
        const row = this.#sql.all(query, kind, to)[0];
        if (row === undefined) break;
        kind = row[0] as number;
        const seconds = retentionOf(rules, kind);
        if (seconds !== undefined) found.set(kind, seconds);
      }
    }
    return [...found];
  }
}
