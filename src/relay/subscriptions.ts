import type { Filter } from "../protocol/filter.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Connection } from "./connection.ts";
import type { Clock, SubscriptionRows } from "./ports.ts";
import { Subscription } from "./subscription.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** How long a subscription may wait for its row, in milliseconds; R-06-20 allows 2,000. */
const WRITE_BEHIND_MS = 1000;

/** All open subscriptions: in memory at once, in the store behind. */
export class Subscriptions {
  readonly index = new SubscriptionIndex();
  readonly #rows: SubscriptionRows;
  readonly #clock: Clock;
  readonly #unwritten = new Set<Subscription>();
  #isArmed = false;

  constructor(rows: SubscriptionRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /** Registers a subscription; an older one of the same id is replaced without a word (R-03-24). */
  open(connection: Connection, id: string, filters: readonly Filter[], source: unknown[]): Subscription {
    const subscription = new Subscription(connection, id, filters, source);
    const old = connection.subscriptions.get(id);
    if (old !== undefined) this.#forget(old);
    connection.subscriptions.set(id, subscription);
    this.index.add(subscription);
    this.#unwritten.add(subscription);
    this.keep(connection);
    this.#arm();
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

  /** Ends a subscription on the relay's side. */
  end(subscription: Subscription, reason: Reason): void {
    if (subscription.isClosed) return;
    this.close(subscription.connection, subscription.id);
    subscription.connection.send(["CLOSED", subscription.id, reason]);
  }

  /** The connection is gone: so are its subscriptions and their rows (R-06-19). */
  drop(connection: Connection): void {
    const written: string[] = [];
    for (const subscription of connection.subscriptions.values()) {
      if (subscription.isWritten) written.push(subscription.key);
      this.#release(subscription);
    }
    if (written.length > 0) this.#rows.delete(written);
  }

  /** Puts back a subscription found in the store or in the attachment after the object was away. */
  restore(connection: Connection, id: string, filters: readonly Filter[], source: unknown[], isWritten: boolean): void {
    const old = connection.subscriptions.get(id);
    if (old !== undefined) this.#release(old);
    const subscription = new Subscription(connection, id, filters, source);
    subscription.goLive();
    subscription.isWritten = isWritten;
    connection.subscriptions.set(id, subscription);
    this.index.add(subscription);
    if (!isWritten) {
      this.#unwritten.add(subscription);
      this.#arm();
    }
  }

  /** Saves the attachment. It names what has no row yet; where there is no more room for that, rows are written now. */
  keep(connection: Connection): void {
    if (!connection.save()) this.write();
  }

  /** Writes all rows that wait, in one transaction, and takes them out of the attachments. */
  write(): void {
    if (this.#unwritten.size === 0) return;
    const written = [...this.#unwritten];
    this.#rows.put(written.map((subscription) => [subscription.key, subscription.source] as const));
    this.#unwritten.clear();
    for (const subscription of written) subscription.isWritten = true;
    for (const connection of new Set(written.map((subscription) => subscription.connection))) connection.save();
  }

  #forget(subscription: Subscription): void {
    if (subscription.isWritten) this.#rows.delete([subscription.key]);
    this.#release(subscription);
  }

  #release(subscription: Subscription): void {
    subscription.isClosed = true;
    subscription.connection.subscriptions.delete(subscription.id);
    this.#unwritten.delete(subscription);
    this.index.remove(subscription);
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#clock.soon(WRITE_BEHIND_MS, () => {
      this.#isArmed = false;
      this.write();
    });
  }
}
