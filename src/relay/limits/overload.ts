import type { Connection } from "../connection.ts";

/** What may wait of one connection, and of all, in characters. */
const MAX_WAITING = 4 * 1024 * 1024;
const MAX_WAITING_OF_ALL = 64 * 1024 * 1024;

/** What waits in the inboxes of all connections. */
export class Overload {
  /** Characters. */
  size = 0;

  /** Lets a frame wait; false if there is no room for it. */
  push(connection: Connection, text: string): boolean {
    const { inbox } = connection;
    // An empty inbox takes every frame: it does not wait, but is served next.
    const isRoom = inbox.size + text.length <= MAX_WAITING && this.size + text.length <= MAX_WAITING_OF_ALL;
    if (!isRoom && inbox.count > 0) return false;
    this.#change(connection, () => inbox.push(text));
    return true;
  }

  /** Lets frames go before all that waits of their connection. */
  enterFirst(connection: Connection, texts: readonly string[]): void {
    if (texts.length > 0) this.#change(connection, () => connection.inbox.unshift(texts));
  }

  /** The next frame of a connection; undefined if none waits. Its socket is read again once there is room. */
  take(connection: Connection): string | undefined {
    const text = this.#change(connection, () => connection.inbox.shift());
    if (connection.isPaused && connection.inbox.hasRoom) {
      connection.isPaused = false;
      connection.socket.resume();
    }
    return text;
  }

  clear(connection: Connection): void {
    this.#change(connection, () => connection.inbox.clear());
  }

  #change<T>({ inbox }: Connection, act: () => T): T {
    const before = inbox.size;
    const result = act();
    this.size += inbox.size - before;
    return result;
  }
}
