import { deletedAddresses, deletedIds, GIFT_WRAP_KIND } from "../../protocol/deletion.ts";
import { type Event, indexedTags, type TaggedEvent } from "../../protocol/event.ts";
import { addressKey } from "../keys.ts";
import type { Row, Sql } from "../sql.ts";
import { IS_ADDRESS_OF } from "./deletion.ts";
import { insertTags, keysOf, removeTags } from "./tags.ts";

/** Rows that one step removes: some two milliseconds. */
const STEP_ROWS = 400;

/** What is left of an event that is gone: its tags, or the tombstones that it left and that are to go with it. */
export type Leftover = "tags" | "tombstones";

/** From so many tags on, those of a new event are written behind: each may change a page of its own. */
const MANY_TAGS = 400;

/** Events whose tags are still to be written, at most: they stay in memory. Further ones are written at once. */
const MAX_UNTAGGED = 16;

/** What one row of the table stands for, and how far it has been removed. */
interface Work {
  readonly number: number;
  readonly isUntagged: boolean;
  readonly position: number;
  readonly event: Event;
  /** Keys of tags. All of these are in the order of their table, so that what one step removes lies together. */
  readonly tags: readonly string[];
  readonly ids: readonly string[];
  readonly addresses: readonly string[];
  next: number;
}

/**
 * Rows of events that are gone, too many to be removed with them. Nobody sees them: a tag without its event is passed over.
 * They are removed in bounded steps, and found again after a restart. In the same way tags of new events are written that are
 * too many to be written with them: until then reads look at {@link untagged} besides.
 */
export class Leftovers {
  readonly #sql: Sql;
  /** Whether there may be any. */
  #isPending: boolean;
  #work: Work | undefined;
  /** By position. */
  readonly #untagged = new Map<number, TaggedEvent>();

  /** Reads one row, and one for each event whose tags are still to be written. */
  constructor(sql: Sql) {
    this.#sql = sql;
    this.#isPending = this.#first() !== undefined;
    for (const [position, raw] of sql.all("SELECT seq, raw FROM unfinished WHERE work = 'untagged'")) {
      const event = JSON.parse(raw as string) as Event;
      this.#untagged.set(position as number, { event, tags: indexedTags(event) });
    }
  }

  /** Stored events not all of whose tags are written. */
  get untagged(): readonly TaggedEvent[] {
    return this.#untagged.size === 0 ? NONE : [...this.#untagged.values()];
  }

  /** Whether the tags of a new event are written behind; never those by which others find and delete it. */
  defers({ event, tags }: TaggedEvent): boolean {
    return tags.length > MANY_TAGS && event.kind !== GIFT_WRAP_KIND && this.#untagged.size < MAX_UNTAGGED;
  }

  /** Takes an event that has just been stored without its tags, in the caller's transaction. Returns what takes it back. */
  defer(position: number, { event, tags }: TaggedEvent): () => void {
    this.add(position, "untagged");
    this.#untagged.set(position, { event, tags });
    return () => this.#untagged.delete(position);
  }

  get isPending(): boolean {
    return this.#isPending;
  }

  /** An event goes: its tags need not be written any more. Returns what takes that back, in memory. */
  abandon(position: number): () => void {
    const untagged = this.#untagged.get(position);
    if (untagged === undefined) return () => {};
    this.#sql.all("DELETE FROM unfinished WHERE seq = ?1 AND work = 'untagged'", position);
    this.#untagged.delete(position);
    if (this.#work?.isUntagged && this.#work.position === position) this.#work = undefined;
    return () => this.#untagged.set(position, untagged);
  }

  /** Notes what is left of a stored event that is about to go, in the caller's transaction. Writes one row. */
  add(position: number, what: Leftover | "untagged"): void {
    this.#isPending = true;
    this.#sql.all(
      "INSERT INTO unfinished(seq, work, raw) SELECT seq, ?2, raw FROM event WHERE seq = ?1",
      position,
      what,
    );
  }

  /** Removes a bounded number of rows, in the caller's transaction. Returns what to call when it has been committed. */
  step(): () => void {
    const work = this.#work ?? this.#begin();
    if (work === undefined) {
      return () => {
        this.#isPending = false;
      };
    }
    let room = STEP_ROWS;
    let { next } = work;
    const some = <T>(list: readonly T[], from: number): readonly T[] => {
      const part = list.slice(Math.max(0, next - from), Math.max(0, next - from) + room);
      room -= part.length;
      return part;
    };
    const tags = some(work.tags, 0);
    const ids = some(work.ids, 0);
    const addresses = some(work.addresses, work.ids.length);
    if (tags.length > 0) (work.isUntagged ? insertTags : removeTags)(this.#sql, work.position, work.event, tags);
    if (ids.length > 0) forgetIds(this.#sql, work.event.pubkey, ids);
    if (addresses.length > 0) forgetAddresses(this.#sql, work.event.created_at, addresses);
    next += tags.length + ids.length + addresses.length;
    const isDone = next >= work.tags.length + work.ids.length + work.addresses.length;
    if (isDone) this.#sql.all("DELETE FROM unfinished WHERE number = ?1", work.number);
    return () => {
      this.#work = isDone ? undefined : { ...work, next };
      if (isDone && work.isUntagged) this.#untagged.delete(work.position);
    };
  }

  #begin(): Work | undefined {
    const [number, position, what, raw] = this.#first() ?? [];
    if (raw === undefined) return undefined;
    const event = JSON.parse(raw as string) as Event;
    const areTags = what !== "tombstones";
    return {
      number: number as number,
      isUntagged: what === "untagged",
      position: position as number,
      event,
      tags: areTags ? keysOf(indexedTags(event)) : [],
      ids: areTags ? [] : deletedIds(event).sort(),
      addresses: areTags ? [] : deletedAddresses(event).map(addressKey).sort(),
      next: 0,
    };
  }

  #first(): Row | undefined {
    const query = "SELECT number, seq, work, raw FROM unfinished WHERE work <> 'deletion' ORDER BY number LIMIT 1";
    return this.#sql.all(query)[0];
  }
}

const NONE: readonly TaggedEvent[] = [];

/** Which tombstones: all, or those of what was never stored here. */
type Which = "all" | "unknown";

/** Removes a bounded number of the tombstones of a key, whatever named them. Returns how many there were. */
export function forgetDeletionsOf(sql: Sql, pubkey: string, which: Which = "all"): number {
  const removed = (table: string, key: string, ofKey: string): number => {
    const condition = which === "all" ? ofKey : `${ofKey} AND was_stored = 0`;
    const query = `DELETE FROM ${table} WHERE ${ofKey} AND ${key} IN
      (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${STEP_ROWS}) RETURNING 1`;
    return sql.all(query, pubkey).length;
  };
  return removed("tombstone", "id", "pubkey = unhex(?1)") || removed("address_tombstone", "address", IS_ADDRESS_OF);
}

function forgetIds(sql: Sql, pubkey: string, ids: readonly string[]): void {
  sql.all(
    "DELETE FROM tombstone WHERE id IN (SELECT unhex(value) FROM json_each(?1)) AND pubkey = unhex(?2)",
    JSON.stringify(ids),
    pubkey,
  );
}

/** A later request of the same key has its own time, and goes by itself. */
function forgetAddresses(sql: Sql, until: number, addresses: readonly string[]): void {
  sql.all(
    "DELETE FROM address_tombstone WHERE address IN (SELECT unhex(value) FROM json_each(?1)) AND until <= ?2",
    JSON.stringify(addresses),
    until,
  );
}
