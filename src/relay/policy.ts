import type { Reason } from "../protocol/reason.ts";
import { banned } from "./policy/banned.ts";
import { createdAt } from "./policy/created-at.ts";
import { expiration } from "./policy/expiration.ts";
import { job } from "./policy/job.ts";
import { kinds } from "./policy/kinds.ts";
import { neverPublished } from "./policy/never-published.ts";
import { protectedEvent } from "./policy/protected.ts";
import { repost } from "./policy/repost.ts";
import { retention } from "./policy/retention.ts";
import { room } from "./policy/room.ts";
import { size } from "./policy/size.ts";
import { vanish } from "./policy/vanish.ts";
import { work } from "./policy/work.ts";
import { writer } from "./policy/writer.ts";
import type { FirmPolicy, Policy, Submission } from "./submission.ts";

/** Steps 5 to 13 of R-02-12, as far as the event alone decides, in that order: the first reason counts. */
const POLICIES: readonly Policy[] = [
  size,
  createdAt,
  expiration,
  retention,
  neverPublished,
  protectedEvent,
  repost,
  banned,
  writer,
  kinds,
  work,
  vanish,
  job,
  room,
];

/** Those that refuse an event although it is stored: it is as good as gone, or not this client's to publish. */
const FIRM_POLICIES: readonly FirmPolicy[] = [expiration, retention, protectedEvent];

/** Whether an event that is stored already is refused nevertheless, and not answered as a duplicate. */
export function isRefusedAgain(submission: Parameters<FirmPolicy>[0]): boolean {
  return FIRM_POLICIES.some((policy) => policy(submission) !== undefined);
}

export function admitEvent(submission: Submission): Reason | undefined {
  for (const policy of POLICIES) {
    const reason = policy(submission);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
