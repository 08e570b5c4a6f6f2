import { deletedAddresses, deletedIds, mayDelete } from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import { type Address, addressOf } from "../../protocol/kind.ts";
import { addressKey, tagKey } from "../keys.ts";
import { placeOfTime } from "../place.ts";
import type { Row, Sql } from "../sql.ts";
import { MAY_DELETE } from "./deletion.ts";
import { Removals } from "./removals.ts";

/** Removes an event that has been found: position and event. */
export type Remove = (position: number, event: Event) => void;

/** Ids or addresses that are looked up in one statement. */
const AT_ONCE = 100;

/** Rows of work up to which a deletion is carried out at once, or in one step of the chore. */
const STEP_ROWS = 250;

/** A kind 5 that is being carried out. */
interface Pending {
  /** Of its row of the table; undefined while it is not known whether it needs one. */
  number: number | undefined;
  readonly pubkey: string;
  readonly until: number;
  /** Ids that are still to be removed, and keys of addresses: from the end. */
  readonly ids: string[];
  readonly addresses: string[];
}

/**
 * Carries out kind 5 events (NIP-09): removes what they name, and leaves tombstones for all of it, seen or unseen (R-05-06).
 * Small ones are carried out at once. Of others what is named counts as deleted from then on (R-05-10); it is removed in
 * bounded steps, and what is left is found again after a restart.
 */
export class Deletions {
  readonly #sql: Sql;
  readonly #pending: Pending[] = [];
  /** Who wants an id deleted, and until when an address is: of all that is pending. */
  readonly #deleters = new Map<string, string[]>();
  readonly #until = new Map<string, number>();

  /** Reads what is pending. */
  constructor(sql: Sql) {
    this.#sql = sql;
    const rows = sql.all("SELECT number, raw FROM unfinished WHERE work = 'deletion' ORDER BY number");
    for (const [number, raw] of rows) {
      this.#keep({ ...pendingOf(JSON.parse(raw as string) as Event), number: number as number });
    }
  }

  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Ids and addresses that deletions of a key have still to bury. */
  pendingOf(pubkey: string): number {
    let count = 0;
    for (const one of this.#pending) if (one.pubkey === pubkey) count += one.ids.length + one.addresses.length;
    return count;
  }

  /** Whether a pending deletion covers an event, stored or not. */
  covers(event: Event): boolean {
    if (this.#pending.length === 0) return false;
    if (this.#deleters.get(event.id)?.some((deleter) => mayDelete(deleter, event))) return true;
    if (this.#until.size === 0) return false;
    const address = addressOf(event);
    const until = address && this.#until.get(addressKey(address));
    return until !== undefined && event.created_at <= until;
  }

  /**
   * Carries out a kind 5 that has just been stored, in the same transaction, as far as it is small. Returns what takes back,
   * in memory, what the transaction does. Writes one row for each tombstone besides what removing costs, and one if something
   * is left to do.
   */
  begin(deletion: Event, raw: string, remove: Remove): () => void {
    const pending = pendingOf(deletion);
    const isSmall = pending.ids.length + pending.addresses.length <= STEP_ROWS;
    if (isSmall && this.#advance(pending, remove)) return () => {};
    const [[number]] = this.#sql.all(
      "INSERT INTO unfinished(seq, work, raw) VALUES(0, 'deletion', ?1) RETURNING number",
      raw,
    ) as [Row];
    pending.number = number as number;
    this.#keep(pending);
    return () => this.#forget(pending);
  }

  /**
   * A step of what is pending, in the caller's transaction, for the deletion that came first. Returns what to call when it
   * has been committed.
   */
  step(remove: Remove): () => void {
    const [first] = this.#pending;
    if (first === undefined) return () => {};
    const copy = { ...first, ids: [...first.ids], addresses: [...first.addresses] };
    const isDone = this.#advance(copy, remove);
    if (isDone) this.#sql.all("DELETE FROM unfinished WHERE number = ?1", first.number as number);
    return () => {
      this.#release(first, first.ids.splice(copy.ids.length), first.addresses.splice(copy.addresses.length));
      if (isDone) this.#pending.shift();
    };
  }

  /** Removes and buries a bounded part of what is named; whether that was all. */
  #advance(pending: Pending, remove: Remove): boolean {
    const { ids, addresses, pubkey, until } = pending;
    for (let room = STEP_ROWS; ids.length > 0 || addresses.length > 0; ) {
      if (room <= 0) return false;
      const removals = new Removals(room);
      const list = ids.length > 0 ? ids : addresses;
      const some = list.slice(-Math.min(AT_ONCE, room));
      if (list === ids) findIds(this.#sql, some, pubkey, removals);
      else findVersions(this.#sql, some, until, removals);
      const found = removals.rows.map(([, raw]) => JSON.parse(raw as string) as Event);
      for (const [i, event] of found.entries()) remove(removals.rows[i]?.[0] as number, event);
      const bury = list === ids ? buryIds : buryAddresses;
      if (found.length > 0) bury(this.#sql, list === ids ? found.map(({ id }) => id) : found.map(keyOf), pending, 1);
      room -= Math.ceil(removals.work) + some.length;
      // There may be more: what was found is gone, so the same are asked for again.
      if (removals.isFull) continue;
      bury(this.#sql, some, pending, 0);
      list.splice(-some.length);
    }
    return true;
  }

  #keep(pending: Pending): void {
    this.#pending.push(pending);
    for (const id of pending.ids) this.#deleters.set(id, [...(this.#deleters.get(id) ?? []), pending.pubkey]);
    for (const address of pending.addresses) {
      this.#until.set(address, Math.max(pending.until, this.#until.get(address) ?? 0));
    }
  }

  #forget(pending: Pending): void {
    const others = this.#pending.splice(0).filter((other) => other !== pending);
    this.#deleters.clear();
    this.#until.clear();
    for (const other of others) this.#keep(other);
  }

  #release({ pubkey, until }: Pending, ids: readonly string[], addresses: readonly string[]): void {
    for (const id of ids) {
      const deleters = this.#deleters.get(id) ?? [];
      deleters.splice(deleters.indexOf(pubkey), 1);
      if (deleters.length === 0) this.#deleters.delete(id);
    }
    // A larger time of another deletion stays; a smaller one has nothing left to remove.
    for (const address of addresses) if (this.#until.get(address) === until) this.#until.delete(address);
  }
}

function pendingOf(deletion: Event): Pending {
  return {
    number: undefined,
    pubkey: deletion.pubkey,
    until: deletion.created_at,
    // In the order of their tables, so that what one step writes lies together.
    ids: deletedIds(deletion).sort(),
    addresses: deletedAddresses(deletion).map(addressKey).sort(),
  };
}

function findIds(sql: Sql, ids: readonly string[], pubkey: string, removals: Removals): void {
  removals.find(
    sql,
    `SELECT e.seq, e.raw FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)
     WHERE ${MAY_DELETE} LIMIT ?4 + 0`,
    JSON.stringify(ids),
    pubkey,
    tagKey("p", pubkey),
  );
}

function findVersions(sql: Sql, addresses: readonly string[], until: number, removals: Removals): void {
  removals.find(
    sql,
    `SELECT e.seq, e.raw FROM json_each(?1) CROSS JOIN event e ON e.address = unhex(value)
     WHERE e.place >= unhex(?2) LIMIT ?3 + 0`,
    JSON.stringify(addresses),
    placeOfTime(until),
  );
}

function keyOf(event: Event): string {
  return addressKey(addressOf(event) as Address);
}

/** What was stored keeps saying so. */
function buryIds(sql: Sql, ids: readonly string[], { pubkey }: Pending, wasStored: 0 | 1): void {
  sql.all(
    "INSERT OR IGNORE INTO tombstone SELECT unhex(?2), unhex(value), ?3 FROM json_each(?1)",
    JSON.stringify(ids),
    pubkey,
    wasStored,
  );
}

/** The largest time counts (R-05-07). */
function buryAddresses(sql: Sql, addresses: readonly string[], { until }: Pending, wasStored: 0 | 1): void {
  sql.all(
    `INSERT INTO address_tombstone SELECT unhex(value), ?2, ?3 FROM json_each(?1) WHERE true
     ON CONFLICT(address) DO UPDATE SET until = max(until, excluded.until), was_stored = max(was_stored, excluded.was_stored)
     WHERE excluded.until > until OR excluded.was_stored > was_stored`,
    JSON.stringify(addresses),
    until,
    wasStored,
  );
}
