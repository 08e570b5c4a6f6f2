import { mayDelete } from "../protocol/deletion.ts";
import type { Event } from "../protocol/event.ts";
import { ownersOf } from "./deletion.ts";
import type { Sql } from "./sql.ts";
import { isCovered } from "./vanish.ts";

/** What the store holds about an event that comes: step 11 and 12 of R-02-12. */
export interface Prior {
  isStored: boolean;
  /** Why it must not come back. */
  block: "deleted" | "vanished" | undefined;
  /** It is stored, but a request to vanish erases it. */
  isErased: boolean;
}

/**
 * Looks up the event, its tombstones (R-05-06, R-05-07) and the requests to vanish that concern it (R-05-21), all in one
 * statement: each costs more than what it reads. `address` is its address key, if it has one. Reads at most one row for
 * each key it concerns.
 */
export function priorOf(sql: Sql, event: Event, address: string | null): Prior {
  const owners = ownersOf(event);
  const [row] = sql.all(
    `SELECT EXISTS(SELECT 1 FROM event WHERE id = unhex(?1)),
       EXISTS(SELECT 1 FROM tombstone WHERE id = unhex(?1) AND pubkey IN (SELECT unhex(value) FROM json_each(?2))),
       (SELECT max(until) FROM vanished WHERE pubkey IN (SELECT unhex(value) FROM json_each(?2))),
       (SELECT until FROM address_tombstone WHERE address = unhex(?3))`,
    event.id,
    JSON.stringify(owners),
    address,
  );
  const [isStored, hasTombstone, vanishedUntil, deletedUntil] = row as [number, number, number | null, number | null];
  const isDeleted =
    (hasTombstone === 1 && owners.some((owner) => mayDelete(owner, event))) ||
    (deletedUntil !== null && deletedUntil >= event.created_at);
  const isVanished = vanishedUntil !== null && vanishedUntil >= event.created_at;
  return {
    isStored: isStored === 1,
    block: isDeleted ? "deleted" : isVanished ? "vanished" : undefined,
    isErased: isCovered(event, vanishedUntil ?? undefined),
  };
}
