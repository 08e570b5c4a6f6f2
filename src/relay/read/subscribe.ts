import { type Filter, parseFilter } from "../../protocol/filter.ts";
import { sketchedValue } from "../../protocol/hyperloglog.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { INTERNAL_ERROR, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { exceedsCharacters } from "../../protocol/text.ts";
import { type Access, refuseReader } from "../access/access.ts";
import { type Config, filterOptions } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import { untilRoom } from "../outbound.ts";
import type { Clock, EventLog, Log, Page, Pages } from "../ports.ts";
import { banned } from "../publish/policy/banned.ts";
import { deliverStored } from "./deliver.ts";
import { countValues } from "./filter-values.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

export interface SubscribeDeps {
  config: Config;
  access: Access;
  log: EventLog;
  clock: Clock;
  subscriptions: Subscriptions;
  report: Log;
  /** The invite that is made for a REQ, and the filters that are left to look up; undefined if it asks for none. */
  invite?: (authed: ReadonlySet<string>, filters: readonly Filter[]) => { raw: string; filters: Filter[] } | undefined;
}

/**
 * REQ, top to bottom: check all, register, send the stored answer, EOSE, go live. The subscription is registered before
 * the log is read and keeps what is appended after that, so nothing is lost or doubled (R-03-20).
 */
export async function subscribe(
  deps: SubscribeDeps,
  connection: Connection,
  id: string,
  source: unknown[],
): Promise<void> {
  const { config, log, subscriptions } = deps;
  const refused = (reason: Reason): void => {
    // The client is told that the id is closed, so an older subscription of that id ends too (R-03-25).
    subscriptions.close(connection, id);
    connection.send(["CLOSED", id, reason]);
  };
  const filters = parseFilters(id, source, config);
  if (!filters.ok) return refused(filters.reason);
  if (!connection.subscriptions.has(id) && connection.subscriptions.size >= config.maxSubscriptions) {
    return refused(`rate-limited: more than ${config.maxSubscriptions} open subscriptions, close one first`);
  }
  const noRoom = subscriptions.refuse(connection, id, countValues(filters.value));
  if (noRoom !== undefined) return refused(noRoom);
  const subscription = subscriptions.open(connection, id, filters.value, source);
  try {
    const invite = deps.invite?.(connection.authed, filters.value);
    if (invite !== undefined) subscription.send(invite.raw);
    // A key that is added meanwhile is for what comes live: the hint is about what was asked for (R-05-33).
    const reader = { authed: new Set(connection.authed), privateKinds: connection.privateKinds };
    const pages = log.scan(invite?.filters ?? filters.value, reader);
    subscription.head = pages.head;
    if (!connection.outbound.isCrowded && (await sendPage(deps, subscription, pages))) return;
    await sendRest(deps, subscription, pages);
  } catch (error) {
    fail(deps, subscription, error);
  }
}

/** The further pages of a large answer, each in a turn of its own so that other connections are served in between. */
async function sendRest(deps: SubscribeDeps, subscription: Subscription, pages: Pages): Promise<void> {
  do {
    await deps.clock.pause();
    if (!(await untilRoom(subscription.connection.outbound, deps.clock, () => subscription.isClosed))) return;
  } while (!(await sendPage(deps, subscription, pages)));
}

/** Sends one page; true when it was the last, or when the subscription has ended meanwhile. */
async function sendPage(
  { access, subscriptions }: SubscribeDeps,
  subscription: Subscription,
  pages: Pages,
): Promise<boolean> {
  const page = await pages.next();
  if (subscription.isClosed) return true;
  if (page.refusal !== undefined) {
    subscriptions.end(subscription, page.refusal);
    return true;
  }
  deliverStored(page.events, subscription);
  if (!page.isLast) return false;
  subscription.connection.send(isHint(page.hint) ? ["EOSE", subscription.id, [page.hint]] : ["EOSE", subscription.id]);
  subscription.goLive((live) =>
    pages.remaining(live).filter(({ verified: { event } }) => banned({ event, access }) === undefined),
  );
  return true;
}

function isHint(hint: Page["hint"]): hint is "finish" | "more" {
  return hint === "finish" || hint === "more";
}

function fail({ subscriptions, report }: SubscribeDeps, subscription: Subscription, error: unknown): void {
  report("scan failed", { connection: subscription.connection.id, error: String(error) });
  subscriptions.end(subscription, INTERNAL_ERROR);
  subscription.connection.send(["NOTICE", "internal error"]);
}

/** COUNT: answers with a number, perhaps with registers, and opens nothing (R-05-34, R-05-35, R-05-36). */
export async function count(
  { config, access, log }: SubscribeDeps,
  connection: Connection,
  id: string,
  source: unknown[],
): Promise<void> {
  const refused = (reason: Reason): void => connection.send(["CLOSED", id, reason]);
  if (!config.countEnabled) return refused("unsupported: COUNT is switched off");
  const filters = parseFilters(id, source, config);
  if (!filters.ok) return refused(filters.reason);
  if (filters.value.every((filter) => isHidden(filter, connection))) {
    return refused(
      connection.isAuthenticated
        ? "restricted: these kinds are counted for their author and recipients only"
        : "auth-required: these kinds are counted for their author and recipients only",
    );
  }
  const sketched = config.hllEnabled ? sketchedValue(filters.value) : undefined;
  const result = await log.count(filters.value, connection, sketched);
  if (typeof result === "string") return refused(result);
  // It may have taken several turns.
  const refusal = refuseReader(access, connection.authed);
  if (refusal !== undefined) return refused(refusal);
  const { count, isApproximate, hll } = result;
  connection.send(["COUNT", id, { count, ...(isApproximate ? { approximate: true } : {}), ...(hll ? { hll } : {}) }]);
}

/** Whether a filter asks for private kinds only, and for other people's (R-05-31). */
function isHidden({ kinds, authors, anyOf, never }: Filter, { authed, privateKinds }: Connection): boolean {
  if (never || kinds === undefined || kinds.size === 0) return false;
  if (![...kinds].every((kind) => privateKinds.has(kind))) return false;
  const recipients = anyOf.find(([letter]) => letter === "p")?.[1];
  const isOwn = (keys: ReadonlySet<string> | undefined): boolean =>
    keys !== undefined && [...keys].every((key) => authed.has(key));
  return !isOwn(authors) && !isOwn(recipients);
}

/** Checks all filters before anything is done: one bad filter refuses the whole message (R-03-08). */
function parseFilters(id: string, source: unknown[], config: Config): Result<Filter[]> {
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
