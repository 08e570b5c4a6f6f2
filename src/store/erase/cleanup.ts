import { DELETION_KIND } from "../../protocol/deletion.ts";
import type { RetentionRule } from "../../protocol/retention.ts";
import { STEP } from "../../protocol/work.ts";
import type { EventStore } from "../event-store.ts";
import type { Row, Sql } from "../sql.ts";
import { forgetDeletionsOf } from "./leftovers.ts";
import { Removals } from "./removals.ts";
import { Retained } from "./retention.ts";

/** Events of one kind that one statement looks through for those that another key signed. */
const LOOKED_AT_ONCE = 200;

/** Finds and removes, in bounded batches, events whose time is over. They are invisible before that. */
export class Cleanup {
  readonly #sql: Sql;
  readonly #store: EventStore;
  #retained: Retained | undefined;
  /** Up to which place each kind has been looked through for events of others. */
  readonly #passed = new Map<number, string>();

  constructor(sql: Sql, store: EventStore) {
    this.#sql = sql;
    this.#store = store;
    store.onAdded = (event) => this.#retained?.note(event);
  }

  /** Removes up to `max` events whose expiration has passed at `now`, in seconds. Returns how many there were. */
  removeExpired(now: number, max: number): number {
    const removals = new Removals(max);
    removals.find(this.#sql, "SELECT seq, raw FROM event WHERE expiration <= ?1 ORDER BY expiration LIMIT ?2 + 0", now);
    return this.#store.removeRows(removals.rows, "gone");
  }

  /**
   * Removes up to `max` events of an author who is banned; when there are none, tombstones of its deletions, then its jobs in
   * the ledger. Returns how many there were; 0 means that all are gone.
   */
  removeAuthor(pubkey: string, max: number): number {
    const removals = new Removals(max);
    removals.find(this.#sql, "SELECT seq, raw FROM event WHERE pubkey = unhex(?1) LIMIT ?2 + 0", pubkey);
    const events = this.#store.removeRows(removals.rows, "erased");
    return events || forgetDeletionsOf(this.#sql, pubkey) || this.#store.leaveLedgerOf(pubkey);
  }

  /**
   * Removes up to `max` kind 5 events of an author who is banned; when there are none, tombstones of what was never stored here.
   * What was deleted here stays so, also if the ban is lifted. Returns how many there were; 0 means that all are gone.
   */
  removeDeletions(pubkey: string, max: number): number {
    const removals = new Removals(max);
    removals.find(
      this.#sql,
      "SELECT seq, raw FROM event INDEXED BY event_author WHERE pubkey = unhex(?1) AND kind = ?2 LIMIT ?3 + 0",
      pubkey,
      DELETION_KIND,
    );
    return this.#store.removeRows(removals.rows, "erased") || forgetDeletionsOf(this.#sql, pubkey, "unknown");
  }

  /**
   * Removes events of these kinds that another key than `pubkey` signed: up to `max`, of as many as one step looks through.
   * Returns 0 once all are gone.
   */
  removeOthers(kinds: Iterable<number>, pubkey: string, max: number): number {
    const { meter } = this.#sql;
    const end = meter.spent + STEP / 2;
    for (const kind of kinds) {
      for (;;) {
        const rows = this.#sql.all(
          `SELECT hex(place), CASE WHEN pubkey <> unhex(?2) THEN seq END FROM event INDEXED BY event_kind
           WHERE kind = ?1 AND place > unhex(?3) ORDER BY place LIMIT ${LOOKED_AT_ONCE}`,
          kind,
          pubkey,
          this.#passed.get(kind) ?? "",
        );
        const others = rows.flatMap(([, position]) => position ?? []);
        // They are asked for again, until none is left among these.
        if (others.length > 0) return this.#removeAt(others, max);
        if (rows.length > 0) this.#passed.set(kind, rows.at(-1)?.[0] as string);
        if (rows.length < LOOKED_AT_ONCE) break;
        if (meter.spent >= end) return 1;
      }
    }
    // What comes from now on may be of any time.
    this.#passed.clear();
    return 0;
  }

  /** Removes one event, if it is stored, the tombstones of a deletion, and the job of a request that has gone: it is banned. */
  removeEvent(id: string): void {
    this.#store.removeRows(this.#sql.all("SELECT seq, raw FROM event WHERE id = unhex(?1)", id), "erased", true);
    this.#store.leaveLedgerOf(id);
  }

  /** When the next event expires, in seconds. Reads one row. */
  nextExpiration(): number | undefined {
    const row = this.#sql.all(
      "SELECT expiration FROM event WHERE expiration IS NOT NULL ORDER BY expiration LIMIT 1",
    )[0];
    return row?.[0] as number | undefined;
  }

  /** When the next event may pass its retention, in seconds. Reads nothing but at the first call with these rules. */
  nextPastRetention(rules: readonly RetentionRule[]): number | undefined {
    return this.#retainedBy(rules).next();
  }

  /** Removes up to `max` events that are past the retention of their kind at `now`, in seconds (R-07-01). */
  removePastRetention(rules: readonly RetentionRule[], now: number, max: number): void {
    const removals = new Removals(max);
    const whenGone = this.#retainedBy(rules).find(now, removals);
    this.#store.removeRows(removals.rows, "gone");
    whenGone();
  }

  #retainedBy(rules: readonly RetentionRule[]): Retained {
    // A change of the settings makes another array of rules (R-05-79).
    if (this.#retained?.rules !== rules) this.#retained = new Retained(this.#sql, rules);
    return this.#retained;
  }

  #removeAt(positions: readonly Row[number][], max: number): number {
    const removals = new Removals(max);
    removals.find(
      this.#sql,
      "SELECT e.seq, e.raw FROM json_each(?1) CROSS JOIN event e ON e.seq = value LIMIT ?2 + 0",
      JSON.stringify(positions),
    );
    return this.#store.removeRows(removals.rows, "erased");
  }
}
