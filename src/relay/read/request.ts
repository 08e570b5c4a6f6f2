import { canonicalFilter, type Filter, parseFilter } from "../../protocol/filter.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { exceedsCharacters } from "../../protocol/text.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { StoredAnswer } from "../../store/read/stored-answer.ts";
import type { Steps } from "../../store/steps.ts";
import type { Access } from "../access/access.ts";
import { type Config, filterOptions } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Membership } from "../members/membership.ts";
import type { Metrics } from "../metrics.ts";
import { banned } from "../publish/policy/banned.ts";
import { deliverStored } from "./deliver.ts";
import { countValues } from "./filter-values.ts";
import { areHidden, HIDDEN_FROM_STRANGERS } from "./hidden.ts";
import type { LiveEvent, Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface ReadDeps {
  config: Config;
  access: Access;
  log: EventLog;
  meter: Meter;
  metrics: Metrics;
  subscriptions: Subscriptions;
  readonly membership: Membership | undefined;
}

/**
 * REQ, top to bottom: checks all filters, registers the subscription and fixes its position; what is returned sends the
 * stored answer and EOSE, and goes live. What is stored after this comes live, so nothing is lost or doubled (R-03-20).
 * Undefined if the REQ is refused.
 */
export function request(
  deps: ReadDeps,
  connection: Connection,
  id: string,
  source: unknown[],
): Steps<void> | undefined {
  const { config, log, subscriptions, membership } = deps;
  const refused = (reason: Reason): undefined => {
    // The client is told that the id is closed, so an older subscription of that id ends too (R-03-25).
    subscriptions.close(connection, id);
    connection.send(["CLOSED", id, reason]);
  };
  const filters = parseFilters(id, source, deps);
  if (!filters.ok) return refused(filters.reason);
  if (!connection.isAuthenticated && areHidden(filters.value, connection)) return refused(HIDDEN_FROM_STRANGERS);
  if (!connection.subscriptions.has(id) && connection.subscriptions.size >= config.maxSubscriptions) {
    return refused(`rate-limited: more than ${config.maxSubscriptions} open subscriptions, close one first`);
  }
  const values = countValues(filters.value);
  const noRoom = subscriptions.refuse(connection, id, values);
  if (noRoom !== undefined) return refused(noRoom);
  deps.meter.spent += values * COST.value;
  const subscription = subscriptions.open(connection, id, filters.value);
  const invite = membership?.invite(connection.authed, filters.value);
  if (invite !== undefined) subscription.send(invite.raw);
  // A key that is added meanwhile is for what comes live: the hint is about what was asked for (R-05-33).
  const reader = { authed: new Set(connection.authed), privateKinds: connection.privateKinds };
  return answer(deps, subscription, log.scan(invite?.filters ?? filters.value, reader));
}

/** Sends the pages of a stored answer, each in a step of its own, and goes live. */
function* answer(deps: ReadDeps, subscription: Subscription, stored: StoredAnswer): Steps<void> {
  const { access, subscriptions } = deps;
  while (!subscription.isClosed) {
    const page = stored.next();
    if (page.refusal !== undefined) return subscriptions.end(subscription, page.refusal);
    deliverStored(page.events, subscription, deps);
    if (page.isLast) {
      const { connection, id } = subscription;
      const { hint } = page;
      const isAllowed = ({ verified: { event } }: LiveEvent) => banned({ event, access }) === undefined;
      const live = stored.remaining(subscription.backlog).filter(isAllowed);
      connection.send(hint === "finish" || hint === "more" ? ["EOSE", id, [hint]] : ["EOSE", id]);
      return subscription.goLive(live);
    }
    yield;
  }
}

/** Checks all filters before anything is done: one bad filter refuses the whole message (R-03-08). */
export function parseFilters(id: string, source: unknown[], { config }: Pick<ReadDeps, "config">): Result<Filter[]> {
  if (exceedsCharacters(id, MAX_SUB_ID)) return refuse(`invalid: the id is longer than ${MAX_SUB_ID} characters`);
  if (source.length === 0) return refuse("invalid: at least one filter is needed");
  if (source.length > config.maxFilters) return refuse(`invalid: more than ${config.maxFilters} filters`);
  const filters: Filter[] = [];
  for (const value of source) {
    const filter = parseFilter(value, filterOptions(config));
    if (!filter.ok) return filter;
    filters.push(filter.value);
  }
  return { ok: true, value: filters };
}

/** Why filters that were taken would not be taken any more; undefined if they would. */
export function refuseFilters(filters: readonly Filter[], config: Config): Reason | undefined {
  for (const filter of filters) {
    const again = parseFilter(canonicalFilter(filter), filterOptions(config));
    if (!again.ok) return again.reason;
  }
  return undefined;
}
