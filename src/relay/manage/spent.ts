import type { Event } from "../../protocol/event.ts";
import { HTTP_AUTH_TOLERANCE } from "../../protocol/http-auth.ts";
import type { Reason } from "../../protocol/reason.ts";
import { type Access, isOperator } from "../access/access.ts";

/** Events of one key that are kept, unless it is an operator's. */
const MAX_OWN = 500;

/** Events of all keys that are no operator's: the rest of the list is the operators' own, whatever the others do. */
const MAX_GRANTED = 15_000;

const USED: Reason = "auth-required: this authorization was used before, sign a new one";
const FULL: Reason = "rate-limited: too many requests, retry=60";

/**
 * Uses a NIP-98 event up, as long as it would be valid: the reason if it was used before (R-05-71) and may not be repeated,
 * or if too many were. What has become invalid meanwhile is forgotten. It is known by its signature: clients that add no nonce
 * make one event, with one id, of the same call twice in a second, but sign it anew, which nobody else can.
 */
export function spend(event: Event, access: Access, now: number, mayRepeat: boolean): Reason | undefined {
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
  if (lists.has("spent", event.sig)) return mayRepeat ? undefined : USED;
  if ((own >= MAX_OWN || granted >= MAX_GRANTED) && !isOperator(access, event.pubkey)) return FULL;
  const detail = `${event.created_at + HTTP_AUTH_TOLERANCE} ${event.pubkey}`;
  return lists.put("spent", event.sig, detail) ? undefined : FULL;
}
