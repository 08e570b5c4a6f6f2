const SECONDS = 60;
const MAX_IDS = 10_000;

/** Ids of ephemeral events that were passed on in the last minute (R-04-10); the oldest give way to newer ones. */
export class RecentIds {
  readonly #seen = new Map<string, number>();

  has(id: string, now: number): boolean {
    const at = this.#seen.get(id);
    return at !== undefined && now - at < SECONDS;
  }

  add(id: string, now: number): void {
    for (const [oldest, at] of this.#seen) {
      if (this.#seen.size < MAX_IDS && now - at < SECONDS) break;
      this.#seen.delete(oldest);
    }
    this.#seen.set(id, now);
  }
}
