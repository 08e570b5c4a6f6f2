import type { Connection } from "./connection.ts";
import type { Clock } from "./ports.ts";

/** What all sockets together may have been sent without a sign of life, in characters. */
const MAX_UNHEARD_OF_ALL = 1024 * 1024 * 1024;
/** Who was sent less than this is not cut off for the sake of the others. */
const MIN_UNHEARD = 16 * 1024 * 1024;
/** Beyond, laggards are looked for after this long, in milliseconds: whoever was cut off and reads is gone by the next look. */
const LOOK_MS = 1000;

/** Wait before the next look at a crowded socket, and for a sign of life, in milliseconds. Clients ping every 30 s. */
const CROWDED_MS = 50;
const SILENT_MS = 45_000;

const TOO_SLOW = "error: too slow to receive what was asked for";
const TOO_MANY = "auth-required: too many messages without a login";

/** Cuts off connections that do not read: each by its own count, and the worst of them when all together are too much. */
export class Laggards {
  readonly #clock: Clock;
  readonly #connections: () => Iterable<Connection>;
  readonly #release: (connection: Connection) => void;
  #unheard = 0;
  #isLooking = false;

  /** `release` frees what the relay keeps for a connection that is cut off. */
  constructor(clock: Clock, connections: () => Iterable<Connection>, release: (connection: Connection) => void) {
    this.#clock = clock;
    this.#connections = connections;
    this.#release = release;
  }

  /** Counts what one socket has been sent, or was heard of. */
  count(change: number): void {
    this.#unheard += change;
    if (this.#unheard > MAX_UNHEARD_OF_ALL && !this.#isLooking) this.#look();
  }

  /**
   * Ends a connection that does not read what it is sent, after a NOTICE. The runtime keeps its socket, and what is queued
   * there, until the client is gone; so long it counts.
   */
  cutOff(connection: Connection): void {
    if (connection.isClosed) return;
    connection.close(1008, connection.outbound.isStranger ? TOO_MANY : TOO_SLOW);
    this.#release(connection);
  }

  /** Waits until a stored answer may go on; false if it is over instead. */
  async untilRoom(connection: Connection, isOver: () => boolean): Promise<boolean> {
    let silentMs = 0;
    while (!isOver()) {
      if (!connection.outbound.isCrowded) return true;
      if (connection.outbound.isUnheard) silentMs += CROWDED_MS;
      if (silentMs > SILENT_MS) this.cutOff(connection);
      if (connection.isClosed) return false;
      await this.#clock.pause(CROWDED_MS);
    }
    return false;
  }

  #look(): void {
    this.#isLooking = true;
    this.#clock.soon(LOOK_MS, () => {
      this.#isLooking = false;
      const open: Connection[] = [];
      for (const connection of this.#connections()) {
        if (connection.isClosed) continue;
        connection.outbound.listen();
        open.push(connection);
      }
      let excess = this.#unheard - MAX_UNHEARD_OF_ALL;
      for (const connection of open.sort((a, b) => b.outbound.unheard - a.outbound.unheard)) {
        const { unheard } = connection.outbound;
        if (excess <= 0 || unheard < MIN_UNHEARD) return;
        this.cutOff(connection);
        excess -= unheard;
      }
    });
  }
}
