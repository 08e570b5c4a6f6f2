import { type Event, expirationOf } from "../protocol/event.ts";
import { StoredRow } from "./read/stored-row.ts";

/** UTF-16 units of raw JSON that are kept, and positions: some 25 MB. */
const MAX_SIZE = 16 << 20;
const MAX_POSITIONS = 32_768;

/**
 * The texts of the newest events, which are asked for most: an index says where they stand, and the row of the event, which
 * is in a page of its own somewhere, is not read. All positions above {@link floor} that are stored are here.
 */
export class Recent {
  /** By position, from that after {@link #base} on. */
  #rows: (StoredRow | undefined)[] = [];
  readonly #positions = new Map<string, number>();
  #base: number;
  #floor: number;
  #size = 0;
  /** Unix seconds by position, of those that expire. */
  readonly #expirations = new Map<number, number>();

  /** `head` is the newest position. */
  constructor(head: number) {
    this.#base = head;
    this.#floor = head;
  }

  /** The newest position that is not kept. */
  get floor(): number {
    return this.#floor;
  }

  /** To be called in the order of positions, when they have been committed. */
  add(position: number, event: Event, raw: string): void {
    while (this.#base + this.#rows.length + 1 < position) this.#rows.push(undefined);
    this.#rows.push(new StoredRow(raw));
    this.#positions.set(event.id, position);
    this.#size += raw.length;
    const expiration = expirationOf(event);
    if (expiration !== undefined) this.#expirations.set(position, expiration);
    while (this.#size > MAX_SIZE || position - this.#floor > MAX_POSITIONS) this.remove(++this.#floor);
    this.#compact();
  }

  /** It has been removed from the store. */
  remove(position: number): void {
    const at = position - this.#base - 1;
    const row = this.#rows[at];
    if (row === undefined) return;
    this.#rows[at] = undefined;
    this.#size -= row.raw.length;
    this.#positions.delete(row.id);
    this.#expirations.delete(position);
  }

  /** The event at a position above the floor; undefined if it has expired or is gone. */
  get(position: number, now: number): StoredRow | undefined {
    const expiration = this.#expirations.size > 0 ? this.#expirations.get(position) : undefined;
    return expiration !== undefined && expiration <= now ? undefined : this.#rows[position - this.#base - 1];
  }

  /** Where an event is; undefined if it is not kept. */
  positionOf(id: string): number | undefined {
    return this.#positions.get(id);
  }

  /** Gives back the room of what is below the floor, once that is most. */
  #compact(): void {
    const below = this.#floor - this.#base;
    if (below <= MAX_POSITIONS) return;
    this.#rows = this.#rows.slice(below);
    this.#base = this.#floor;
  }
}
