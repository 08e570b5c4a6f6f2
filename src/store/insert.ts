import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import { expirationOf } from "../protocol/event.ts";
import { insertTags, keysOf } from "./erase/tags.ts";
import { tagKey } from "./keys.ts";
import { placeOf } from "./place.ts";
import { insertRows } from "./rows.ts";
import type { Sql, SqlValue } from "./sql.ts";

/** An event that is to be stored, where, and its address key if it has one. */
export interface Placed {
  position: number;
  verified: VerifiedEvent;
  address: string | null;
  /** Its tags are written later. */
  isUntagged: boolean;
}

const INSERT_EVENTS = { into: "INTO event", row: "(?,unhex(?),unhex(?),?,unhex(?),unhex(?),?,?)" };
/** The same event may have been here before, and its tags may be left over. */
const INSERT_TAGS = { into: "OR REPLACE INTO tag", row: "(unhex(?),?,unhex(?),?)" };

/** From so many tags on, those of one event are handed over as one list, which takes half the time. */
const MANY_TAGS = 50;

/**
 * Writes events and their indexed tags, in the caller's transaction: many rows with each statement. `4 + T` rows for an
 * event with T tags, and one more if its kind is replaced.
 */
export function insertEvents(sql: Sql, events: readonly Placed[]): void {
  const rows: SqlValue[][] = [];
  const tags: SqlValue[][] = [];
  for (const { position, verified, address, isUntagged } of events) {
    const { event, raw } = verified;
    const place = placeOf(event.created_at, event.id);
    rows.push([position, event.id, place, event.kind, event.pubkey, address, expirationOf(event) ?? null, raw]);
    if (isUntagged) continue;
    if (verified.tags.length >= MANY_TAGS) insertTags(sql, position, event, keysOf(verified.tags));
    else for (const [letter, value] of verified.tags) tags.push([tagKey(letter, value), event.kind, place, position]);
  }
  insertRows(sql, INSERT_EVENTS, rows);
  insertRows(sql, INSERT_TAGS, tags);
}
