import { readMeta, writeMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** A change in the number of stored events of a kind. */
export type CountChange = readonly [kind: number, change: number];

/**
 * Stored events by kind, for statistics. Kept in memory and saved behind the writes as one row, so that neither storing
 * nor asking costs a scan. After a crash that lost the last save, the next use counts anew.
 */
export class Counts {
  readonly #sql: Sql;
  readonly #startHead: number;
  #byKind: Map<number, number> | undefined;
  /** Committed changes that came before {@link #load}. */
  #early: CountChange[] = [];
  #dirty = false;

  /** `startHead` is the store's newest position when the object started: a save made there is still right. */
  constructor(sql: Sql, startHead: number) {
    this.#sql = sql;
    this.#startHead = startHead;
  }

  /** Whether there are changes that {@link save} should write. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** Takes note of changes that have been committed. */
  apply(changes: readonly CountChange[]): void {
    if (changes.length === 0) return;
    this.#dirty = true;
    if (this.#byKind === undefined) this.#early.push(...changes);
    else addTo(this.#byKind, changes);
  }

  /** Number of stored events by kind, without kinds of which there are none. */
  byKind(): ReadonlyMap<number, number> {
    return this.#load();
  }

  /** The same, or undefined where finding out would take a scan. Reads one row at most. */
  known(): ReadonlyMap<number, number> | undefined {
    return this.#known();
  }

  /**
   * To be called at the end of a transaction that removes events and stores none: the position then does not tell that
   * an older save is out of date. Writes one row at most.
   */
  saveRemoved(head: number, changes: readonly CountChange[]): void {
    const known = this.#known();
    if (known === undefined) {
      this.#sql.all("DELETE FROM meta WHERE key = 'counts'");
      return;
    }
    const after = new Map(known);
    addTo(after, changes);
    writeCounts(this.#sql, head, after);
  }

  /** Writes one row. `head` is the store's newest position. */
  save(head: number): void {
    writeCounts(this.#sql, head, this.#load());
    this.#dirty = false;
  }

  #load(): Map<number, number> {
    const known = this.#known();
    if (known !== undefined) return known;
    const rows = this.#sql.all("SELECT kind, count(*) FROM event GROUP BY kind");
    this.#byKind = new Map(rows as [number, number][]);
    this.#early = [];
    this.#dirty = true;
    return this.#byKind;
  }

  #known(): Map<number, number> | undefined {
    if (this.#byKind !== undefined) return this.#byKind;
    const text = this.#startHead === 0 ? undefined : readMeta(this.#sql, "counts");
    const saved = text === undefined ? undefined : (JSON.parse(text) as { head: number; kinds: CountChange[] });
    // Before its first event a store is empty.
    if (this.#startHead > 0 && saved?.head !== this.#startHead) return undefined;
    this.#byKind = new Map(saved?.kinds ?? []);
    addTo(this.#byKind, this.#early);
    this.#early = [];
    return this.#byKind;
  }
}

function writeCounts(sql: Sql, head: number, byKind: ReadonlyMap<number, number>): void {
  writeMeta(sql, "counts", JSON.stringify({ head, kinds: [...byKind] }));
}

function addTo(byKind: Map<number, number>, changes: readonly CountChange[]): void {
  for (const [kind, change] of changes) {
    const count = (byKind.get(kind) ?? 0) + change;
    if (count === 0) byKind.delete(kind);
    else byKind.set(kind, count);
  }
}
