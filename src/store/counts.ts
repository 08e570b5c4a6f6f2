import type { Event } from "../protocol/event.ts";
import { jobRole } from "../protocol/job/job.ts";
import { kindRanges, roleOfKind } from "../protocol/job/profile.ts";
import { ledgerTallies } from "./ledger/lists.ts";
import { prune, type Tallies, type TallyChange, tally, tallyKey } from "./ledger/tallies.ts";
import { readMeta, writeMeta } from "./schema.ts";
import type { Row, Sql } from "./sql.ts";

/** A change in the number of stored events of a kind. */
export interface CountChange {
  readonly kind: number;
  readonly change: 1 | -1;
}

/** Stored events by kind. The tallies are about jobs. */
interface Numbers {
  readonly byKind: Map<number, number>;
  readonly tallies: Tallies;
}

/** What a transaction has changed. */
export interface Changes {
  readonly events: readonly CountChange[];
  readonly tallies: readonly TallyChange[];
}

/** An event comes or goes. */
export function changeOf({ kind }: Event, change: 1 | -1): CountChange {
  return { kind, change };
}

/** Whether a transaction that has changed these must save the counts: what has gone of jobs is not to be found afterwards. */
export function mustSave({ events }: Changes): boolean {
  return events.some(({ kind, change }) => change < 0 && roleOfKind(kind) !== undefined);
}

/**
 * Stored events by kind, for statistics. Kept in memory and saved behind the writes as one row, so that neither storing
 * nor asking costs a scan. After a crash that lost the last save, the next start counts what indexes tell, and looks at the
 * events that have come since.
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

  /** Numbers about jobs. */
  tallies(): Tallies {
    return this.#load().tallies;
  }

  /** As {@link byKind}, or undefined where finding out would take a scan. Reads one row at most. */
  known(): ReadonlyMap<number, number> | undefined {
    return this.#known()?.byKind;
  }

  /**
   * As {@link apply}, to be called at the end of a transaction that stores no events, or after which {@link mustSave}: the
   * position then does not tell that an older save is out of date. Writes one row at most. `undo` gets what is to be called if the transaction is undone.
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

  #write(head: number, { byKind, tallies }: Numbers): void {
    prune(tallies, this.#nowSeconds());
    const saved = { head, kinds: [...byKind], jobs: [...tallies] } satisfies Saved;
    writeMeta(this.#sql, "counts", JSON.stringify(saved));
  }

  #load(): Numbers {
    const known = this.#known();
    if (known !== undefined) return known;
    const rows = this.#sql.all("SELECT kind, count(*) FROM event GROUP BY kind");
    this.#numbers = { byKind: new Map(rows as [number, number][]), tallies: this.#countJobs() };
    this.#dirty = true;
    return this.#numbers;
  }

  /** Reads the ledger, and the events that the last save does not know; without one, all of kinds of jobs. */
  #countJobs(): Tallies {
    const { head, jobs } = this.#saved() ?? {};
    const tallies: Tallies = new Map(jobs?.filter(([key]) => tallyKey.isHour(key)));
    const take = ([raw]: Row) => {
      const event = JSON.parse(raw as string) as Event;
      if (jobRole(event) !== undefined) tally(tallies, [[tallyKey.hour(event), 1]], this.#nowSeconds());
      return true;
    };
    for (const [from, to] of kindRanges()) {
      if (jobs !== undefined) {
        // The plus keeps SQLite from the index of kinds.
        this.#sql.each("SELECT raw FROM event WHERE seq > ?1 AND +kind BETWEEN ?2 AND ?3", [head ?? 0, from, to], take);
      } else
        this.#sql.each("SELECT raw FROM event INDEXED BY event_kind WHERE kind BETWEEN ?1 AND ?2", [from, to], take);
    }
    tally(tallies, ledgerTallies(this.#sql), this.#nowSeconds());
    return tallies;
  }

  #known(): Numbers | undefined {
    if (this.#numbers !== undefined) return this.#numbers;
    const saved = this.#saved();
    // Before its first event a store is empty.
    if (this.#startHead > 0 && saved?.head !== this.#startHead) return undefined;
    this.#numbers = { byKind: new Map(saved?.kinds), tallies: new Map(saved?.jobs) };
    return this.#numbers;
  }

  /** What was saved last. An older save lacks the numbers about jobs. */
  #saved(): Saved | undefined {
    const text = this.#startHead === 0 ? undefined : readMeta(this.#sql, "counts");
    const saved = text === undefined ? undefined : (JSON.parse(text) as Partial<Saved>);
    return saved?.jobs === undefined ? undefined : (saved as Saved);
  }
}

interface Saved {
  head: number;
  kinds: [kind: number, count: number][];
  jobs: [key: string, count: number][];
}

/** Returns what undoes it. */
function addTo({ byKind, tallies }: Numbers, { events, tallies: changes }: Changes, now: number): () => void {
  const count = (sign: 1 | -1) => {
    for (const { kind, change } of events) add(byKind, kind, sign * change);
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
