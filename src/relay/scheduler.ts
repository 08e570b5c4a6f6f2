import type { Meter } from "../protocol/work.ts";
import type { Connection } from "./connection.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Clock } from "./ports.ts";

/** Wait before the next look at connections whose socket is crowded, in milliseconds. */
const CROWDED_MS = 10;

/**
 * Who is served next. A connection is in the queue while frames of it wait or a read of it is under way, and does one step each
 * time: a frame, or a stretch of a read.
 */
export class Scheduler {
  readonly #meter: Meter;
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #queue = new FairQueue<Connection>();
  /** Their reads wait until the socket has room. */
  readonly #crowded = new Set<Connection>();
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

  /** A connection may have something to do. */
  ready(connection: Connection): void {
    if (connection.isQueued || this.#crowded.has(connection) || !hasWork(connection)) return;
    this.#queue.add(connection);
    this.#wake();
  }

  /** Counts work that is done for a connection. */
  charge(connection: Connection, units: number): void {
    this.#meter.spent += units;
    connection.virtualTime += units;
  }

  /** The connection is gone: it does nothing any more. */
  drop(connection: Connection): void {
    this.#crowded.delete(connection);
  }

  /** Takes out who is to do a step; {@link served} has to follow. Undefined if nobody can. */
  next(): Connection | undefined {
    for (;;) {
      const connection = this.#queue.next();
      const isCrowded = connection?.task !== undefined && connection.socket.isCrowded;
      this.#before = this.#meter.spent - this.#meter.prepaid;
      if (connection === undefined || !isCrowded) return connection;
      this.#wait(connection);
    }
  }

  /** The connection has done its step: what it took is counted. */
  served(connection: Connection): void {
    connection.virtualTime += this.#meter.spent - this.#meter.prepaid - this.#before;
    if (hasWork(connection)) this.#queue.add(connection);
  }

  /** The socket does not say when it has room: it is looked at again and again, as long as somebody waits. */
  #wait(connection: Connection): void {
    this.#crowded.add(connection);
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

function hasWork({ task, inbox }: Connection): boolean {
  return task !== undefined || inbox.count > 0;
}
