import type { Policy } from "../submission.ts";

/** R-02-10. */
export const createdAt: Policy = ({ event, now, config }) => {
  if (event.created_at > now + config.createdAtUpperLimit) {
    return `invalid: created_at is more than ${config.createdAtUpperLimit} seconds ahead`;
  }
  if (config.createdAtLowerLimit !== undefined && event.created_at < now - config.createdAtLowerLimit) {
    return `invalid: created_at is more than ${config.createdAtLowerLimit} seconds ago`;
  }
  return undefined;
};
