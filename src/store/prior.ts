import { mayDelete } from "../protocol/deletion.ts";
import type { Event } from "../protocol/event.ts";
import { ownersOf } from "./erase/deletion.ts";
import type { Deletions } from "./erase/deletions.ts";
import { isCovered } from "./erase/vanish.ts";
import type { Sql } from "./sql.ts";

/** What the store holds about an event that comes: step 11 and 12 of R-02-12. */
export interface Prior {
  isStored: boolean;
  /** Why it must not come back. */
  block: "deleted" | "vanished" | undefined;
  /** It is stored, but a request to vanish erases it. */
  isErased: boolean;
}

/** An event, and its address key if it has one. */
export interface Candidate {
  event: Event;
  address: string | null;
}

const [STORED, TOMBSTONE, VANISHED, ADDRESS] = [0, 1, 2, 3];

const LOOK_UP = `
  SELECT ${STORED}, value, NULL FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)
  UNION ALL
  SELECT ${TOMBSTONE}, value, lower(hex(t.pubkey)) FROM json_each(?1) CROSS JOIN tombstone t ON t.id = unhex(value)
  UNION ALL
  SELECT ${VANISHED}, value, v.until FROM json_each(?2) CROSS JOIN vanished v ON v.pubkey = unhex(value)
  UNION ALL
  SELECT ${ADDRESS}, value, a.until FROM json_each(?3) CROSS JOIN address_tombstone a ON a.address = unhex(value)`;

/**
 * Looks up events, their tombstones (R-05-06, R-05-07), among `pending` too, and the requests to vanish that concern them (R-05-21), all in one
 * statement: each costs more than what it reads. Reads one row for each thing that is found. One result for each, in order.
 */
export function priorsOf(
  sql: Sql,
  pending: Pick<Deletions, "isPending" | "covers">,
  candidates: readonly Candidate[],
): Prior[] {
  const owners = new Set(candidates.flatMap(({ event }) => ownersOf(event)));
  const rows = sql.all(
    LOOK_UP,
    JSON.stringify(candidates.map(({ event }) => event.id)),
    JSON.stringify([...owners]),
    JSON.stringify(candidates.flatMap(({ address }) => address ?? [])),
  );
  if (rows.length === 0 && !pending.isPending)
    return candidates.map(() => ({ isStored: false, block: undefined, isErased: false }));
  const stored = new Set<string>();
  const deleters = new Map<string, string[]>();
  const until = { [VANISHED]: new Map<string, number>(), [ADDRESS]: new Map<string, number>() };
  for (const [what, key, detail] of rows as [number, string, string & number][]) {
    if (what === STORED) stored.add(key);
    else if (what === TOMBSTONE) deleters.set(key, [...(deleters.get(key) ?? []), detail]);
    else until[what]?.set(key, detail);
  }
  return candidates.map(({ event, address }) => {
    const vanishedUntil = Math.max(...ownersOf(event).map((owner) => until[VANISHED]?.get(owner) ?? -1));
    const deletedUntil = address === null ? undefined : until[ADDRESS]?.get(address);
    const isDeleted =
      pending.covers(event) ||
      deleters.get(event.id)?.some((deleter) => mayDelete(deleter, event)) ||
      (deletedUntil !== undefined && deletedUntil >= event.created_at);
    return {
      isStored: stored.has(event.id),
      block: isDeleted ? "deleted" : vanishedUntil >= event.created_at ? "vanished" : undefined,
      isErased: isCovered(event, vanishedUntil),
    };
  });
}
