import { oldestKept, retentionOf } from "../../../protocol/retention.ts";
import type { FirmPolicy } from "../submission.ts";

/** R-07-01: what would be gone at once is not taken. */
export const retention: FirmPolicy = ({ event, now, config }) =>
  event.created_at < oldestKept(config.retention, event.kind, now)
    ? `invalid: older than the retention of kind ${event.kind}, ${retentionOf(config.retention, event.kind)} seconds`
    : undefined;
