import { VANISH_KIND } from "../../../protocol/deletion.ts";
import { refuseWriter } from "../../access/access.ts";
import type { Policy } from "../submission.ts";

/** Whether the connection that hands the event in may write at all; not asked for a request to vanish (R-05-22). */
export const writer: Policy = ({ event, authed, access }) =>
  event.kind === VANISH_KIND ? undefined : refuseWriter(access, authed);
