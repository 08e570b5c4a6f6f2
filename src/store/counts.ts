import type { Event } from "../protocol/event.ts";
import { jobRole } from "../protocol/job/job.ts";
import { kindRanges, roleOfKind } from "../protocol/job/profile.ts";
import { ledgerTallies } from "./ledger/lists.ts";
import { prune, type Tallies, type TallyChange, tally, tallyKey } from "./ledger/tallies.ts";
import { readMeta, writeMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** A change in the number of stored events of a kind. */
export interface CountChange {
  readonly kind: number;
  readonly change: 1 | -1;
  /** The kind is one of jobs, and the event is none. */
  readonly isOther: boolean;
}

/**
 * Stored events by kind; `others` are those of them that are no jobs although their kind is one of jobs. The tallies are
 * about jobs.
 */
interface Numbers {
  readonly byKind: Map<number, number>;
  readonly others: Map<number, number>;
  readonly tallies: Tallies;
}

/** What a transaction has changed. */
export interface Changes {
  readonly events: readonly CountChange[];
  readonly tallies: readonly TallyChange[];
}

/** An event comes or goes. */
export function changeOf(event: Event, change: 1 | -1): CountChange {
  return { kind: event.kind, change, isOther: isOther(event) };
}

/** Whether an event uses a kind of jobs for something else. */
function isOther(event: Event): boolean {
  return roleOfKind(event.kind) !== undefined && jobRole(event) === undefined;
}

/**
 * Stored events by kind, for statistics. Kept in memory and saved behind the writes as one row, so that neither storing
 * nor asking costs a scan. After a crash that lost the last save, the next use counts anew.
 */
export class Counts {
  readonly #sql: Sql;
  readonly #startHead: number;
  #numbers: Numbers | undefined;
  #dirty = false;
  readonly #nowSeconds: () => number;

  /** `startHead` is the store's newest position when the object started: a save made there is still right. */
  constructor(sql: Sql, startHead: number, nowSeconds: () => number) {
    this.#sql = sql;
    this.#startHead = startHead;
    this.#nowSeconds = nowSeconds;
  }

  /** Whether there are changes that {@link save} should write. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** Takes note of changes that have been committed. */
  apply(changes: Changes): void {
    if (changes.events.length + changes.tallies.length === 0) return;
    this.#dirty = true;
    addTo(this.#load(), changes, this.#nowSeconds());
  }

  /** Number of stored events by kind, without kinds of which there are none. */
  byKind(): ReadonlyMap<number, number> {
    return this.#load().byKind;
  }

  /** Those of them that are no jobs, of kinds of jobs. */
  others(): ReadonlyMap<number, number> {
    return this.#load().others;
  }

  /** Numbers about jobs. */
  tallies(): Tallies {
    return this.#load().tallies;
  }

  /** As {@link byKind}, or undefined where finding out would take a scan. Reads one row at most. */
  known(): ReadonlyMap<number, number> | undefined {
    return this.#known()?.byKind;
  }

  /**
   * As {@link apply}, to be called at the end of a transaction that stores no events: the position then does not tell that an
   * older save is out of date. Writes one row at most. `undo` gets what is to be called if the transaction is undone.
   */
  saveRemoved(head: number, changes: Changes, undo: (() => void)[]): void {
    if (changes.events.length + changes.tallies.length === 0) return;
    const numbers = this.#load();
    undo.push(addTo(numbers, changes, this.#nowSeconds()));
    try {
      this.#write(head, numbers);
    } catch {
      // What is to go must go. Until the next save, a restart counts anew.
      this.#sql.all("DELETE FROM meta WHERE key = 'counts'");
      this.#dirty = true;
    }
  }

  /** Writes one row. `head` is the store's newest position. */
  save(head: number): void {
    this.#write(head, this.#load());
    this.#dirty = false;
  }

  #write(head: number, { byKind, others, tallies }: Numbers): void {
    prune(tallies, this.#nowSeconds());
    const saved = { head, kinds: [...byKind], others: [...others], jobs: [...tallies] } satisfies Saved;
    writeMeta(this.#sql, "counts", JSON.stringify(saved));
  }

  #load(): Numbers {
    const known = this.#known();
    if (known !== undefined) return known;
    const rows = this.#sql.all("SELECT kind, count(*) FROM event GROUP BY kind");
    this.#numbers = { byKind: new Map(rows as [number, number][]), others: new Map(), tallies: new Map() };
    this.#countJobs(this.#numbers);
    this.#dirty = true;
    return this.#numbers;
  }

  /** Reads all events of kinds of jobs, and the ledger. */
  #countJobs({ others, tallies }: Numbers): void {
    for (const [from, to] of kindRanges()) {
      const query = "SELECT raw FROM event INDEXED BY event_kind WHERE kind BETWEEN ?1 AND ?2";
      this.#sql.each(query, [from, to], ([raw]) => {
        const event = JSON.parse(raw as string) as Event;
        if (isOther(event)) add(others, event.kind, 1);
        else if (jobRole(event) !== undefined) tally(tallies, [[tallyKey.hour(event), 1]], this.#nowSeconds());
        return true;
      });
    }
    tally(tallies, ledgerTallies(this.#sql), this.#nowSeconds());
  }

  #known(): Numbers | undefined {
    if (this.#numbers !== undefined) return this.#numbers;
    const text = this.#startHead === 0 ? undefined : readMeta(this.#sql, "counts");
    const saved = text === undefined ? undefined : (JSON.parse(text) as Saved);
    // Before its first event a store is empty. An older save lacks the numbers about jobs.
    if (this.#startHead > 0 && (saved?.head !== this.#startHead || saved.jobs === undefined)) return undefined;
    this.#numbers = {
      byKind: new Map(saved?.kinds ?? []),
      others: new Map(saved?.others ?? []),
      tallies: new Map(saved?.jobs ?? []),
    };
    return this.#numbers;
  }
}

interface Saved {
  head: number;
  kinds: [kind: number, count: number][];
  others?: [kind: number, count: number][];
  jobs?: [key: string, count: number][];
}

/** Returns what undoes it. */
function addTo({ byKind, others, tallies }: Numbers, { events, tallies: changes }: Changes, now: number): () => void {
  const count = (sign: 1 | -1) => {
    for (const { kind, change, isOther } of events) {
      add(byKind, kind, sign * change);
      if (isOther) add(others, kind, sign * change);
    }
  };
  count(1);
  const undo = tally(tallies, changes, now);
  return () => {
    count(-1);
    undo();
  };
}

function add(counts: Map<number, number>, kind: number, change: number): void {
  const count = (counts.get(kind) ?? 0) + change;
  if (count === 0) counts.delete(kind);
  else counts.set(kind, count);
}
