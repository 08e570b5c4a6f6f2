import { type Event, expirationOf, type IndexedTag } from "../protocol/event.ts";
import { AUTH_KIND } from "../protocol/kind.ts";
import type { Reason } from "../protocol/reason.ts";
import { exceedsBytes, exceedsCharacters } from "../protocol/text.ts";
import type { Config } from "./config.ts";

/** What a policy may look at. */
export interface Submission {
  event: Event;
  tags: readonly IndexedTag[];
  /** Seconds. */
  now: number;
  config: Config;
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

/** R-05-60. */
const neverPublished: Policy = ({ event }) =>
  event.kind === AUTH_KIND ? "invalid: an AUTH event is not published" : undefined;

/** Steps 5 to 10 of R-02-12, in that order: the first reason decides. */
const POLICIES: readonly Policy[] = [size, createdAt, expiration, neverPublished];

export function admitEvent(submission: Submission): Reason | undefined {
  for (const policy of POLICIES) {
    const reason = policy(submission);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
