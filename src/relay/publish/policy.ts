import { kindClass } from "../../protocol/kind.ts";
import type { Reason } from "../../protocol/reason.ts";
import { banned } from "./policy/banned.ts";
import { createdAt } from "./policy/created-at.ts";
import { deletion } from "./policy/deletion.ts";
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
import type { FirmPolicy, LatePolicy, Policy, Submission } from "./submission.ts";

/** Steps 5 to 10 of R-02-12, in that order: the first reason counts. */
const POLICIES: readonly Policy[] = [
  // 5.
  size,
  // 6.
  createdAt,
  expiration,
  retention,
  // 7.
  neverPublished,
  // 8.
  protectedEvent,
  repost,
  // 9.
  banned,
  writer,
  kinds,
  // 10.
  work,
];

/** Step 13, and whether there is room: asked where no tombstone (step 12) blocks the event. */
const LATE_POLICIES: readonly LatePolicy[] = [vanish, deletion, job, room];

/** Those that also refuse an event that is stored already: it is as good as gone, or not this client's to publish. */
const FIRM_POLICIES: readonly FirmPolicy[] = [expiration, retention, protectedEvent];

/** Whether an event that is stored already is refused nevertheless, and not answered as a duplicate. */
export function isRefusedAgain(submission: Parameters<FirmPolicy>[0]): boolean {
  return firstOf(FIRM_POLICIES, submission) !== undefined;
}

/**
 * Why an event may not be published, or undefined. `blocked` asks the store whether an erasure blocks the event. It is called
 * only for an ephemeral event, which is never stored, and before a late refusal: the store itself refuses all others.
 */
export function refuseEvent(submission: Submission, blocked: () => Reason | undefined): Reason | undefined {
  const early = firstOf(POLICIES, submission);
  if (early !== undefined) return early;
  const late = firstOf(LATE_POLICIES, submission);
  const isForLog = late === undefined && kindClass(submission.event.kind) !== "ephemeral";
  return isForLog ? undefined : (blocked() ?? late);
}

/** Whether a late policy refuses the event. */
export function isRefusedLate(submission: Parameters<LatePolicy>[0]): boolean {
  return firstOf(LATE_POLICIES, submission) !== undefined;
}

function firstOf<Looked>(
  policies: readonly ((looked: Looked) => Reason | undefined)[],
  submission: Looked,
): Reason | undefined {
  for (const policy of policies) {
    const reason = policy(submission);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
