import { VANISH_KIND } from "../../../protocol/deletion.ts";
import type { Policy, Submission } from "../submission.ts";

/** Banned authors and banned events, whoever hands them in; a request to vanish is always heard (R-05-22). */
export const banned: Policy<Pick<Submission, "event" | "access">> = ({ event, access: { lists } }) => {
  if (event.kind === VANISH_KIND) return undefined;
  if (lists.has("banned-pubkey", event.pubkey)) return "blocked: its author is banned";
  return lists.has("banned-event", event.id) ? "blocked: this event is banned" : undefined;
};
