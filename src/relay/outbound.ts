/** What one socket may be sent: a burst of {@link CAPACITY}, then {@link RATE} a second. The runtime shows no queue. */
const CAPACITY = 64 * 1024 * 1024;
const RATE = 32 * 1024 * 1024;

/** Counts the characters sent to one socket per unit of time, in place of the queue that cannot be seen (R-01-10). */
export class Outbound {
  #level = 0;
  #atMs = 0;

  add(size: number): void {
    this.#level = Math.max(0, this.#levelNow()) + size;
    this.#atMs = Date.now();
  }

  /** Stored answers should wait. */
  get isCrowded(): boolean {
    return this.#levelNow() > CAPACITY / 2;
  }

  /** Live events come faster than this socket may be sent them. */
  get isOverflowing(): boolean {
    return this.#levelNow() > CAPACITY;
  }

  /** A clock that is set back does not fill the queue. */
  #levelNow(): number {
    return this.#level - (Math.max(0, Date.now() - this.#atMs) * RATE) / 1000;
  }
}
