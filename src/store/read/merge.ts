/** Something that yields items in the order of their places. */
export interface Ordered<T> {
  peek(): T | undefined;
  /** Steps over the first item. `isShared`: another source has it, too, and has stepped over it. */
  advance(isShared?: boolean): void;
}

/** What has a place in an order: negative before the other, 0 at the same. */
export interface Comparable<T> {
  compare(other: T): number;
}

/** A source, and the item that was its first when it got its place in the heap. */
interface Entry<T> {
  readonly source: Ordered<T>;
  item: T;
}

/**
 * Merges sources that are each in order into one in order, without repeating a place: a binary heap. The first item of a
 * source may go meanwhile, as events do that are erased; what comes after it is in order still.
 */
export class Merge<T extends Comparable<T>> implements Ordered<T> {
  readonly #heap: Entry<T>[] = [];

  constructor(sources: Iterable<Ordered<T>> = []) {
    for (const source of sources) this.add(source);
  }

  /** Takes a further source, before anything has been stepped over. */
  add(source: Ordered<T>): void {
    const item = source.peek();
    if (item === undefined) return;
    const heap = this.#heap;
    let i = heap.push({ source, item }) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && this.#before(i, parent); i = parent, parent = (i - 1) >> 1) {
      [heap[i], heap[parent]] = [heap[parent] as Entry<T>, heap[i] as Entry<T>];
    }
  }

  peek(): T | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      const item = first.source.peek();
      if (item === first.item || item?.compare(first.item) === 0) return item;
      this.#replace(first, item);
    }
    return undefined;
  }

  /** Steps over the first item, wherever it occurs. */
  advance(isShared = false): void {
    const passed = this.peek();
    for (let isOther = isShared; passed !== undefined && this.peek()?.compare(passed) === 0; isOther = true) {
      const first = this.#heap[0] as Entry<T>;
      first.source.advance(isOther);
      this.#replace(first, first.source.peek());
    }
  }

  /** Gives the first source its place by its new first item; without one it goes. */
  #replace(first: Entry<T>, item: T | undefined): void {
    if (item !== undefined) {
      first.item = item;
    } else {
      const last = this.#heap.pop() as Entry<T>;
      if (last !== first) this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #sink(start: number): void {
    const heap = this.#heap;
    for (let i = start; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.#before(child, least)) least = child;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least] as Entry<T>, heap[i] as Entry<T>];
      i = least;
    }
  }

  #before(a: number, b: number): boolean {
    return (this.#heap[a] as Entry<T>).item.compare((this.#heap[b] as Entry<T>).item) < 0;
  }
}
