import { expirationOf } from "../../../protocol/event.ts";
import type { FirmPolicy } from "../submission.ts";

/** R-05-13, R-05-14. */
export const expiration: FirmPolicy = ({ event, now }) => {
  const at = expirationOf(event);
  if (at === undefined) return undefined;
  if (Number.isNaN(at)) return "invalid: expiration is not a whole number of seconds";
  return now >= at ? "invalid: event expired" : undefined;
};
