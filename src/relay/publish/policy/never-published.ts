import { AUTH_KIND, JOIN_KIND, LEAVE_KIND, RELAY_KINDS } from "../../../protocol/kind.ts";
import type { Reason } from "../../../protocol/reason.ts";
import { type Access, hasMembership } from "../../access/access.ts";

/** R-05-60, R-05-63, R-03-28. Requests to join and leave come here only where there are no members. */
export function neverPublished(submission: { event: { kind: number }; access: Access }): Reason | undefined {
  const { event, access } = submission;
  if (event.kind === AUTH_KIND) return "invalid: an AUTH event is not published";
  if (event.kind === JOIN_KIND || event.kind === LEAVE_KIND) {
    return "restricted: no invite code is needed or accepted, this relay keeps no members";
  }
  if (RELAY_KINDS.has(event.kind) && hasMembership(access)) {
    return `blocked: kind ${event.kind} is published by the relay alone`;
  }
  return undefined;
}
