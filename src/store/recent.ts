import { type Event, expirationOf } from "../protocol/event.ts";

/** UTF-16 units of raw JSON that are kept, and events: some 20 MB. */
const MAX_SIZE = 16 << 20;
const MAX_EVENTS = 32_768;

interface Kept {
  readonly raw: string;
  /** Unix seconds; undefined if it does not expire. */
  readonly expiration: number | undefined;
}

/**
 * The texts of the newest events, which are asked for most: an index says where they stand, and the row of the event, which
 * is in a page of its own somewhere, is not read. All positions above {@link floor} that are stored are here.
 */
export class Recent {
  readonly #kept = new Map<number, Kept>();
  #size = 0;
  #floor: number;

  /** `head` is the newest position. */
  constructor(head: number) {
    this.#floor = head;
  }

  /** The newest position that is not kept. */
  get floor(): number {
    return this.#floor;
  }

  /** To be called in the order of positions, when they have been committed. */
  add(position: number, event: Event, raw: string): void {
    this.#kept.set(position, { raw, expiration: expirationOf(event) });
    this.#size += raw.length;
    for (const [oldest, { raw }] of this.#kept) {
      if (this.#size <= MAX_SIZE && this.#kept.size <= MAX_EVENTS) break;
      this.#kept.delete(oldest);
      this.#size -= raw.length;
      this.#floor = oldest;
    }
  }

  /** It has been removed from the store. */
  remove(position: number): void {
    this.#size -= this.#kept.get(position)?.raw.length ?? 0;
    this.#kept.delete(position);
  }

  /** The text at a position above the floor; undefined if it has expired or is gone. */
  get(position: number, now: number): string | undefined {
    const kept = this.#kept.get(position);
    return kept === undefined || (kept.expiration !== undefined && kept.expiration <= now) ? undefined : kept.raw;
  }
}
