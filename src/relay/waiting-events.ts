import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import type { Connection } from "./connection.ts";
import type { Waiting } from "./signatures.ts";

/** Events written in one commit at most. */
const MAX_EVENTS = 256;

/** UTF-16 units of raw JSON from which on a batch is written: its texts are indexed in one stretch. */
const MAX_SIZE = 1 << 20;

/** What comes after one of these may be blocked by it. */
const ERASING_KINDS: ReadonlySet<number> = new Set([DELETION_KIND, VANISH_KIND]);

/** Events that wait for their commit together: of those who ask for little first, else in the order in which they came. */
export class WaitingEvents {
  readonly all: Waiting[] = [];
  /** So many of them are of those who ask for little. */
  #firsts = 0;
  readonly #ids = new Set<string>();
  readonly #connections = new Set<Connection>();
  #size = 0;
  #hasErasure = false;

  add(waiting: Waiting): void {
    const { connection } = waiting;
    const { event, raw } = waiting.event;
    const isFirst = connection.isLight && !this.#connections.has(connection);
    this.all.splice(isFirst ? this.#firsts++ : this.all.length, 0, waiting);
    this.#ids.add(event.id);
    this.#connections.add(connection);
    this.#size += raw.length;
    this.#hasErasure ||= ERASING_KINDS.has(event.kind);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Whether one of them is of the connection. */
  hasOf(connection: Connection): boolean {
    return this.#connections.has(connection);
  }

  /** Whether one of them may block what comes after it. */
  get hasErasure(): boolean {
    return this.#hasErasure;
  }

  /** Whether they are to be written without waiting for more. */
  get isFull(): boolean {
    return this.all.length >= MAX_EVENTS || this.#size >= MAX_SIZE;
  }

  /** The first `count` and the rest; all, if one of them may block what comes after it. */
  split(count: number): [WaitingEvents, WaitingEvents] {
    const rest = new WaitingEvents();
    if (this.#hasErasure || this.all.length <= count) return [this, rest];
    const first = new WaitingEvents();
    for (const [i, one] of this.all.entries()) (i < count ? first : rest).add(one);
    return [first, rest];
  }
}
