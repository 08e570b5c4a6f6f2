/** Work of one turn at most, in index entries that are counted unseen: some 20 ms. */
const TURN = 80_000;

/** Work that pauses when it has done enough for one turn, so that others get theirs. */
export class Pace {
  readonly #pause: () => Promise<void>;
  #done = 0;

  /** `pause` lets other work in. */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Work that this turn still has room for, in index entries; may be negative. */
  get left(): number {
    return TURN - this.#done;
  }

  /** Takes note of work that was done. */
  spend(work: number): void {
    this.#done += work;
  }

  /** To be called before further work: pauses if this turn has none left. */
  async rest(): Promise<void> {
    if (this.left > 0) return;
    await this.#pause();
    this.#done = 0;
  }
}
