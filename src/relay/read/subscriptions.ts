import type { Filter } from "../../protocol/filter.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";
import type { Clock, SubscriptionRows } from "../ports.ts";
import { Subscription } from "./subscription.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** A subscription gets its row when it is this old, in milliseconds, or half as much again; R-06-20 allows 2,000. */
const WRITE_BEHIND_MS = 1000;

/**
 * A write that fails is tried again after this wait, then after twice as long, up to the last: half a minute in all. Then
 * the next REQ begins anew, because a pending timer keeps the object in memory.
 */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 16_000;

/** Values in the filters of the subscriptions of one connection, some 15 MB, and of all, some 220 MB. */
const MAX_VALUES = 65_536;
const MAX_VALUES_OF_ALL = 1_000_000;

/** All open subscriptions: in memory at once, in the store behind. */
export class Subscriptions {
  readonly index = new SubscriptionIndex();
  readonly #rows: SubscriptionRows;
  readonly #clock: Clock;
  readonly #unwritten = new Set<Subscription>();
  /** Keys of rows that could not be deleted; after an eviction they would bring back what has ended. */
  readonly #undeleted = new Set<string>();
  /** In the filters of all. */
  #values = 0;
  #isArmed = false;
  /** Wait after the next write that fails. */
  #retryMs = FIRST_RETRY_MS;

  constructor(rows: SubscriptionRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /** Why there is no room for a subscription with so many values; one of the same id would make room for it. */
  refuse(connection: Connection, id: string, values: number): Reason | undefined {
    const more = values - (connection.subscriptions.get(id)?.values ?? 0);
    if (connection.filterValues + more > MAX_VALUES) {
      return `rate-limited: more than ${MAX_VALUES} values in the filters of open subscriptions, close some first`;
    }
    if (more <= 0 || this.#values + more <= MAX_VALUES_OF_ALL) return undefined;
    return "rate-limited: there are too many values in the filters of all subscriptions of this relay, try again later";
  }

  /** Registers a subscription; an older one of the same id is replaced without a word (R-03-24). */
  open(connection: Connection, id: string, filters: readonly Filter[], source: unknown[]): Subscription {
    const subscription = new Subscription(connection, id, filters, source);
    const old = connection.subscriptions.get(id);
    if (old !== undefined) this.#forget(old);
    this.#add(subscription);
    this.#unwritten.add(subscription);
    try {
      this.keep(connection);
    } catch (error) {
      this.#release(subscription);
      throw error;
    }
    this.#arm(WRITE_BEHIND_MS);
    return subscription;
  }

  /** CLOSE, or the end of a subscription that was never open: ends it and deletes its row. */
  close(connection: Connection, id: string): void {
    const subscription = connection.subscriptions.get(id);
    if (subscription === undefined) return;
    const wasWritten = subscription.isWritten;
    this.#forget(subscription);
    if (!wasWritten) this.keep(connection);
  }

  /** Ends a subscription on the relay's side, also if its row cannot be deleted now. */
  end(subscription: Subscription, reason: Reason): void {
    if (subscription.isClosed) return;
    try {
      this.close(subscription.connection, subscription.id);
    } catch {
      // The row is deleted later; only that is left to do.
    }
    subscription.connection.send(["CLOSED", subscription.id, reason]);
  }

  /** The connection is gone: so are its subscriptions and their rows (R-06-19). */
  drop(connection: Connection): void {
    const written: string[] = [];
    for (const subscription of connection.subscriptions.values()) {
      if (subscription.isWritten) written.push(subscription.key);
      this.#release(subscription);
    }
    this.#delete(written);
  }

  /** Puts back a subscription found in the store or in the attachment after the object was away. */
  restore(connection: Connection, id: string, filters: readonly Filter[], source: unknown[], isWritten: boolean): void {
    const old = connection.subscriptions.get(id);
    if (old !== undefined) this.#release(old);
    const subscription = new Subscription(connection, id, filters, source);
    subscription.goLive((live) => live);
    subscription.isWritten = isWritten;
    this.#add(subscription);
    if (!isWritten) {
      this.#unwritten.add(subscription);
      this.#arm(WRITE_BEHIND_MS);
    }
  }

  /** Saves the attachment. It names what has no row yet; where there is no more room for that, rows are written now. */
  keep(connection: Connection): void {
    if (!connection.save()) this.write();
  }

  /** Writes the rows of `waiting` in one transaction and takes them out of the attachments. */
  write(waiting: readonly Subscription[] = [...this.#unwritten]): void {
    if (waiting.length === 0) return;
    this.#rows.put(waiting.map((subscription) => [subscription.key, subscription.source] as const));
    for (const subscription of waiting) {
      this.#undeleted.delete(subscription.key);
      subscription.isWritten = true;
      this.#unwritten.delete(subscription);
    }
    for (const connection of new Set(waiting.map((subscription) => subscription.connection))) connection.save();
  }

  #forget(subscription: Subscription): void {
    this.#release(subscription);
    if (subscription.isWritten) this.#delete([subscription.key]);
  }

  #delete(keys: string[]): void {
    if (keys.length === 0) return;
    try {
      this.#rows.delete(keys);
    } catch (error) {
      for (const key of keys) this.#undeleted.add(key);
      this.#arm(FIRST_RETRY_MS);
      throw error;
    }
  }

  #add(subscription: Subscription): void {
    const { connection, id, values } = subscription;
    connection.subscriptions.set(id, subscription);
    connection.filterValues += values;
    this.#values += values;
    this.index.add(subscription);
  }

  #release(subscription: Subscription): void {
    if (subscription.isClosed) return;
    subscription.isClosed = true;
    const { connection, id, values } = subscription;
    connection.subscriptions.delete(id);
    connection.filterValues -= values;
    this.#values -= values;
    this.#unwritten.delete(subscription);
    this.index.remove(subscription);
  }

  /** A timer is pending while a row is missing, or left over, so that hibernation cannot come first (R-06-20). */
  #arm(delayMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(delayMs, () => {
      this.#isArmed = false;
      const nextMs = this.#writeDue();
      if (this.#unwritten.size > 0 || this.#undeleted.size > 0) this.#arm(nextMs);
    });
  }

  /** Writes the rows that are due; returns the wait until the next look. Throws once it has failed for too long. */
  #writeDue(): number {
    const now = Date.now();
    // One that was opened later than now: the clock has been set back.
    const isDue = ({ openedAtMs }: Subscription) => now - openedAtMs >= WRITE_BEHIND_MS || now < openedAtMs;
    try {
      if (this.#undeleted.size > 0) this.#rows.delete([...this.#undeleted]);
      this.#undeleted.clear();
      this.write([...this.#unwritten].filter(isDue));
      this.#retryMs = FIRST_RETRY_MS;
      return WRITE_BEHIND_MS / 2;
    } catch (error) {
      // The attachments still have what they can hold.
      const waitMs = this.#retryMs;
      this.#retryMs = waitMs > LAST_RETRY_MS ? FIRST_RETRY_MS : waitMs * 2;
      if (waitMs > LAST_RETRY_MS) throw error;
      return waitMs;
    }
  }
}
