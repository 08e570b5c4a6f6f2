/** Something that is served in the order of its virtual time. */
export interface Queued {
  /** Work done for it, in units. */
  virtualTime: number;
  /** What its next step may take, in units, as far as that shows. */
  readonly nextWork: number;
  isQueued: boolean;
}

/** Head start of whoever has used less than the others, in units: it goes before all that are always busy. */
export const CREDIT = 500;

interface Entry<T> {
  readonly item: T;
  /** Its virtual time when it was entered, and what that would be after its next step. */
  readonly start: number;
  readonly time: number;
  /** Of equal times the first to come is served first. */
  readonly order: number;
}

/**
 * Fair queueing: the next is the one whose virtual time would be the least after its next step. So whoever asks for little
 * does not wait for many that ask for much, even if they have had nothing yet. Whoever comes after a silence is early, but
 * saves up nothing (R-01-10).
 */
export class FairQueue<T extends Queued> {
  /** A binary heap. */
  readonly #heap: Entry<T>[] = [];
  /** Virtual time of who was served last. */
  #now = 0;
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Enters it, unless it is in already. */
  add(item: T): void {
    if (item.isQueued) return;
    item.isQueued = true;
    item.virtualTime = Math.max(item.virtualTime, this.#now - CREDIT);
    const heap = this.#heap;
    const start = item.virtualTime;
    const entry = { item, start, time: start + item.nextWork, order: this.#order++ };
    let i = heap.push(entry) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && isBefore(entry, heap[parent] as Entry<T>); parent = (i - 1) >> 1) {
      heap[i] = heap[parent] as Entry<T>;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes out who is next. */
  next(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.#sink(last);
    first.item.isQueued = false;
    this.#now = Math.max(this.#now, first.start);
    return first.item;
  }

  /** Puts an entry in the place of the first. */
  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      const other = child + 1;
      if (other < heap.length && isBefore(heap[other] as Entry<T>, heap[child] as Entry<T>)) child = other;
      if (!isBefore(heap[child] as Entry<T>, entry)) break;
      heap[i] = heap[child] as Entry<T>;
      i = child;
    }
    heap[i] = entry;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
