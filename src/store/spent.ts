import type { AccessStore } from "./access-store.ts";

const LIST = "spent";

/** Entries that one call forgets at most: a row each. */
const FORGOTTEN_AT_ONCE = 100;

/** What is known of one entry. */
interface Entry {
  readonly until: number;
  /** Public key; unknown of entries that an old version made. */
  readonly by: string | undefined;
}

/**
 * Signatures that were used once and must not be used again while they would be valid, on the list `spent`: counted by key
 * and kept by their time, so that nothing walks over all of them.
 */
export class Spent {
  readonly #lists: AccessStore;
  readonly #byTime = new Map<number, Set<string>>();
  readonly #byKey = new Map<string, number>();

  /** Reads the list. */
  constructor(lists: AccessStore) {
    this.#lists = lists;
    for (const [signature, detail] of lists.entries(LIST)) this.#note(signature, parse(detail));
  }

  get size(): number {
    return this.#lists.size(LIST);
  }

  has(signature: string): boolean {
    return this.#lists.has(LIST, signature);
  }

  /** Entries of a key. */
  countOf(pubkey: string): number {
    return this.#byKey.get(pubkey) ?? 0;
  }

  /** Adds a signature that is valid until a time, in Unix seconds; false if the list is full. Writes one row. */
  add(signature: string, until: number, by: string): boolean {
    if (this.has(signature)) return true;
    if (!this.#lists.put(LIST, signature, `${until} ${by}`)) return false;
    this.#note(signature, { until, by });
    return true;
  }

  /** Forgets some of what is not valid any longer at `now`, in Unix seconds: one row for each. */
  forget(now: number): void {
    let left = FORGOTTEN_AT_ONCE;
    for (const [until, signatures] of this.#byTime) {
      if (until >= now) continue;
      for (const signature of signatures) {
        if (left-- === 0) return;
        const { by } = parse(this.#lists.get(LIST, signature) ?? "");
        this.#lists.remove(LIST, signature);
        signatures.delete(signature);
        if (by !== undefined) this.#byKey.set(by, this.countOf(by) - 1);
        if (by !== undefined && this.countOf(by) <= 0) this.#byKey.delete(by);
      }
      this.#byTime.delete(until);
    }
  }

  #note(signature: string, { until, by }: Entry): void {
    const known = this.#byTime.get(until);
    if (known === undefined) this.#byTime.set(until, new Set([signature]));
    else known.add(signature);
    if (by !== undefined) this.#byKey.set(by, this.countOf(by) + 1);
  }
}

function parse(detail: string): Entry {
  const [until, by] = detail.split(" ");
  return { until: Number(until), by };
}
