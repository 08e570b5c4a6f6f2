import type { Connection } from "./connection.ts";
import { Buckets } from "./limits/buckets.ts";
import type { Clock } from "./ports.ts";

/** Work that is begun in one turn for those who wait, in EVENTs. */
const SLICE = 128;

/** The same while there are others to be served, and for how long after one of them was, in milliseconds. */
const SHORT_SLICE = 16;
const SHORT_FOR_MS = 100;

/** When more frames than this have arrived since the last slice, as much is begun: first it is seen what they are. */
const FLOOD_FRAMES = 100;
const FLOOD_SLICE = 4;

/** What a connection may send and never wait for others. */
const LIGHT = { perSecond: 25, burst: 1 };

/**
 * Who is served next. A connection that asks for little is served at once. Those that ask for more share what time is
 * left: a frame of each in turn, and after some frames whoever has arrived meanwhile, so that a few that are always busy
 * do not keep the others waiting (R-01-10).
 */
export class Turns {
  readonly #clock: Clock;
  readonly #light = new Buckets(LIGHT);
  readonly #waiting: { connection: Connection; work: number; begin: () => void }[] = [];
  /** Of the slice. */
  #left = SLICE;
  #lightAtMs = 0;
  /** Frames since the last slice. */
  #arrived = 0;
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a frame that has arrived. Whether it is to be begun now, for which its connection must be `isReady`. */
  take(connection: Connection, work: number, isReady: boolean): boolean {
    const { id } = connection;
    this.#arrived++;
    const nowMs = Date.now();
    const isLight = this.#light.waitFor(id, 1, nowMs) === 0;
    connection.isLight = isLight;
    this.#light.take(id, 1, nowMs);
    if (isLight) this.#lightAtMs = nowMs;
    if (isLight && isReady && this.#isArmed) this.#left -= work;
    if (!isReady || isLight) return isReady;
    if (!this.#isRoom) return false;
    this.#spend(work);
    return true;
  }

  /** Resolves when it is the turn of a frame that was not to be begun when it arrived; one of each connection at a time. */
  next(connection: Connection, work: number): Promise<void> {
    return new Promise((begin) => {
      if (this.#isRoom) {
        this.#spend(work);
        return begin();
      }
      this.#waiting.push({ connection, work, begin });
      this.#arm();
    });
  }

  /** Makes it the turn of the frame of a connection that waits. */
  hurry(connection: Connection): void {
    const at = this.#waiting.findIndex((one) => one.connection === connection);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.begin();
  }

  /** Work that may be done in one turn without a look at who has arrived, in EVENTs. */
  get slice(): number {
    return Math.abs(Date.now() - this.#lightAtMs) < SHORT_FOR_MS ? SHORT_SLICE : SLICE;
  }

  /** The connection is gone. */
  drop({ id }: Connection): void {
    this.#light.forget(id);
  }

  get #isRoom(): boolean {
    return this.#left > 0 && this.#waiting.length === 0;
  }

  #spend(work: number): void {
    this.#left -= work;
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(0, () => this.#slice());
  }

  async #slice(): Promise<void> {
    this.#isArmed = false;
    this.#left = this.#arrived > FLOOD_FRAMES ? FLOOD_SLICE : this.slice;
    this.#arrived = 0;
    while (this.#left > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#spend(next.work);
      next.begin();
      // It begins now, and the next frame of its connection comes to the end of the queue.
      await undefined;
    }
  }
}
