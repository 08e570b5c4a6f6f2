import { isProtected } from "../../../protocol/event.ts";
import type { FirmPolicy } from "../submission.ts";

/** R-05-25: a protected event comes from its author. */
export const protectedEvent: FirmPolicy = ({ event, authed }) => {
  if (!isProtected(event.tags) || authed.has(event.pubkey)) return undefined;
  return authed.size === 0
    ? "auth-required: this event may only be published by its author"
    : "restricted: this event may only be published by its author";
};
