import { DELETION_KIND, VANISH_KIND } from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import { roleOfKind } from "../../protocol/job/profile.ts";
import { COST } from "../../protocol/work.ts";
import type { Connection } from "../connection.ts";
import type { Waiting } from "./signatures.ts";

/** Work of one commit, in units, from which on it is due: some three milliseconds. */
export const MAX_WORK = 3000;

/** Events of one commit at most: more gain nothing. */
export const MAX_EVENTS = 128;

const ERASING_KINDS: ReadonlySet<number> = new Set([DELETION_KIND, VANISH_KIND]);

/** Whether what comes after it may be blocked by it. */
export function isErasing({ kind }: Event): boolean {
  return ERASING_KINDS.has(kind);
}

/** What the ledger takes for an event about a job, in units: mostly a third of it. */
const LEDGER_WORK = 100;

/** What storing an event takes, in units, without its delivery. */
export function workOf({ event: { event, raw } }: Pick<Waiting, "event">): number {
  const ledger = roleOfKind(event.kind) === undefined ? 0 : LEDGER_WORK;
  return COST.signature + (4 + event.tags.length) * COST.write + raw.length * COST.character + ledger;
}

/** Events of all connections that wait for their commit, in the order in which they came. */
export class Batch {
  #waiting: Waiting[] = [];
  readonly #ids = new Set<string>();
  readonly #connections = new Set<Connection>();
  #work = 0;
  #hasErasure = false;
  /** When the first of them came, in milliseconds. */
  sinceMs = 0;

  get count(): number {
    return this.#waiting.length;
  }

  /** Adds one whose id does not wait; `work` is what it takes, with its delivery. */
  add(waiting: Waiting, work: number, nowMs: number): void {
    if (this.#waiting.length === 0) this.sinceMs = nowMs;
    this.#waiting.push(waiting);
    this.#ids.add(waiting.event.event.id);
    this.#connections.add(waiting.connection);
    this.#work += work;
    if (isErasing(waiting.event.event)) this.#hasErasure = true;
  }

  /** Whether an event of this id waits. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Whether an event of this connection waits. */
  hasOf(connection: Connection): boolean {
    return this.#connections.has(connection);
  }

  /** Whether one of them may block what comes after it. */
  get hasErasure(): boolean {
    return this.#hasErasure;
  }

  get isFull(): boolean {
    return this.#work >= MAX_WORK || this.#waiting.length >= MAX_EVENTS;
  }

  /** Takes all of them out. */
  take(): Waiting[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#ids.clear();
    this.#connections.clear();
    this.#work = 0;
    this.#hasErasure = false;
    return taken;
  }
}
