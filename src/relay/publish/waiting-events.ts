import { DELETION_KIND, VANISH_KIND } from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import type { Connection } from "../connection.ts";
import type { Waiting } from "./signatures.ts";

/** Events written in one commit at most. */
const MAX_EVENTS = 256;

/** UTF-16 units of raw JSON from which on a batch is written: its texts are indexed in one stretch. */
const MAX_SIZE = 1 << 20;

const ERASING_KINDS: ReadonlySet<number> = new Set([DELETION_KIND, VANISH_KIND]);

/** Whether what comes after it may be blocked by it. */
export function isErasing({ kind }: Event): boolean {
  return ERASING_KINDS.has(kind);
}

/** Events that wait for their commit together: of those who ask for little first, else in the order in which they came. */
export class WaitingEvents {
  readonly #firsts: Waiting[] = [];
  readonly #others: Waiting[] = [];
  readonly #ids = new Set<string>();
  /** How many there are of each. */
  readonly #connections = new Map<Connection, number>();
  #size = 0;
  #erasures = 0;

  /** Adds one whose id does not wait. */
  add(waiting: Waiting): void {
    const { connection } = waiting;
    const count = this.#connections.get(connection) ?? 0;
    (connection.isLight && count === 0 ? this.#firsts : this.#others).push(waiting);
    this.#connections.set(connection, count + 1);
    const { event, raw } = waiting.event;
    this.#ids.add(event.id);
    this.#size += raw.length;
    if (isErasing(event)) this.#erasures++;
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
    return this.#erasures > 0;
  }

  get count(): number {
    return this.#firsts.length + this.#others.length;
  }

  /** Whether they are to be written without waiting for more. */
  get isFull(): boolean {
    return this.count >= MAX_EVENTS || this.#size >= MAX_SIZE;
  }

  /** Takes the first `count` out; all, if one of them may block what comes after it. */
  take(count: number): Waiting[] {
    const most = this.hasErasure ? this.count : count;
    const taken = this.#firsts.splice(0, most);
    taken.push(...this.#others.splice(0, most - taken.length));
    for (const waiting of taken) this.#forget(waiting);
    return taken;
  }

  #forget({ connection, event: { event, raw } }: Waiting): void {
    const left = (this.#connections.get(connection) ?? 0) - 1;
    if (left > 0) this.#connections.set(connection, left);
    else this.#connections.delete(connection);
    this.#ids.delete(event.id);
    this.#size -= raw.length;
    if (isErasing(event)) this.#erasures--;
  }
}
