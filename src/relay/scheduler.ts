import type { Meter } from "../protocol/work.ts";
import { FairQueue, type Queued } from "./fair-queue.ts";
import type { Clock } from "./ports.ts";

/** Wait before the next look at connections whose socket is crowded, in milliseconds. */
const CROWDED_MS = 10;

/** Who is served: a connection, or an errand of an operator. */
export interface Served extends Queued {
  /** Whether there is a step to do. */
  readonly hasWork: boolean;
  /** Its next step waits until its socket has room. */
  readonly isCrowded: boolean;
}

/**
 * Who is served next. A connection is in the queue while frames of it wait or a read of it is under way, and does one step each
 * time: a frame, or a stretch of a read.
 */
export class Scheduler<T extends Served> {
  readonly #meter: Meter;
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #queue = new FairQueue<T>();
  /** Their reads wait until the socket has room. */
  readonly #crowded = new Set<T>();
  #isLooking = false;
  /** Work on the meter, without what is prepaid, when the step under way began. */
  #before = 0;

  constructor(meter: Meter, clock: Clock, wake: () => void) {
    this.#meter = meter;
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Whether somebody could be served now. */
  get isBusy(): boolean {
    return this.#queue.size > 0;
  }

  /** How many have something to do. */
  get size(): number {
    return this.#queue.size + this.#crowded.size;
  }

  /** It may have something to do. */
  ready(one: T): void {
    if (one.isQueued || this.#crowded.has(one) || !one.hasWork) return;
    this.#queue.add(one);
    this.#wake();
  }

  /** Counts work that is done for it. */
  charge(one: T, units: number): void {
    this.#meter.spent += units;
    one.virtualTime += units;
  }

  /** It is gone, and does nothing any more. */
  drop(one: T): void {
    this.#crowded.delete(one);
  }

  /** Takes out who is to do a step; {@link served} has to follow. Undefined if nobody can. */
  next(): T | undefined {
    for (;;) {
      const one = this.#queue.next();
      this.#before = this.#meter.spent - this.#meter.prepaid;
      if (!one?.isCrowded) return one;
      this.#wait(one);
    }
  }

  /** It has done its step: what that took is counted. */
  served(one: T): void {
    one.virtualTime += this.#meter.spent - this.#meter.prepaid - this.#before;
    if (one.hasWork) this.#queue.add(one);
  }

  /** The socket does not say when it has room: it is looked at again and again, as long as somebody waits. */
  #wait(crowded: T): void {
    this.#crowded.add(crowded);
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clock.soon(CROWDED_MS, () => {
      this.#isLooking = false;
      const waiting = [...this.#crowded];
      this.#crowded.clear();
      for (const one of waiting) this.ready(one);
    });
  }
}
