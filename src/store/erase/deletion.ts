import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { DELETION_KIND, deletedAddresses, deletedIds, GIFT_WRAP_KIND, recipientsOf } from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import { addressKey, tagKey } from "../keys.ts";
import { placeOfTime } from "../place.ts";
import { chargeEntries, type Sql } from "../sql.ts";

/**
 * Characters that a kind 5 may have in a full store: so many, and so many for each stored event that it removes. It stays
 * for good, and its tombstones too.
 */
const FREEING = 1024;
const FREEING_EACH = 100;

/** Ids and addresses that a key may have deleted: some 700 KB. Beyond, it deletes only what is stored. */
export const MAX_TOMBSTONES = 10_000;

/**
 * As SQL, whether the key ?2 may delete the event `e`: its own, and gift wraps that are for it, whose tag has the key ?3
 * (R-05-02, R-05-03).
 */
export const MAY_DELETE = `(e.pubkey = unhex(?2) AND e.kind NOT IN (5, 62) OR e.kind = ${GIFT_WRAP_KIND}
  AND EXISTS(SELECT 1 FROM tag WHERE key = unhex(?3) AND kind = ${GIFT_WRAP_KIND} AND place = e.place))`;

/** Whether an event is a kind 5 that makes room: small for what it removes. Reads a row for each id and address it names. */
export function freesRoom(sql: Sql, { event, raw }: VerifiedEvent): boolean {
  if (event.kind !== DELETION_KIND) return false;
  const [ids, addresses] = [deletedIds(event), deletedAddresses(event)];
  const isSmallFor = (removed: number): boolean => removed > 0 && raw.length <= FREEING + FREEING_EACH * removed;
  if (!isSmallFor(ids.length + addresses.length)) return false;
  const [[mine]] = sql.all(
    `SELECT count(*) FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value) WHERE ${MAY_DELETE}`,
    JSON.stringify(ids),
    event.pubkey,
    tagKey("p", event.pubkey),
  ) as [[number]];
  const [[replaced]] = sql.all(
    `SELECT count(*) FROM json_each(?1) CROSS JOIN event e ON e.address = unhex(value)
     WHERE e.place >= unhex(?2)`,
    JSON.stringify(addresses.map(addressKey)),
    placeOfTime(event.created_at),
  ) as [[number]];
  return isSmallFor(mine + replaced);
}

/**
 * Whether a kind 5 would leave more tombstones of its author than one may have; `pending` are still to be written. Walks over
 * those that there are.
 */
export function buriesTooMany(sql: Sql, event: Event, pending: number): boolean {
  if (event.kind !== DELETION_KIND) return false;
  const more = deletedIds(event).length + deletedAddresses(event).length;
  if (more === 0) return false;
  const [[found]] = sql.all(
    `SELECT (SELECT count(*) FROM (SELECT 1 FROM tombstone WHERE pubkey = unhex(?1) LIMIT ${MAX_TOMBSTONES}))
       + (SELECT count(*) FROM (SELECT 1 FROM address_tombstone WHERE ${IS_ADDRESS_OF} LIMIT ${MAX_TOMBSTONES}))`,
    event.pubkey,
  ) as [[number]];
  chargeEntries(sql, found);
  return found + pending + more > MAX_TOMBSTONES;
}

/** As SQL, whether the key `address` is of an address of the key ?1: it begins with it. */
export const IS_ADDRESS_OF = "address >= unhex(?1) AND address < unhex(?1 || 'ffffff')";

/** Keys whose request to vanish would cover this event: its author, and the recipients of a gift wrap (R-05-21). */
export function ownersOf(event: Event): string[] {
  return event.kind === GIFT_WRAP_KIND ? [event.pubkey, ...recipientsOf(event)] : [event.pubkey];
}
