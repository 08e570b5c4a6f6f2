import type { Filter } from "../../protocol/filter.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";
import type { Survival } from "../ports.ts";
import { Subscription } from "./subscription.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** Values in the filters of the subscriptions of one connection, some 15 MB, and of all, some 220 MB. */
const MAX_VALUES = 65_536;
const MAX_VALUES_OF_ALL = 1_000_000;

/** All open subscriptions. */
export class Subscriptions {
  readonly index = new SubscriptionIndex();
  readonly #survival: Survival;
  /** In the filters of all. */
  #values = 0;

  constructor(survival: Survival) {
    this.#survival = survival;
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
  open(connection: Connection, id: string, filters: readonly Filter[]): Subscription {
    this.close(connection, id);
    const subscription = new Subscription(connection, id, filters);
    this.#add(subscription);
    try {
      this.#survival.opened(subscription);
    } catch (error) {
      this.#release(subscription);
      throw error;
    }
    return subscription;
  }

  /** CLOSE, or the end of a subscription that was never open. */
  close(connection: Connection, id: string): void {
    const subscription = connection.subscriptions.get(id);
    if (subscription === undefined) return;
    this.#release(subscription);
    this.#survival.closed(subscription);
  }

  /** Ends a subscription on the relay's side. */
  end(subscription: Subscription, reason: Reason): void {
    if (subscription.isClosed) return;
    this.close(subscription.connection, subscription.id);
    subscription.connection.send(["CLOSED", subscription.id, reason]);
  }

  /** The connection is gone, and its subscriptions with it (R-06-19). */
  drop(connection: Connection): void {
    for (const id of [...connection.subscriptions.keys()]) this.close(connection, id);
  }

  /** Puts back a subscription that was open before the host lost its memory. */
  restore(connection: Connection, id: string, filters: readonly Filter[]): Subscription {
    const old = connection.subscriptions.get(id);
    if (old !== undefined) this.#release(old);
    const subscription = new Subscription(connection, id, filters);
    subscription.goLive([]);
    this.#add(subscription);
    return subscription;
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
    this.index.remove(subscription);
  }
}
