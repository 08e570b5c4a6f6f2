import { retentionOfEvent } from "../../../protocol/retention.ts";
import type { FirmPolicy } from "../submission.ts";

/** R-07-01: what would be gone at once is not taken. */
export const retention: FirmPolicy = ({ event, now, config }) => {
  const seconds = retentionOfEvent(config.retention, event);
  return seconds !== undefined && event.created_at <= now - seconds
    ? `invalid: older than the retention of kind ${event.kind}, ${seconds} seconds`
    : undefined;
};
