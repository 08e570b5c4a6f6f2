import type { Reason } from "../../protocol/reason.ts";
import { isAdmin, isOperator, removeAllowed, usesAllowList } from "../access/access.ts";
import { presenceOf } from "../presence.ts";
import { hideKey } from "./hide.ts";
import { FULL, listing } from "./listing.ts";
import { type Call, change, type Method, question } from "./method.ts";
import { publicKey, reason } from "./parameters.ts";

/** Who is banned, and who is on the allow list. */
export const keyMethods: Record<string, Method> = {
  banpubkey: change([publicKey, reason], (call, key, why) => {
    const { lists } = call.access;
    if (isOperator(call.access, key)) return "restricted: an operator cannot be banned";
    // What it has signed would be erased, and the list of members with it.
    if (call.membership !== undefined && lists.get("signing", "self") === key) {
      return "restricted: the relay's own key cannot be banned";
    }
    const refusal = refuseAdmin(call, key);
    if (refusal !== undefined) return refusal;
    const { stored, shown } = call.storedBy(key);
    // Nobody is on the list `erasing` who is not banned.
    if (!lists.has("banned-pubkey", key) && stored > 0 && !hideKey(call, key)) return FULL;
    if (!lists.put("banned-pubkey", key, why)) return FULL;
    removeAllowed(call.access, key);
    // A row that is kept while there are no members would be a membership again once there are.
    if (call.membership === undefined) {
      lists.remove("member", key);
      lists.remove("joined", key);
    } else call.membership.members.removeMember(key);
    if (shown > 0) call.told.hidden = shown;
    return undefined;
  }),
  unbanpubkey: change([publicKey, reason], (call, key) => refuseAdmin(call, key) ?? unban(call, key)),
  keysummary: question([publicKey], (call, key) => {
    const { access, clock, connections, membership, storedBy } = call;
    const invites = membership?.invites.list(clock.nowSeconds()) ?? [];
    return {
      is_member: membership !== undefined && access.lists.has("member", key),
      is_banned: access.lists.has("banned-pubkey", key),
      events: storedBy(key).shown,
      connections: 0,
      subscriptions: 0,
      ...presenceOf(connections).get(key),
      invites: invites.filter(({ inviter, uses_left }) => inviter === key && uses_left > 0).length,
    };
  }),
  listbannedpubkeys: listing("banned-pubkey", "pubkey"),
  allowpubkey: change([publicKey, reason], (call, key, why) => {
    const { lists } = call.access;
    if (!usesAllowList(call.access)) return NOT_USED;
    const refusal = lists.has("banned-pubkey", key) ? refuseAdmin(call, key) : undefined;
    if (refusal !== undefined) return refusal;
    if (!lists.put("allowed-pubkey", key, why)) return FULL;
    return unban(call, key);
  }),
  unallowpubkey: change([publicKey, reason], ({ access }, key) => {
    removeAllowed(access, key);
    return undefined;
  }),
  listallowedpubkeys: listing("allowed-pubkey", "pubkey"),
};

const NOT_USED: Reason =
  "restricted: the allow list decides nothing here, see READ_ACCESS and WRITE_ACCESS; unbanpubkey lifts a ban";

/** What has not been erased yet is seen again, and nothing that comes from now on is removed. */
function unban({ access: { lists } }: Call, key: string): undefined {
  lists.remove("banned-pubkey", key);
  lists.remove("erasing", key);
  lists.remove("forgetting", key);
}

function refuseAdmin({ access, caller }: Call, key: string): Reason | undefined {
  const mayDecide = isOperator(access, caller) || !isAdmin(access, key);
  return mayDecide ? undefined : "restricted: only an operator may ban or unban an admin";
}
