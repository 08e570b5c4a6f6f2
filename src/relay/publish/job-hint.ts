import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { expirationOf } from "../../protocol/event.ts";
import { jobRole } from "../../protocol/job/job.ts";
import { roleOfKind } from "../../protocol/job/profile.ts";
import { retentionOfEvent } from "../../protocol/retention.ts";
import { type Access, refuseReader } from "../access/access.ts";
import type { Connection } from "../connection.ts";
import { type DeliverDeps, isHeard } from "../read/deliver.ts";

/**
 * What the OK of a stored request says where nobody else listens for it (R-07-20); else nothing. Who may not read learns
 * nothing of who is there, and nobody does of private kinds.
 */
export function jobHint(
  deps: DeliverDeps & { access: Access },
  connection: Connection,
  verified: VerifiedEvent,
): string {
  const { event } = verified;
  // Every other event is done with here.
  if (roleOfKind(event.kind) !== "request") return "";
  const { config, access } = deps;
  if (!config.jobHintEnabled || config.privateKinds.has(event.kind) || jobRole(event) !== "request") return "";
  if (refuseReader(access, connection.authed) !== undefined || isHeard(deps, verified, connection)) return "";
  const kept = retentionOfEvent(config.retention, event);
  const until = Math.min(
    kept === undefined ? Number.POSITIVE_INFINITY : event.created_at + kept,
    expirationOf(event) ?? Number.POSITIVE_INFINITY,
  );
  return `info: no provider is listening, held${timeOf(until)}`;
}

/** The last time that a `Date` can say, in seconds. */
const LAST_TIME = 8_640_000_000_000;

function timeOf(seconds: number): string {
  return seconds > LAST_TIME ? "" : ` until ${new Date(seconds * 1000).toISOString().replace(".000Z", "Z")}`;
}
