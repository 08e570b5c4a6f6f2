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
import type { Policy, Submission } from "./submission.ts";

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

export function admitEvent(submission: Submission): Reason | undefined {
  for (const policy of POLICIES) {
    const reason = policy(submission);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
