import { GIFT_WRAP_KIND, VANISH_KIND } from "../../protocol/deletion.ts";
import { type Event, MAX_KIND } from "../../protocol/event.ts";
import { STEP } from "../../protocol/work.ts";
import { tagKey } from "../keys.ts";
import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import { ownersOf } from "./deletion.ts";
import type { Remove } from "./deletions.ts";
import { Removals } from "./removals.ts";

const BEFORE_ALL = -1;

/**
 * Requests to vanish (NIP-62). The cut-off is written with the request and hides everything at once; the events behind
 * it are erased in steps, and what is left is found again after a restart.
 */
export class Vanishing {
  readonly #sql: Sql;
  /** Cut-offs whose events are not all erased yet: never more than there are keys of which something is stored. */
  readonly #pending = new Map<string, number>();
  /** How far the kinds of the first of them have been gone through. */
  #kind = BEFORE_ALL;

  constructor(sql: Sql) {
    this.#sql = sql;
    const rows = sql.all(
      "SELECT lower(hex(pubkey)), until FROM vanished INDEXED BY vanished_pending WHERE pending = 1",
    );
    for (const [pubkey, until] of rows) this.#pending.set(pubkey as string, until as number);
  }

  /** Whether events are still to be erased. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether a stored event is erased already as far as anybody can see. */
  hides(event: Event): boolean {
    if (this.#pending.size === 0) return false;
    return ownersOf(event).some((owner) => isCovered(event, this.#pending.get(owner)));
  }

  /**
   * Records a request: one row, unless a later one is known. Its events are hidden from now on. To be called in the
   * transaction that stores it, with its position if it is kept. Where nothing else of the key is stored or in the ledger
   * there is nothing to erase, and nothing is pending. Reads five rows at most.
   */
  request({ pubkey, created_at }: Pick<Event, "pubkey" | "created_at">, position = 0): void {
    this.#sql.all(
      `INSERT INTO vanished VALUES(unhex(?1), ?2,
         EXISTS(SELECT 1 FROM event INDEXED BY event_author WHERE pubkey = unhex(?1) AND seq <> ?3)
         OR EXISTS(SELECT 1 FROM tag WHERE key = unhex(?4) AND kind = ?5 AND place >= unhex(?6))
         OR EXISTS(SELECT 1 FROM job INDEXED BY job_gone WHERE customer = unhex(?1) AND made <= ?2 AND ended > 0))
       ON CONFLICT(pubkey) DO UPDATE SET until = excluded.until, pending = max(pending, excluded.pending)
       WHERE excluded.until > until`,
      pubkey,
      created_at,
      position,
      tagKey("p", pubkey),
      GIFT_WRAP_KIND,
      placeOfTime(created_at),
    );
  }

  /** Whether a request with this time or a later one is known. */
  isObeyed({ pubkey, created_at }: Event): boolean {
    return (
      this.#sql.all("SELECT 1 FROM vanished WHERE pubkey = unhex(?1) AND until >= ?2", pubkey, created_at).length > 0
    );
  }

  /** To be called when the transaction of {@link request} has been committed. Never throws. */
  begin({ pubkey, created_at }: Pick<Event, "pubkey" | "created_at">): void {
    let until: number | undefined;
    try {
      const [row] = this.#sql.all("SELECT until FROM vanished WHERE pubkey = unhex(?1) AND pending = 1", pubkey);
      until = row?.[0] as number | undefined;
    } catch {
      // It is committed: a failure now must not make it, and what was committed with it, look as if it were not.
      until = Math.max(created_at, this.#pending.get(pubkey) ?? 0);
    }
    if (until === undefined) return;
    this.#pending.set(pubkey, until);
    this.#kind = BEFORE_ALL;
  }

  /**
   * Erases up to `max` events of the requests that are pending, in the caller's transaction. `leave` lets some jobs go whose
   * requests have gone, and tells how many. `onGone` is called when all of somebody is erased. Returns what to call when it
   * has been committed.
   */
  erase(max: number, remove: Remove, leave: (pubkey: string, until: number) => number, onGone: () => void): () => void {
    const removals = new Removals(max);
    const { meter } = this.#sql;
    const end = meter.spent + STEP / 2;
    const done: string[] = [];
    let kind = this.#kind;
    for (const [pubkey, until] of this.#pending) {
      kind = this.#findOwn(pubkey, until, removals, kind, end);
      if (kind < MAX_KIND) break;
      this.#findWraps(pubkey, until, removals);
      if (removals.isFull || leave(pubkey, until) > 0) break;
      kind = BEFORE_ALL;
      done.push(pubkey);
      if (meter.spent >= end) break;
    }
    // A wrap may be found for its author and for its recipient.
    for (const [position, raw] of new Map(removals.rows as [number, string][]))
      remove(position, JSON.parse(raw) as Event);
    for (const pubkey of done) this.#sql.all("UPDATE vanished SET pending = 0 WHERE pubkey = unhex(?1)", pubkey);
    if (done.length > 0) onGone();
    return () => {
      this.#kind = kind;
      for (const pubkey of done) this.#pending.delete(pubkey);
    };
  }

  /**
   * Kind by kind, so that newer events are not walked over, from that after `above` on. Returns where to go on;
   * {@link MAX_KIND} if that was all.
   */
  #findOwn(pubkey: string, until: number, removals: Removals, above: number, end: number): number {
    for (let kind = above; ; ) {
      if (this.#sql.meter.spent >= end) return kind;
      const next = this.#sql.all(
        `SELECT kind FROM event INDEXED BY event_author
         WHERE pubkey = unhex(?1) AND kind > ?2 ORDER BY kind LIMIT 1`,
        pubkey,
        kind,
      )[0];
      if (next === undefined) return MAX_KIND;
      const before = kind;
      kind = next[0] as number;
      removals.find(
        this.#sql,
        `SELECT seq, raw FROM event INDEXED BY event_author
         WHERE pubkey = unhex(?1) AND kind = ?2 AND place >= unhex(?3) LIMIT ?4 + 0`,
        pubkey,
        kind,
        // The request itself stays.
        placeOfTime(kind === VANISH_KIND ? until - 1 : until),
      );
      // Of this kind there may be more.
      if (removals.isFull) return before;
    }
  }

  #findWraps(pubkey: string, until: number, removals: Removals): void {
    removals.find(
      this.#sql,
      `SELECT e.seq, e.raw FROM tag t CROSS JOIN event e ON e.seq = t.seq
       WHERE t.key = unhex(?1) AND t.kind = ?2 AND t.place >= unhex(?3) AND e.pubkey <> unhex(?4) LIMIT ?5 + 0`,
      tagKey("p", pubkey),
      GIFT_WRAP_KIND,
      placeOfTime(until),
      pubkey,
    );
  }
}

/** Whether a request with this cut-off erases the event. The request itself stays: it says why the rest is gone. */
export function isCovered(event: Event, until: number | undefined): boolean {
  if (until === undefined || event.created_at > until) return false;
  return !(event.kind === VANISH_KIND && event.created_at === until);
}
