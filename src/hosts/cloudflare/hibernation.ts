import { COST, type Meter } from "../../protocol/work.ts";
import type { Connection } from "../../relay/connection.ts";
import type { Clock, Logger, Survival } from "../../relay/ports.ts";
import type { Subscription } from "../../relay/read/subscription.ts";
import { type Attachment, attachmentOf, bareSizeOf, MAX_ATTACHMENT, sizeOf } from "./attachment.ts";

/** What the keys of all rows begin with (R-06-18). */
export const ROW_PREFIX = "sub:";

/** A subscription gets its row at the second tick that it sees, in milliseconds from tick to tick; R-06-20 allows 2,000. */
const TICK_MS = 700;

/** Rows written in one turn at most, and characters of their filters beyond which no further one is. */
const MAX_ROWS = 100;
const MAX_ROW_CHARACTERS = 500_000;

/**
 * A write that fails is tried again after this wait, then after twice as long, up to the last: half a minute in all. Then
 * the next REQ begins anew, because a pending timer keeps the object in memory.
 */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 16_000;

/** Bytes that an attachment needs for a subscription besides its id. */
const NAMED_ALONE = 8;

/** The part of the object's storage that holds the rows. */
export type Rows = Pick<DurableObjectStorage, "kv" | "transactionSync">;

/** The sockets, as far as attachments go. */
export interface Attachable {
  /** Whether the connection is served: it has a socket, and the relay has not closed it. */
  isServed(connection: Connection): boolean;
  /** Keeps the attachment with the socket of a connection that is served. Throws if the platform does. */
  attach(connection: Connection, attachment: Attachment): void;
}

/** A subscription that has no row. */
interface Unwritten {
  /** Ticks before it was opened: clocks may be set back, and stand still while the runtime is late. */
  readonly ticks: number;
  /** What it takes in an attachment with its filters, and without, in bytes. */
  readonly whole: number;
  readonly named: number;
}

/**
 * Lets connections and subscriptions outlive the memory of the object. Connections are kept in the attachments of their
 * sockets. Subscriptions are kept there at first and get a row of their own later: most are closed before (R-06-20).
 */
export class Hibernation implements Survival {
  readonly #rows: Rows;
  readonly #clock: Pick<Clock, "soon">;
  readonly #sockets: Attachable;
  readonly #meter: Meter;
  readonly #report: Logger;
  /** Subscriptions without a row, in the order in which they were opened. */
  readonly #unwritten = new Map<Connection, Map<Subscription, Unwritten>>();
  /** Those that have one, and its bytes. */
  readonly #written = new Map<Subscription, number>();
  #rowBytes = 0;
  /** Keys of rows that could not be deleted; after an eviction they would bring back what has ended. */
  readonly #undeleted = new Set<string>();
  /** Connections whose attachment still names what has ended. */
  readonly #stale = new Set<Connection>();
  #ticks = 0;
  #isArmed = false;
  /** Wait after the next write that fails. */
  #retryMs = FIRST_RETRY_MS;

  constructor(rows: Rows, clock: Pick<Clock, "soon">, sockets: Attachable, meter: Meter, report: Logger) {
    this.#rows = rows;
    this.#clock = clock;
    this.#sockets = sockets;
    this.#meter = meter;
    this.#report = report;
  }

  /** What the rows of open subscriptions take of the storage, in bytes: they are not counted as stored (R-06-20). */
  get rowBytes(): number {
    return this.#rowBytes;
  }

  /** Writes the attachment anew. Where it has no room for the names of all that has no row yet, rows are written now. */
  keep(connection: Connection): void {
    while (!this.#save(connection)) this.#write(firstOf(this.#unwritten.get(connection) ?? new Map()));
  }

  opened(subscription: Subscription): void {
    this.#add(subscription);
    try {
      this.keep(subscription.connection);
    } catch (error) {
      this.#remove(subscription);
      throw error;
    }
    this.#arm(TICK_MS);
  }

  closed(subscription: Subscription): void {
    const { connection } = subscription;
    const key = keyOf(subscription);
    try {
      if (this.#unwrite(subscription)) {
        this.#undeleted.add(key);
        this.#delete([key]);
      } else if (this.#remove(subscription)) {
        this.#stale.add(connection);
        this.keep(connection);
      }
    } catch (error) {
      this.#report("subscription not removed", { key, error: String(error) });
      this.#arm(FIRST_RETRY_MS);
    }
  }

  /** A subscription was found after the object was away: in the store, or `unwritten` in an attachment. */
  restored(subscription: Subscription, isWritten: boolean): void {
    if (isWritten) return this.#wrote(subscription);
    this.#add(subscription);
    this.#arm(TICK_MS);
  }

  #add(subscription: Subscription): void {
    const { connection, id, source } = subscription;
    const ofConnection = this.#unwritten.get(connection) ?? new Map<Subscription, Unwritten>();
    const named = sizeOf(id) + NAMED_ALONE;
    ofConnection.set(subscription, { ticks: this.#ticks, whole: named + sizeOf(source), named });
    this.#unwritten.set(connection, ofConnection);
  }

  #wrote(subscription: Subscription): void {
    const bytes = keyOf(subscription).length + sizeOf(subscription.source);
    this.#written.set(subscription, bytes);
    this.#rowBytes += bytes;
  }

  /** Whether it had a row. */
  #unwrite(subscription: Subscription): boolean {
    this.#rowBytes -= this.#written.get(subscription) ?? 0;
    return this.#written.delete(subscription);
  }

  /** Whether it was there. */
  #remove(subscription: Subscription): boolean {
    const { connection } = subscription;
    const ofConnection = this.#unwritten.get(connection);
    const wasThere = ofConnection?.delete(subscription) ?? false;
    if (ofConnection?.size === 0) this.#unwritten.delete(connection);
    return wasThere;
  }

  /**
   * Saves the attachment. Small filters of unwritten subscriptions travel in it, large ones are named only. Returns false,
   * and saves nothing, if there is no room even for the names.
   */
  #save(connection: Connection): boolean {
    if (!this.#sockets.isServed(connection)) {
      this.#stale.delete(connection);
      return true;
    }
    const attachment = attachmentOf(connection);
    let room = MAX_ATTACHMENT - bareSizeOf(attachment);
    for (const [{ id, source }, { whole, named }] of this.#unwritten.get(connection) ?? []) {
      const fits = whole <= room;
      room -= fits ? whole : named;
      if (room < 0) return false;
      attachment.unwritten.push([id, fits ? source : null]);
    }
    this.#meter.spent += COST.statement;
    this.#sockets.attach(connection, attachment);
    this.#stale.delete(connection);
    return true;
  }

  /** Writes the rows of these subscriptions in one transaction and takes them out of the attachments. */
  #write(rows: readonly Subscription[]): void {
    if (rows.length === 0) return;
    this.#meter.spent += rows.length * COST.write;
    this.#rows.transactionSync(() => {
      for (const subscription of rows) this.#rows.kv.put(keyOf(subscription), subscription.source);
    });
    for (const subscription of rows) {
      this.#undeleted.delete(keyOf(subscription));
      this.#wrote(subscription);
      this.#remove(subscription);
    }
    // Until it is saved, its attachment would bring back those that are closed meanwhile.
    const connections = new Set(rows.map((subscription) => subscription.connection));
    for (const connection of connections) this.#stale.add(connection);
    try {
      for (const connection of connections) this.#save(connection);
    } catch (error) {
      this.#arm(FIRST_RETRY_MS);
      throw error;
    }
  }

  #delete(keys: readonly string[]): void {
    if (keys.length === 0) return;
    this.#meter.spent += keys.length * COST.write;
    this.#rows.transactionSync(() => {
      for (const key of keys) this.#rows.kv.delete(key);
    });
    for (const key of keys) this.#undeleted.delete(key);
  }

  /** A timer is pending while a row is missing, or left over, so that hibernation cannot come first (R-06-20). */
  #arm(delayMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(delayMs, () => {
      this.#isArmed = false;
      const nextMs = this.#catchUp();
      if (this.#unwritten.size > 0 || this.#undeleted.size > 0 || this.#stale.size > 0) this.#arm(nextMs);
    });
  }

  /** Does a part of what is due; returns the wait until the next, in milliseconds. Throws once it has failed for too long. */
  #catchUp(): number {
    try {
      for (const connection of [...this.#stale]) this.keep(connection);
      this.#delete([...this.#undeleted].slice(0, MAX_ROWS));
      const rows = firstOf(this.#ripe());
      this.#write(rows);
      this.#retryMs = FIRST_RETRY_MS;
      if (this.#undeleted.size > 0 || rows.length > 0) return 0;
      this.#ticks++;
      return TICK_MS;
    } catch (error) {
      // The attachments still have what they can hold.
      const waitMs = this.#retryMs;
      this.#retryMs = waitMs > LAST_RETRY_MS ? FIRST_RETRY_MS : waitMs * 2;
      if (waitMs > LAST_RETRY_MS) throw error;
      return waitMs;
    }
  }

  /** Those that have seen a tick before this one. */
  *#ripe(): Iterable<[Subscription, Unwritten]> {
    for (const ofConnection of this.#unwritten.values()) {
      for (const entry of ofConnection) if (entry[1].ticks < this.#ticks) yield entry;
    }
  }
}

/** As many of them as are written in one turn. */
function firstOf(waiting: Iterable<[Subscription, Unwritten]>): Subscription[] {
  const rows: Subscription[] = [];
  let characters = 0;
  for (const [subscription, { whole }] of waiting) {
    rows.push(subscription);
    characters += whole;
    if (rows.length >= MAX_ROWS || characters >= MAX_ROW_CHARACTERS) break;
  }
  return rows;
}

/** Key of its row (R-06-18). */
function keyOf({ connection, id }: Subscription): string {
  return `${ROW_PREFIX}${connection.id}:${id}`;
}
