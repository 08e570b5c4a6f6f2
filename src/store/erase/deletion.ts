import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import {
  DELETION_KIND,
  deletedAddresses,
  deletedIds,
  GIFT_WRAP_KIND,
  mayDelete,
  recipientsOf,
} from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import { addressKey } from "../keys.ts";
import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";

/**
 * Characters that a kind 5 may have in a full store: so many, and so many for each stored event that it removes. It stays
 * for good, and its tombstones too.
 */
const FREEING = 1024;
const FREEING_EACH = 100;

/** Removes an event that has been found: position and event. */
export type Remove = (position: number, event: Event) => void;

/**
 * Carries out a kind 5 (NIP-09): removes what it names, and leaves tombstones for all of it, seen or unseen (R-05-06).
 * Writes one row for each tombstone besides what removing costs.
 */
export function applyDeletion(sql: Sql, deletion: Event, remove: Remove): void {
  for (const id of deletedIds(deletion)) {
    sql.all("INSERT OR IGNORE INTO tombstone VALUES(unhex(?1), unhex(?2))", id, deletion.pubkey);
    const found = sql.all("SELECT seq, raw FROM event WHERE id = unhex(?1)", id)[0];
    if (found === undefined) continue;
    const event = JSON.parse(found[1] as string) as Event;
    if (mayDelete(deletion.pubkey, event)) remove(found[0] as number, event);
  }
  for (const address of deletedAddresses(deletion)) {
    const key = addressKey(address);
    // The largest time counts (R-05-07).
    sql.all(
      `INSERT INTO address_tombstone VALUES(unhex(?1), ?2)
       ON CONFLICT(address) DO UPDATE SET until = excluded.until WHERE excluded.until > until`,
      key,
      deletion.created_at,
    );
    const found = sql.all(
      "SELECT seq, raw FROM event WHERE address = unhex(?1) AND place >= unhex(?2)",
      key,
      placeOfTime(deletion.created_at),
    )[0];
    if (found !== undefined) remove(found[0] as number, JSON.parse(found[1] as string) as Event);
  }
}

/** Whether an event is a kind 5 that makes room: small for what it removes. Reads a row for each id and address it names. */
export function freesRoom(sql: Sql, { event, raw }: VerifiedEvent): boolean {
  if (event.kind !== DELETION_KIND) return false;
  const [ids, addresses] = [deletedIds(event), deletedAddresses(event)];
  const isSmallFor = (removed: number): boolean => removed > 0 && raw.length <= FREEING + FREEING_EACH * removed;
  if (!isSmallFor(ids.length + addresses.length)) return false;
  // Of others' events it may remove gift wraps only, which alone are read whole.
  const named = sql.all(
    `SELECT kind, lower(hex(pubkey)), CASE WHEN kind = ?2 THEN raw END FROM event
     WHERE id IN (SELECT unhex(value) FROM json_each(?1))`,
    JSON.stringify(ids),
    GIFT_WRAP_KIND,
  );
  const mine = named.filter(([kind, pubkey, wrap]) =>
    mayDelete(event.pubkey, wrap === null ? ({ kind, pubkey } as Event) : (JSON.parse(wrap as string) as Event)),
  );
  const [[replaced]] = sql.all(
    "SELECT count(*) FROM event WHERE address IN (SELECT unhex(value) FROM json_each(?1)) AND place >= unhex(?2)",
    JSON.stringify(addresses.map(addressKey)),
    placeOfTime(event.created_at),
  ) as [[number]];
  return isSmallFor(mine.length + replaced);
}

/** Keys whose request to vanish would cover this event: its author, and the recipients of a gift wrap (R-05-21). */
export function ownersOf(event: Event): string[] {
  return event.kind === GIFT_WRAP_KIND ? [event.pubkey, ...recipientsOf(event)] : [event.pubkey];
}
