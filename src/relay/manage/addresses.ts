import { FULL, listing } from "./listing.ts";
import { change, type Method } from "./method.ts";
import { address, reason } from "./parameters.ts";

/** Addresses from which nobody may connect; an IPv6 address stands for its /64, unless a prefix is given. */
export const addressMethods: Record<string, Method> = {
  blockip: change([address, reason], ({ access: { lists }, closeBlocked, afterwards }, ip, why) => {
    if (!lists.put("blocked-ip", ip, why)) return FULL;
    afterwards.push(closeBlocked);
    return undefined;
  }),
  unblockip: change([address, reason], ({ access: { lists } }, ip) => {
    lists.remove("blocked-ip", ip);
    return undefined;
  }),
  listblockedips: listing("blocked-ip", "ip"),
};
