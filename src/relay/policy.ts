import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import { type Event, expirationOf, type IndexedTag, isProtected } from "../protocol/event.ts";
import { AUTH_KIND, JOIN_KIND, kindClass, LEAVE_KIND } from "../protocol/kind.ts";
import { checkWork } from "../protocol/pow.ts";
import type { Reason } from "../protocol/reason.ts";
import { normalizeRelayUrl } from "../protocol/relay-url.ts";
import { oldestKept, retentionOf } from "../protocol/retention.ts";
import { exceedsBytes, exceedsCharacters } from "../protocol/text.ts";
import type { Config } from "./config.ts";

/** What a policy may look at. */
export interface Submission {
  event: Event;
  tags: readonly IndexedTag[];
  /** Seconds. */
  now: number;
  config: Config;
  /** Keys that the submitting connection has authenticated. */
  authed: ReadonlySet<string>;
  /** The store takes only what frees room. */
  isFull: boolean;
}

/** Whether an event may be published: the reason why not, or undefined. Pure. */
export type Policy = (submission: Submission) => Reason | undefined;

/** R-02-04: what is too large is refused, never cut and never left out of an index. */
const size: Policy = ({ event, tags, config }) => {
  if (event.tags.length > config.maxEventTags) return `invalid: more than ${config.maxEventTags} tags`;
  if (exceedsCharacters(event.content, config.maxContentLength)) {
    return `invalid: content is longer than ${config.maxContentLength} characters`;
  }
  if (tags.some(([, value]) => exceedsBytes(value, config.maxTagValue))) {
    return `invalid: an indexed tag value is longer than ${config.maxTagValue} bytes`;
  }
  return undefined;
};

/** R-02-10. */
const createdAt: Policy = ({ event, now, config }) => {
  if (event.created_at > now + config.createdAtUpperLimit) {
    return `invalid: created_at is more than ${config.createdAtUpperLimit} seconds ahead`;
  }
  if (config.createdAtLowerLimit !== undefined && event.created_at < now - config.createdAtLowerLimit) {
    return `invalid: created_at is more than ${config.createdAtLowerLimit} seconds ago`;
  }
  return undefined;
};

/** R-05-13, R-05-14. */
const expiration: Policy = ({ event, now }) => {
  const at = expirationOf(event);
  if (at === undefined) return undefined;
  if (Number.isNaN(at)) return "invalid: expiration is not a whole number of seconds";
  return now >= at ? "invalid: event expired" : undefined;
};

/** R-07-01: what would be gone at once is not taken. */
const retention: Policy = ({ event, now, config }) =>
  event.created_at < oldestKept(config.retention, event.kind, now)
    ? `invalid: older than the retention of kind ${event.kind}, ${retentionOf(config.retention, event.kind)} seconds`
    : undefined;

/** R-05-60, R-03-28. */
const neverPublished: Policy = ({ event }) => {
  if (event.kind === AUTH_KIND) return "invalid: an AUTH event is not published";
  if (event.kind === JOIN_KIND || event.kind === LEAVE_KIND) {
    return "restricted: no invite code is needed or accepted, this relay keeps no members";
  }
  return undefined;
};

/** R-05-25: a protected event comes from its author. */
const protectedEvent: Policy = ({ event, authed }) => {
  if (!isProtected(event.tags) || authed.has(event.pubkey)) return undefined;
  return authed.size === 0
    ? "auth-required: this event may only be published by its author"
    : "restricted: this event may only be published by its author";
};

/** R-05-26: nor is it passed on inside a repost. */
const repost: Policy = ({ event }) => {
  if (event.kind !== 6 && event.kind !== 16) return undefined;
  const embedded = parseJson(event.content);
  const tags = typeof embedded === "object" && embedded !== null && "tags" in embedded ? embedded.tags : undefined;
  const isNamedDash = (tag: unknown): boolean => Array.isArray(tag) && tag[0] === "-";
  return Array.isArray(tags) && tags.some(isNamedDash) ? "blocked: reposts a protected event" : undefined;
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** R-05-27, but for requests to vanish, which are always heard (R-05-22). */
const work: Policy = ({ event, config }) =>
  config.minPow > 0 && event.kind !== VANISH_KIND ? checkWork(event, config.minPow) : undefined;

/** R-05-18, R-05-19: a request to vanish must name this relay, in any spelling, or all of them. */
const vanish: Policy = ({ event, config }) => {
  if (event.kind !== VANISH_KIND) return undefined;
  const relays = event.tags.filter((tag) => tag[0] === "relay").map((tag) => tag[1] ?? "");
  const own = config.relayUrls.map(normalizeRelayUrl);
  const isMeant = relays.some((relay) => relay === "ALL_RELAYS" || own.includes(normalizeRelayUrl(relay) ?? "none"));
  return isMeant ? undefined : "invalid: the request does not name this relay";
};

/** Near the limit of the platform the relay stays readable, and what frees room still gets in. */
const room: Policy = ({ event, isFull }) => {
  if (!isFull || kindClass(event.kind) === "ephemeral") return undefined;
  return event.kind === DELETION_KIND || event.kind === VANISH_KIND ? undefined : "error: the relay's storage is full";
};

/** Steps 5 to 13 of R-02-12, as far as the event alone decides, in that order: the first reason counts. */
const POLICIES: readonly Policy[] = [
  size,
  createdAt,
  expiration,
  retention,
  neverPublished,
  protectedEvent,
  repost,
  work,
  vanish,
  room,
];

export function admitEvent(submission: Submission): Reason | undefined {
  for (const policy of POLICIES) {
    const reason = policy(submission);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
