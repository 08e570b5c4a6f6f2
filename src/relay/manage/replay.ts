import type { Event } from "../../protocol/event.ts";
import { HTTP_AUTH_TOLERANCE } from "../../protocol/http-auth.ts";
import type { Reason } from "../../protocol/reason.ts";
import { type Access, isOperator } from "../access/access.ts";

/** How long a call counts for its key after it came, in seconds, however old its event is. */
const WINDOW = 60;

/** Calls of one key in that time, unless it is an operator's. */
const MAX_OWN = 500;

/** Events of all keys that are no operator's: the rest of the list is the operators' own, whatever the others do. */
const MAX_GRANTED = 15_000;

const FULL: Reason = "rate-limited: too many requests, retry=60";

/**
 * Uses up the NIP-98 event of a change, as long as it would be valid and for a minute at least: the reason if it was used
 * before, or if too many were. That of a question is counted with them, but may be repeated (R-05-71). What has become invalid
 * meanwhile is forgotten. An event is known by its signature: clients that add no nonce make one event, with one id, of the
 * same call twice in a second, but sign it anew, which nobody else can.
 */
export function refuseReplay(event: Event, access: Access, now: number, isChange = true): Reason | undefined {
  if (!isChange && isOperator(access, event.pubkey)) return undefined;
  const { lists } = access;
  let own = 0;
  let granted = 0;
  for (const [sig, detail] of lists.entries("spent")) {
    const [until, by] = detail.split(" ");
    if (Number(until) < now) {
      lists.remove("spent", sig);
      continue;
    }
    if (by === event.pubkey) own++;
    if (by === undefined || !isOperator(access, by)) granted++;
  }
  if (isChange && lists.has("spent", event.sig))
    return "auth-required: this authorization was used before, sign a new one";
  if ((own >= MAX_OWN || granted >= MAX_GRANTED) && !isOperator(access, event.pubkey)) return FULL;
  const detail = `${Math.max(event.created_at + HTTP_AUTH_TOLERANCE, now + WINDOW)} ${event.pubkey}`;
  return lists.put("spent", event.sig, detail) ? undefined : FULL;
}
