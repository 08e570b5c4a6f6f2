import { mayDelete } from "../protocol/deletion.ts";
import type { Event } from "../protocol/event.ts";
import { addressOf } from "../protocol/kind.ts";
import { ownersOf } from "./erase/deletion.ts";
import type { Deletions } from "./erase/deletions.ts";
import { isCovered } from "./erase/vanish.ts";
import { addressKey } from "./keys.ts";
import type { Row, Sql } from "./sql.ts";

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

const IN_EVENTS = `SELECT ${STORED}, value, NULL FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)`;
const IN_TOMBSTONES = `SELECT ${TOMBSTONE}, substr(value, 65), substr(value, 1, 64) FROM json_each(?2)
  CROSS JOIN tombstone t ON t.pubkey = unhex(substr(value, 1, 64)) AND t.id = unhex(substr(value, 65))`;
const IN_VANISHED = `SELECT ${VANISHED}, value, v.until
  FROM json_each(?3) CROSS JOIN vanished v ON v.pubkey = unhex(value)`;
const IN_ADDRESSES = `SELECT ${ADDRESS}, value, a.until
  FROM json_each(?4) CROSS JOIN address_tombstone a ON a.address = unhex(value)`;

const IS_ANY_GONE = `SELECT EXISTS(SELECT 1 FROM tombstone) OR EXISTS(SELECT 1 FROM address_tombstone)
  OR EXISTS(SELECT 1 FROM vanished) OR EXISTS(SELECT 1 FROM unfinished)`;

/** Looks up what the store holds about events that come. */
export class Priors {
  readonly #sql: Sql;
  readonly #pending: Pick<Deletions, "covers">;
  /** Whether anything was ever deleted, or anybody vanished: if not, that is not looked for. */
  #isAnyGone: boolean;

  /** `pending` are deletions that are not carried out yet. */
  constructor(sql: Sql, pending: Pick<Deletions, "covers">) {
    this.#sql = sql;
    this.#pending = pending;
    this.#isAnyGone = sql.all(IS_ANY_GONE)[0]?.[0] === 1;
  }

  /** A deletion or a request to vanish comes. */
  expectGone(): void {
    this.#isAnyGone = true;
  }

  /**
   * Looks up events, their tombstones (R-05-06, R-05-07), pending ones too, and the requests to vanish that concern them
   * (R-05-21), all in one statement: each costs more than what it reads. Reads one row for each thing that is found. One
   * result for each, in order.
   */
  of(candidates: readonly Candidate[]): Prior[] {
    const ids = JSON.stringify(candidates.map(({ event }) => event.id));
    if (!this.#isAnyGone) {
      const stored = new Set(this.#sql.all(IN_EVENTS, ids).map(([, id]) => id as string));
      return candidates.map(({ event }) => ({ isStored: stored.has(event.id), block: undefined, isErased: false }));
    }
    const addresses = candidates.flatMap(({ address }) => address ?? []);
    const deleters = candidates.flatMap(({ event }) => ownersOf(event).map((owner) => owner + event.id));
    const owners = new Set(deleters.map((deleter) => deleter.slice(0, 64)));
    const arms = [IN_EVENTS, IN_TOMBSTONES, IN_VANISHED, ...(addresses.length > 0 ? [IN_ADDRESSES] : [])];
    const bindings = [
      ids,
      JSON.stringify(deleters),
      JSON.stringify([...owners]),
      ...(addresses.length > 0 ? [JSON.stringify(addresses)] : []),
    ];
    return this.#judge(this.#sql.all(arms.join(" UNION ALL "), ...bindings), candidates);
  }

  #judge(rows: Row[], candidates: readonly Candidate[]): Prior[] {
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
        this.#pending.covers(event) ||
        deleters.get(event.id)?.some((deleter) => mayDelete(deleter, event)) ||
        (deletedUntil !== undefined && deletedUntil >= event.created_at);
      return {
        isStored: stored.has(event.id),
        block: isDeleted ? "deleted" : vanishedUntil >= event.created_at ? "vanished" : undefined,
        isErased: isCovered(event, vanishedUntil),
      };
    });
  }
}

/** The event with its address key. */
export function candidateOf(event: Event): Candidate {
  const address = addressOf(event);
  return { event, address: address === undefined ? null : addressKey(address) };
}
