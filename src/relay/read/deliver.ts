import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { canRead } from "../../protocol/visibility.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Metrics } from "../metrics.ts";
import type { Host } from "../ports.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface DeliverDeps {
  config: Config;
  subscriptions: Subscriptions;
  host: Host;
  meter: Meter;
  metrics: Metrics;
  /** Closes a connection that does not read what it is sent. */
  close: (connection: Connection) => void;
}

/**
 * The one place where a live event leaves the relay; stored events leave through {@link deliverStored}. Sends an accepted
 * event to every subscription that matches it and may see it (R-06-21, R-06-23), once each, and returns how many that were.
 * `position` is that of a stored event.
 */
export function deliverLive(deps: DeliverDeps, verified: VerifiedEvent, position?: number): number {
  const { authRequired } = deps.config;
  const laggards: Subscription[] = [];
  let count = 0;
  deps.subscriptions.index.match(verified.event, verified.tags, deps.meter, (subscription) => {
    const { connection } = subscription;
    if (authRequired && !connection.isAuthenticated) return;
    if (!canRead(connection, verified.event, verified.tags)) return;
    if (subscription.isLive) {
      // Nobody gets here who is counted as a stranger.
      connection.socket.sendEvent(subscription.framePrefix, verified.raw);
      if (connection.socket.isOverflowing) laggards.push(subscription);
      else count++;
    } else if (subscription.keep({ verified, position })) count++;
    else laggards.push(subscription);
  });
  deps.metrics.delivered += count;
  deps.meter.spent += count * (COST.send + verified.raw.length * COST.sendCharacter);
  for (const subscription of laggards) end(deps, subscription);
  return count;
}

/** Whether an event would be sent to another connection than one: as {@link deliverLive}, without sending it. */
export function isHeard(
  { subscriptions, config, meter }: Pick<DeliverDeps, "subscriptions" | "config" | "meter">,
  { event, tags }: VerifiedEvent,
  except: Connection,
): boolean {
  let isFound = false;
  subscriptions.index.match(event, tags, meter, ({ connection }) => {
    if (isFound || connection === except) return;
    isFound = (!config.authRequired || connection.isAuthenticated) && canRead(connection, event, tags);
  });
  return isFound;
}

/** Its connection cannot keep up. What goes wrong for one receiver must not reach the others, nor the publisher (R-06-22). */
function end({ subscriptions, host, close }: DeliverDeps, subscription: Subscription): void {
  const { connection } = subscription;
  try {
    if (connection.socket.isOverflowing) close(connection);
    else subscriptions.end(subscription, "error: too many live events while answering, send it again");
  } catch (error) {
    host.report("ending a subscription failed", { connection: connection.id, error: String(error) });
  }
}

/** Sends one page of a stored answer. The log has checked that the connection may see each event (R-05-29). */
export function deliverStored(
  events: readonly string[],
  subscription: Subscription,
  { meter, metrics }: Pick<DeliverDeps, "meter" | "metrics">,
): void {
  const { connection, framePrefix } = subscription;
  metrics.answered += events.length;
  for (const raw of events) {
    connection.socket.sendEvent(framePrefix, raw);
    meter.spent += COST.send + raw.length * COST.sendCharacter;
  }
}
