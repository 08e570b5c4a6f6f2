import type { Event, IndexedTag } from "../protocol/event.ts";
import { canRead, type Reader } from "../protocol/visibility.ts";

/** What is asked of the store while it may change. */
export interface Watch {
  /** Whether all that is of interest and that its reader could see when this was set can still be seen. */
  isIntact: boolean;
}

/** Whether somebody has to know of a loss. */
type Interest = (event: Event, tags: readonly IndexedTag[], loss: Loss) => boolean;

/** Losses that are remembered, and how many of them are forgotten at a time. */
const MAX_LOST = 10_000;
const DROPPED = 5000;

/** Why an event is not in the store any more: a newer version has taken its place, or it was to go. */
export type Loss = "superseded" | "removed";

export interface Lost {
  id: string;
  position: number;
  loss: Loss;
}

/** Events that were removed, or hidden because their author vanished: whoever watches learns of those it could see. */
export class Losses {
  readonly #watches = new Map<Watch, { reader: Reader; interest: Interest }>();
  /** How many were removed so far. */
  #count = 0;
  /** Those that were removed last, in order. */
  readonly #last: Lost[] = [];
  /** The same by id: what {@link count} was with it. */
  readonly #countOf = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  /** An event is not in the store any more. */
  add(lost: Lost): void {
    this.#countOf.set(lost.id, ++this.#count);
    if (this.#last.push(lost) <= MAX_LOST) return;
    const kept = this.#count - this.#last.length + DROPPED;
    for (const { id } of this.#last.splice(0, DROPPED)) {
      // It may have been stored, and lost, again.
      if ((this.#countOf.get(id) ?? 0) <= kept) this.#countOf.delete(id);
    }
  }

  /** What was lost since {@link count} was what is given; undefined if that is too much. */
  since(count: number): Lost[] | undefined {
    return this.remembers(count) ? this.#last.slice(this.#last.length - (this.#count - count)) : undefined;
  }

  /** Whether all is remembered that was lost since {@link count} was what is given. */
  remembers(count: number): boolean {
    return this.#count - count <= this.#last.length;
  }

  /** Whether it was lost since {@link count} was what is given, as far as that is remembered. */
  has(id: string, count: number): boolean {
    return (this.#countOf.get(id) ?? 0) > count;
  }

  /** To be ended. */
  watch(reader: Reader, interest: Interest = () => true): Watch {
    const watch = { isIntact: true };
    this.#watches.set(watch, { reader, interest });
    return watch;
  }

  /** How many are watching. */
  get watchers(): number {
    return this.#watches.size;
  }

  end(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** Of an event that is private strangers learn nothing, not even that something went (R-05-29). */
  note(event: Event, tags: readonly IndexedTag[], loss: Loss): void {
    for (const [watch, { reader, interest }] of this.#watches) {
      if (canRead(reader, event, tags) && interest(event, tags, loss)) watch.isIntact = false;
    }
  }

  /** A request to vanish or a large deletion, which anybody may see, hides any number of events. */
  noteHiding(): void {
    for (const watch of this.#watches.keys()) watch.isIntact = false;
  }
}
