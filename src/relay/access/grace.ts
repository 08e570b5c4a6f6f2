import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Clock } from "../ports.ts";

/** What is held for one connection, and for all, in frames and characters. */
const MAX_FRAMES = 50;
const MAX_SIZE = 256 * 1024;
const MAX_SIZE_OF_ALL = 16 * 1024 * 1024;

/**
 * Frames that came before AUTH, held for a moment: some clients send them at once and never again (`AUTH_GRACE_MS`). While
 * some are held a timer is pending.
 */
export class Grace {
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #refuse: (connection: Connection, text: string) => void;
  /** Characters that are held of each. */
  readonly #sizes = new Map<Connection, number>();
  #sizeOfAll = 0;

  /** `refuse` answers a frame for which no AUTH came. */
  constructor(config: Config, clock: Clock, refuse: (connection: Connection, text: string) => void) {
    this.#config = config;
    this.#clock = clock;
    this.#refuse = refuse;
  }

  /** A connection is new. */
  begin(connection: Connection): void {
    connection.graceUntilMs = this.#clock.nowMs() + this.#config.authGraceMs;
  }

  /** Keeps a frame, which is about `subject`, until AUTH or the end of the grace; false if it is to be refused at once. */
  hold(connection: Connection, text: string, subject: string | undefined): boolean {
    if (!this.#isRoomFor(connection, text)) return false;
    if (connection.held.length === 0) {
      this.#clock.soon(connection.graceUntilMs - this.#clock.nowMs(), () => this.#end(connection));
    }
    connection.held.push({ text, subject });
    this.#grow(connection, text.length);
    return true;
  }

  /** Drops what is held about a subject that is closed, or is something else now: it would open it again. */
  withdraw(connection: Connection, subject: string | undefined): void {
    if (subject === undefined) return;
    connection.released = connection.released.filter((frame) => frame.subject !== subject);
    if (connection.held.length === 0) return;
    connection.held = connection.held.filter((frame) => {
      if (frame.subject === subject) this.#grow(connection, -frame.text.length);
      return frame.subject !== subject;
    });
  }

  #isRoomFor(connection: Connection, text: string): boolean {
    if (connection.graceUntilMs === 0) return false;
    const leftMs = connection.graceUntilMs - this.#clock.nowMs();
    // More than there can be: the clock has been set back.
    if (leftMs <= 0 || leftMs > this.#config.authGraceMs) {
      this.#end(connection);
      return false;
    }
    const size = (this.#sizes.get(connection) ?? 0) + text.length;
    return connection.held.length < MAX_FRAMES && size <= MAX_SIZE && this.#sizeOfAll + text.length <= MAX_SIZE_OF_ALL;
  }

  #grow(connection: Connection, size: number): void {
    this.#sizes.set(connection, (this.#sizes.get(connection) ?? 0) + size);
    this.#sizeOfAll += size;
  }

  /**
   * Hands out what was held, in order, after the login. Clients that do not know that it was held send it again then: for as
   * long as frames are held it is known, and takes its room.
   */
  release(connection: Connection): readonly string[] {
    const { held } = connection;
    if (held.length === 0) return [];
    connection.released = held;
    connection.held = [];
    this.#clock.soon(this.#config.authGraceMs, () => void this.take(connection));
    return held.map(({ text }) => text);
  }

  /** Whether a frame was held, has been served, and is sent once more: what it opens is open. */
  isRepeated(connection: Connection, text: string, subject: string | undefined): boolean {
    if (subject === undefined || connection.released.length === 0) return false;
    const same = connection.released.filter((frame) => frame.text === text);
    const own = same.find(({ isServed }) => isServed !== true);
    if (own !== undefined) {
      own.isServed = true;
      return false;
    }
    if (same.length === 0) this.withdraw(connection, subject);
    connection.released = connection.released.filter((frame) => frame !== same[0]);
    return same.length > 0;
  }

  /** Hands out what is held, in order, and keeps nothing. */
  take(connection: Connection): readonly string[] {
    const { held } = connection;
    this.#sizeOfAll -= this.#sizes.get(connection) ?? 0;
    this.#sizes.delete(connection);
    [connection.held, connection.released] = [[], []];
    return held.map(({ text }) => text);
  }

  /** Refuses what is held, and holds nothing more of this connection. */
  #end(connection: Connection): void {
    connection.graceUntilMs = 0;
    // After a login there is nothing to refuse.
    if (connection.held.length === 0) return;
    for (const text of this.take(connection)) this.#refuse(connection, text);
  }
}
