import type { Event, IndexedTag } from "../../protocol/event.ts";
import { tagKey } from "../keys.ts";
import { placeOf } from "../place.ts";
import type { Sql } from "../sql.ts";

/** Up to so many tags are removed one by one: a statement that takes a list costs as much as some rows. */
const FEW = 4;

const DELETE_ONE = "DELETE FROM tag WHERE key = unhex(?1) AND kind = ?2 AND place = unhex(?3) AND seq = ?4";
const DELETE_MANY = `DELETE FROM tag WHERE key IN (SELECT unhex(value) FROM json_each(?1))
  AND kind = ?2 AND place = unhex(?3) AND seq = ?4`;

/** The same event may have been here before, and its tags may be left over. */
const INSERT_MANY = `INSERT OR REPLACE INTO tag
  SELECT unhex(value), ?2, unhex(?3), ?4 FROM json_each(?1)`;

/** The keys of an event's tags in their order, in which they lie in the table. */
export function keysOf(tags: readonly IndexedTag[]): string[] {
  return tags.map(([letter, value]) => tagKey(letter, value)).sort();
}

/** Writes tag rows of an event, handed over as one list, in the caller's transaction: one row for each key. */
export function insertTags(sql: Sql, position: number, event: Event, keys: readonly string[]): void {
  sql.all(INSERT_MANY, JSON.stringify(keys), event.kind, placeOf(event.created_at, event.id), position);
}

/** Removes tag rows of an event, in the caller's transaction: one row for each key. */
export function removeTags(sql: Sql, position: number, event: Event, keys: readonly string[]): void {
  const place = placeOf(event.created_at, event.id);
  if (keys.length > FEW) sql.all(DELETE_MANY, JSON.stringify(keys), event.kind, place, position);
  else for (const key of keys) sql.all(DELETE_ONE, key, event.kind, place, position);
}

/** How many tag rows an event has, counted without parsing it: what looks like a tag in its content is counted too. */
export function mostTags(raw: string): number {
  let count = 1;
  for (let at = raw.indexOf("],["); at >= 0; at = raw.indexOf("],[", at + 3)) count++;
  return count;
}
