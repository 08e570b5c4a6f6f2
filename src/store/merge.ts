import type { Steps } from "./steps.ts";

/** Something that yields items in the order of their places. */
export interface Ordered<T> {
  peek(): T | undefined;
  advance(): void;
}

type Placed = { place: string };

/** Merges sources that are each in order into one in order, without repeating a place: a binary heap. */
export class Merge<T extends Placed> implements Ordered<T> {
  readonly #heap: Ordered<T>[] = [];

  constructor(sources: Iterable<Ordered<T>>) {
    for (const source of sources) if (source.peek() !== undefined) this.#heap.push(source);
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  peek(): T | undefined {
    return this.#heap[0]?.peek();
  }

  /** Steps over the first item, wherever it occurs. */
  advance(): void {
    const first = this.peek();
    while (first !== undefined && this.peek()?.place === first.place) {
      const source = this.#heap[0] as Ordered<T>;
      source.advance();
      if (source.peek() === undefined) {
        const last = this.#heap.pop() as Ordered<T>;
        if (this.#heap.length === 0) return;
        if (last !== source) this.#heap[0] = last;
      }
      this.#sink(0);
    }
  }

  #sink(start: number): void {
    const heap = this.#heap;
    for (let i = start; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.#before(child, least)) least = child;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least] as Ordered<T>, heap[i] as Ordered<T>];
      i = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a]?.peek(), this.#heap[b]?.peek()] as [T, T];
    return left.place < right.place;
  }
}

/** A merge of sources whose first items take a statement each. */
export function* mergeOpened<T extends Placed>(sources: readonly Ordered<T>[]): Steps<Ordered<T>> {
  for (const source of sources) {
    source.peek();
    yield;
  }
  const [only] = sources;
  return sources.length === 1 && only !== undefined ? only : new Merge(sources);
}
