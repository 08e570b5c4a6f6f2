import type { Connection } from "./connection.ts";
import type { Frame } from "./line.ts";
import type { Clock } from "./ports.ts";

/** What is parked for one connection, and for all, in frames and characters. */
const MAX_FRAMES = 50;
const MAX_SIZE = 256 * 1024;
const MAX_SIZE_OF_ALL = 16 * 1024 * 1024;

interface Parked {
  frames: Frame[];
  size: number;
}

/**
 * Frames that came before AUTH, kept for a moment: some clients send them at once and never again (`AUTH_GRACE_MS`). In
 * memory only; while there are any, a timer is pending.
 */
export class Parking {
  readonly #clock: Clock;
  readonly #refuse: (connection: Connection, frame: Frame) => void;
  readonly #parked = new Map<Connection, Parked>();
  #sizeOfAll = 0;

  /** `refuse` answers a frame for which no AUTH came. */
  constructor(clock: Clock, refuse: (connection: Connection, frame: Frame) => void) {
    this.#clock = clock;
    this.#refuse = refuse;
  }

  /** Keeps a frame until AUTH or the end of the grace; false if it is to be refused at once. */
  park(connection: Connection, frame: Frame): boolean {
    const leftMs = connection.graceUntilMs - Date.now();
    if (leftMs <= 0) {
      this.#end(connection);
      return false;
    }
    const own = this.#parked.get(connection) ?? { frames: [], size: 0 };
    const { length } = frame.text;
    const isRoom = own.frames.length < MAX_FRAMES && own.size + length <= MAX_SIZE;
    if (!isRoom || this.#sizeOfAll + length > MAX_SIZE_OF_ALL) return false;
    if (!this.#parked.has(connection)) this.#clock.soon(leftMs, () => this.#end(connection));
    own.frames.push(frame);
    this.#grow(own, length);
    this.#parked.set(connection, own);
    return true;
  }

  /** Takes out what is parked and is about a subject: something that came later is refused before. */
  withdraw(connection: Connection, subject: string): void {
    const own = this.#parked.get(connection);
    if (own === undefined) return;
    own.frames = own.frames.filter((frame) => {
      if (frame.subject === subject) this.#grow(own, -frame.text.length);
      return frame.subject !== subject;
    });
  }

  /** Hands out what was parked, in order, and keeps nothing. */
  take(connection: Connection): readonly Frame[] {
    const own = this.#parked.get(connection);
    if (own === undefined) return [];
    this.#parked.delete(connection);
    this.#sizeOfAll -= own.size;
    return own.frames;
  }

  #grow(own: Parked, size: number): void {
    own.size += size;
    this.#sizeOfAll += size;
  }

  #end(connection: Connection): void {
    for (const frame of this.take(connection)) this.#refuse(connection, frame);
  }
}
