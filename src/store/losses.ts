import type { Event, IndexedTag } from "../protocol/event.ts";
import { canRead, type Reader } from "../protocol/visibility.ts";

/** What is asked of the store while it may change. */
export interface Watch {
  /** Whether all that its reader could see when this was set can still be seen. */
  isIntact: boolean;
}

/** Ids of removed events that are kept, and how many are dropped at a time. */
const MAX_IDS = 10_000;
const DROPPED = 5000;

/** Events that were removed, or hidden because their author vanished: whoever watches learns of those it could see. */
export class Losses {
  readonly #watches = new Map<Watch, Reader>();
  /** How many were removed so far. */
  #count = 0;
  /** Of those that were removed last, in order. */
  readonly #ids: string[] = [];

  get count(): number {
    return this.#count;
  }

  /** An event of this id has been removed for good. */
  add(id: string): void {
    this.#count++;
    if (this.#ids.push(id) > MAX_IDS) this.#ids.splice(0, DROPPED);
  }

  /** Ids of all that were removed when {@link count} was what is given, and later; undefined if they are too many. */
  since(count: number): ReadonlySet<string> | undefined {
    const removed = this.#count - count;
    return removed > this.#ids.length ? undefined : new Set(this.#ids.slice(this.#ids.length - removed));
  }

  /** To be ended. */
  watch(reader: Reader): Watch {
    const watch = { isIntact: true };
    this.#watches.set(watch, reader);
    return watch;
  }

  end(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** Of an event that is private strangers learn nothing, not even that something went (R-05-29). */
  note(event: Event, tags: readonly IndexedTag[]): void {
    for (const [watch, reader] of this.#watches) if (canRead(reader, event, tags)) watch.isIntact = false;
  }

  /** A request to vanish, which anybody may see, hides any number of events. */
  noteVanishing(): void {
    for (const watch of this.#watches.keys()) watch.isIntact = false;
  }
}
