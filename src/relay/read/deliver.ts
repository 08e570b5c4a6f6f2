import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { canRead } from "../../protocol/visibility.ts";
import type { Config } from "../config/config.ts";
import type { LiveEvent, Log } from "../ports.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface DeliverDeps {
  config: Config;
  subscriptions: Subscriptions;
  report: Log;
}

/**
 * The one place where a live event leaves the relay; stored events leave through {@link deliverStored}. Sends an accepted
 * event to every subscription that matches it and may see it (R-06-21, R-06-23), once each, and returns how many that were.
 * A socket that fails does not stop the others (R-06-22). `position` is that of a stored event: it does not go to those
 * whose stored answer has seen it (R-03-20).
 */
export function deliverLive(deps: DeliverDeps, verified: VerifiedEvent, position?: number): number {
  const { authRequired } = deps.config;
  const live: LiveEvent = { verified, position };
  const laggards: Subscription[] = [];
  let count = 0;
  deps.subscriptions.index.match(verified.event, verified.tags, (subscription) => {
    const { connection } = subscription;
    if (connection.isClosed) return;
    if (authRequired && !connection.isAuthenticated) return;
    if (position !== undefined && position <= subscription.head) return;
    if (!canRead(connection, verified.event, verified.tags)) return;
    if (subscription.sendLive(live) && !connection.outbound.isOverflowing) count++;
    else laggards.push(subscription);
  });
  for (const subscription of laggards) end(deps, subscription);
  return count;
}

/** Its connection cannot keep up. What goes wrong for one receiver must not reach the others, nor the publisher (R-06-22). */
function end({ subscriptions, report }: DeliverDeps, subscription: Subscription): void {
  try {
    if (subscription.connection.outbound.isOverflowing) subscription.connection.cutOff();
    else subscriptions.end(subscription, "error: too many live events while answering, send it again");
  } catch (error) {
    report("ending a subscription failed", { connection: subscription.connection.id, error: String(error) });
  }
}

/** Sends one page of a stored answer. The log has checked that the connection may see each event (R-05-29). */
export function deliverStored(events: readonly string[], subscription: Subscription): void {
  for (const raw of events) subscription.send(raw);
}
