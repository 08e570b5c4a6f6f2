import type { Reason } from "../protocol/reason.ts";
import type { Connection } from "./connection.ts";
import { MIN_FRAME } from "./outbound.ts";
import { type Turn, WORK } from "./turn.ts";
import type { Turns } from "./turns.ts";

/** Reads of one connection that may be under way at a time: REQ, COUNT, NEG-OPEN, NEG-MSG (R-01-10). */
const MAX_READS = 8;

/** What may wait of one connection, and of all, in characters. */
const MAX_WAITING = 4 * 1024 * 1024;
const MAX_WAITING_OF_ALL = 64 * 1024 * 1024;

/** Microtasks that a read is given to end before what comes after it is begun. */
const STEPS_AT_ONCE = 100;

/** A frame as it waits: as text, so that little more is held than is counted. */
export interface Frame {
  readonly text: string;
  /** What it is about, as of `subjectOf`. */
  readonly subject?: string | undefined;
  /** Why it is refused, if it is. */
  readonly refusal?: Reason;
}

interface Own {
  reads: number;
  alone: number;
  /** Frames that wait, in order. */
  frames: { frame: Frame; work: number }[];
  size: number;
  isMoving: boolean;
}

/**
 * Frames that wait for work of their own connection to end, in the order of R-01-09. The runtime does not wait for a
 * handler before it delivers the next frame, so the relay does. What has to wait for other connections too waits here.
 */
export class Line {
  readonly #turns: Turns;
  readonly #begin: (connection: Connection, frame: Frame) => Promise<void>;
  readonly #own = new Map<Connection, Own>();
  #size = 0;

  /** `begin` begins with a frame that has waited. It resolves when that is served, of a read when it is held; never fails. */
  constructor(turns: Turns, begin: (connection: Connection, frame: Frame) => Promise<void>) {
    this.#turns = turns;
    this.#begin = begin;
  }

  /**
   * Whether a frame that has arrived has to wait: for what is under way of its connection, or for the turns of others. Only
   * reads wait for reads, unless others wait already.
   */
  isBusy(connection: Connection, turn: Turn): boolean {
    const own = this.#own.get(connection);
    const isReady = own === undefined || (!isWaiting(own) && mayBegin(own, turn));
    return turn === "free" ? !isReady : !this.#turns.take(connection, WORK[turn], isReady);
  }

  /** Lets a frame wait until it may be begun; false if there is no room for it. */
  enter(connection: Connection, turn: Turn, frame: Frame): boolean {
    const own = this.#of(connection);
    own.frames.push({ frame, work: WORK[turn] });
    this.#grow(own, sizeOf(frame));
    if (this.#isTooMuch(own)) {
      if (turn === "read" || turn === "alone" || !mayBegin(own, "read")) {
        own.frames.pop();
        this.#grow(own, -sizeOf(frame));
        return false;
      }
      // What waits for others only is begun rather than refused, unless it is much work: a client can ask again.
      this.#turns.hurry(connection);
    }
    void this.#move(connection, own);
    return true;
  }

  /** Takes out what waits and is about a subject: something that came later is refused before. */
  withdraw(connection: Connection, subject: string): void {
    const own = this.#own.get(connection);
    if (own === undefined) return;
    own.frames = own.frames.filter(({ frame }) => {
      if (frame.subject === subject) this.#grow(own, -sizeOf(frame));
      return frame.subject !== subject;
    });
  }

  /** Lets frames go before all that waits of their connection. */
  enterFirst(connection: Connection, frames: readonly { turn: Turn; frame: Frame }[]): void {
    const own = this.#of(connection);
    own.frames.unshift(...frames.map(({ turn, frame }) => ({ frame, work: WORK[turn] })));
    for (const { frame } of frames) this.#grow(own, sizeOf(frame));
    void this.#move(connection, own);
  }

  /** Work that is under way until it ends; it must not fail. */
  hold(connection: Connection, turn: Turn, work: Promise<void>): void {
    if (turn === "other" || turn === "free") return;
    const own = this.#of(connection);
    own.reads++;
    if (turn === "alone") own.alone++;
    void work.then(() => {
      own.reads--;
      if (turn === "alone") own.alone--;
      void this.#move(connection, own);
    });
  }

  /** The connection is gone: what waits is not begun, if it `isLost`. */
  drop(connection: Connection, isLost: boolean): void {
    this.#turns.drop(connection);
    const own = this.#own.get(connection);
    if (own === undefined || (isWaiting(own) && !isLost)) return;
    this.#grow(own, -own.size);
    own.frames = [];
    this.#own.delete(connection);
  }

  #of(connection: Connection): Own {
    let own = this.#own.get(connection);
    if (own === undefined) {
      own = { reads: 0, alone: 0, frames: [], size: 0, isMoving: false };
      this.#own.set(connection, own);
    }
    return own;
  }

  /** Begins with what waits, as far as it may, each when it is its turn. What arrives meanwhile joins the line. */
  async #move(connection: Connection, own: Own): Promise<void> {
    if (own.isMoving) return;
    own.isMoving = true;
    for (let [first] = own.frames; first !== undefined && mayBegin(own, "read"); [first] = own.frames) {
      if (!this.#isTooMuch(own)) await this.#turns.next(connection, first.work);
      const { reads } = own;
      // As if each had just arrived: what can be done at once is done before the next.
      await this.#beginFirst(connection, own);
      for (let step = 0; step < STEPS_AT_ONCE && own.reads > reads; step++) await undefined;
    }
    own.isMoving = false;
    if (own.frames.length === 0 && own.reads === 0) this.#own.delete(connection);
  }

  #grow(own: Own, size: number): void {
    own.size += size;
    this.#size += size;
  }

  #isTooMuch(own: Own): boolean {
    return own.size > MAX_WAITING || this.#size > MAX_WAITING_OF_ALL;
  }

  /** Begins with the first of what waits; undefined if nothing does, or it may not be begun yet. */
  #beginFirst(connection: Connection, own: Own): Promise<void> | undefined {
    const [first] = own.frames;
    if (first === undefined || !mayBegin(own, "read")) return undefined;
    own.frames.shift();
    this.#grow(own, -sizeOf(first.frame));
    return this.#begin(connection, first.frame);
  }
}

/** Whether its own work lets the connection have a frame begun. */
function mayBegin(own: Own, turn: Turn): boolean {
  return own.alone === 0 && (own.reads < MAX_READS || turn === "other" || turn === "free");
}

function isWaiting(own: Own): boolean {
  return own.isMoving || own.frames.length > 0;
}

function sizeOf({ text }: Frame): number {
  return Math.max(text.length, MIN_FRAME);
}
