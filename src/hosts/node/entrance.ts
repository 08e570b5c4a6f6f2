import type { Socket as NetSocket } from "node:net";

/** Requests and upgrades that one turn of the loop begins with; the others wait for the next. */
const OF_TURN = 32;

/** Requests of one connection that wait for their answer: who sends more ahead is no browser. */
const MAX_UNANSWERED = 8;

/**
 * Lets requests in, some in each turn: Node hands over all that 64 KiB contain at once, a thousand where they are short, and
 * all upgrades that have come since the last turn.
 */
export class Entrance {
  #waiting: (() => void)[] = [];
  #begun = 0;
  #isArmed = false;
  readonly #unanswered = new WeakMap<NetSocket, number>();

  /** Calls `begin` now or in one of the next turns, unless the connection has gone by then. */
  enter(socket: NetSocket, begin: () => void): void {
    const task = () => {
      if (!socket.destroyed) begin();
    };
    if (this.#begun < OF_TURN && this.#waiting.length === 0) {
      this.#begun++;
      task();
    } else this.#waiting.push(task);
    this.#arm();
  }

  /** A request has come; false, and the end of its connection, if too many are not answered. */
  count(socket: NetSocket): boolean {
    if (socket.destroyed) return false;
    const unanswered = (this.#unanswered.get(socket) ?? 0) + 1;
    this.#unanswered.set(socket, unanswered);
    if (unanswered <= MAX_UNANSWERED) return true;
    socket.destroy();
    stopParsing(socket);
    return false;
  }

  /** One of its requests has been answered. */
  answered(socket: NetSocket): void {
    this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1);
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      const next = this.#waiting.splice(0, OF_TURN);
      this.#begun = next.length;
      for (const task of next) task();
      if (next.length > 0) this.#arm();
    });
  }
}

/**
 * Node parses what it has read to its end, also of a connection that is gone, and then makes an error for each of these
 * requests: thousands of errors for 64 KiB, each with its stack. The parser stops where this answer says that an upgrade begins.
 */
function stopParsing(socket: NetSocket): void {
  const { parser } = socket as NetSocket & { parser?: { onIncoming: () => number } | null };
  if (parser) parser.onIncoming = () => 2;
}
