import type { VerifiedEvent } from "../protocol/verify.ts";
import { canRead } from "../protocol/visibility.ts";
import type { Subscription } from "./subscription.ts";
import type { SubscriptionIndex } from "./subscription-index.ts";

/** The one place where a live event leaves the relay. Stored events leave through {@link deliverStored}. */
export interface Delivery {
  /** Subscriptions that got the event. */
  count: number;
  /** Subscriptions that have to end because their connection cannot keep up. */
  laggards: Subscription[];
}

/**
 * Sends an accepted event to every subscription that matches it and may see it (R-06-21, R-06-23), once each. A socket
 * that fails does not stop the others (R-06-22). `position` is that of a stored event: it does not go to those whose
 * stored answer has seen it.
 */
export function deliverLive(
  verified: VerifiedEvent,
  position: number | undefined,
  index: SubscriptionIndex,
  authRequired: boolean,
): Delivery {
  const delivery: Delivery = { count: 0, laggards: [] };
  index.match(verified.event, verified.tags, (subscription) => {
    const { connection } = subscription;
    if (connection.isClosed) return;
    if (authRequired && !connection.isAuthenticated) return;
    if (position !== undefined && position <= subscription.head) return;
    if (!canRead(connection, verified.event, verified.tags)) return;
    if (!subscription.sendLive(verified.raw) || connection.outbound.isOverflowing) {
      delivery.laggards.push(subscription);
      return;
    }
    delivery.count++;
  });
  return delivery;
}

/** Sends one page of a stored answer. The log has checked that the connection may see each event (R-05-29). */
export function deliverStored(events: readonly string[], subscription: Subscription): void {
  for (const raw of events) subscription.send(raw);
}
