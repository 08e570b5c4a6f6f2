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

  /**
   * To be called in a transaction that removes events and stores none: the position then does not tell that a save is
   * out of date. Writes one row at most.
   */
  invalidate(): void {
    this.#sql.all("DELETE FROM meta WHERE key = 'counts'");
  }

  /** Writes one row. `head` is the store's newest position. */
  save(head: number): void {
    const kinds = [...this.#load()];
    writeMeta(this.#sql, "counts", JSON.stringify({ head, kinds }));
    this.#dirty = false;
  }

  #load(): Map<number, number> {
    if (this.#byKind !== undefined) return this.#byKind;
    const text = readMeta(this.#sql, "counts");
    const saved = text === undefined ? undefined : (JSON.parse(text) as { head: number; kinds: CountChange[] });
    if (saved?.head === this.#startHead) {
      this.#byKind = new Map(saved.kinds);
      addTo(this.#byKind, this.#early);
    } else {
      const rows = this.#sql.all("SELECT kind, count(*) FROM event GROUP BY kind");
      this.#byKind = new Map(rows as [number, number][]);
      this.#dirty = true;
    }
    this.#early = [];
    return this.#byKind;
  }
}

function addTo(byKind: Map<number, number>, changes: readonly CountChange[]): void {
  for (const [kind, change] of changes) {
    const count = (byKind.get(kind) ?? 0) + change;
    if (count === 0) byKind.delete(kind);
    else byKind.set(kind, count);
  }
}
