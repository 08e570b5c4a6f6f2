/** Something that yields items in (rank, id) order. */
export interface Ordered<T> {
  peek(): T | undefined;
  advance(): void;
}

type Placed = { rank: number; id: string };

/** Merges sources that are each in (rank, id) order into one in that order, without repeating an id: a binary heap. */
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
    while (first !== undefined && this.peek()?.id === first.id) {
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
    const left = this.#heap[a]?.peek() as T;
    const right = this.#heap[b]?.peek() as T;
    return left.rank < right.rank || (left.rank === right.rank && left.id < right.id);
  }
}
