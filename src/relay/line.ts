import type { Connection } from "./connection.ts";
import { MIN_FRAME } from "./outbound.ts";
import type { Clock } from "./ports.ts";

/** Reads of one connection that may be under way at a time: REQ, COUNT, NEG-OPEN, NEG-MSG (R-01-10). */
const MAX_READS = 8;

/** What may wait of one connection, and of all, in characters. */
const MAX_WAITING = 4 * 1024 * 1024;
const MAX_WAITING_OF_ALL = 64 * 1024 * 1024;

/** Frames that are begun in one turn. */
const AT_ONCE = 32;

/** What a frame is to the order of its connection. */
export type Turn =
  /** Answered in some turns; a few of them at a time. */
  | "read"
  /** The same, but nothing that comes later may be begun meanwhile. */
  | "alone"
  | "other";

interface Own {
  reads: number;
  alone: number;
  /** Frames that wait, in order, from `first` on. */
  frames: string[];
  first: number;
  size: number;
  isMoving: boolean;
}

/**
 * Frames that wait for work of their own connection to end, in the order of R-01-09. The runtime does not wait for a
 * handler before it delivers the next frame, so the relay does. A frame that waits is kept as text and nothing else.
 */
export class Line {
  readonly #clock: Clock;
  readonly #begin: (connection: Connection, frame: string) => void;
  readonly #own = new Map<Connection, Own>();
  #size = 0;

  /** `begin` begins with a frame that has waited. */
  constructor(clock: Clock, begin: (connection: Connection, frame: string) => void) {
    this.#clock = clock;
    this.#begin = begin;
  }

  /** Whether a frame has to wait. Only reads wait for reads, unless others wait already. */
  isBusy(connection: Connection, turn: Turn): boolean {
    const own = this.#own.get(connection);
    if (own === undefined) return false;
    return own.alone > 0 || isWaiting(own) || (turn !== "other" && own.reads >= MAX_READS);
  }

  /** Lets a frame wait until it may be begun; false if there is no room for it. */
  enter(connection: Connection, frame: string): boolean {
    const own = this.#of(connection);
    const size = sizeOf(frame);
    if (own.size + size > MAX_WAITING || this.#size + size > MAX_WAITING_OF_ALL) return false;
    own.frames.push(frame);
    own.size += size;
    this.#size += size;
    void this.#move(connection, own);
    return true;
  }

  /** Work that is under way until it ends; it must not fail. */
  hold(connection: Connection, turn: Turn, work: Promise<void>): void {
    if (turn === "other") return;
    const own = this.#of(connection);
    own.reads++;
    if (turn === "alone") own.alone++;
    void work.then(() => {
      own.reads--;
      if (turn === "alone") own.alone--;
      void this.#move(connection, own);
    });
  }

  /** The connection is gone. */
  drop(connection: Connection): void {
    const own = this.#own.get(connection);
    if (own === undefined) return;
    this.#size -= own.size;
    Object.assign(own, { frames: [], first: 0, size: 0 });
    this.#own.delete(connection);
  }

  #of(connection: Connection): Own {
    let own = this.#own.get(connection);
    if (own === undefined) {
      own = { reads: 0, alone: 0, frames: [], first: 0, size: 0, isMoving: false };
      this.#own.set(connection, own);
    }
    return own;
  }

  /** Begins with what waits, as far as it may. What arrives meanwhile joins the line. */
  async #move(connection: Connection, own: Own): Promise<void> {
    if (own.isMoving) return;
    own.isMoving = true;
    for (let count = 1; own.alone === 0 && own.reads < MAX_READS && own.first < own.frames.length; count++) {
      const frame = own.frames[own.first++] as string;
      const size = sizeOf(frame);
      own.size -= size;
      this.#size -= size;
      this.#begin(connection, frame);
      // As if each had just arrived: what can be done at once is done before the next.
      if (count % AT_ONCE === 0) await this.#clock.pause();
      else await undefined;
    }
    own.isMoving = false;
    if (own.first === own.frames.length) {
      own.frames = [];
      own.first = 0;
      if (own.reads === 0) this.#own.delete(connection);
    }
  }
}

function isWaiting(own: Own): boolean {
  return own.isMoving || own.first < own.frames.length;
}

function sizeOf(frame: string): number {
  return Math.max(frame.length, MIN_FRAME);
}
