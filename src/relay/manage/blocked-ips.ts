import { FULL, listing } from "./listing.ts";
import { change, type Method } from "./method.ts";
import { ip, reason } from "./parameters.ts";

/** IP addresses from which nobody may connect; an IPv6 address stands for its /64, unless a prefix is given. */
export const blockedIpMethods: Record<string, Method> = {
  blockip: change([ip, reason], ({ access: { lists }, closeBlocked, afterwards }, network, why) => {
    if (!lists.put("blocked-ip", network, why)) return FULL;
    afterwards.push(closeBlocked);
    return undefined;
  }),
  unblockip: change([ip, reason], ({ access: { lists } }, network) => {
    lists.remove("blocked-ip", network);
    return undefined;
  }),
  listblockedips: listing("blocked-ip", "ip"),
};
