import type { Reason } from "../../protocol/reason.ts";
import { type Access, hasOperator } from "../access/access.ts";
import { change, type Method } from "./method.ts";
import { text } from "./parameters.ts";

/** How long an offered token is good, in seconds. */
const OFFER_SECONDS = 3600;

const NO_CLAIM: Reason = "restricted: this is not the token of a claim that is open";

/**
 * Offers the relay to whoever has the token of `CLAIM_TOKEN`, if it has no operator (R-05-85). A token that was offered before
 * keeps its end, also over a restart, and one that was used stays used.
 */
export function offerClaim(access: Access, sha256: (text: string) => string, now: number): void {
  const { config, lists } = access;
  if (config.claimToken === undefined || hasOperator(access)) return;
  const hash = sha256(config.claimToken);
  for (const [other, until] of lists.entries("claim"))
    if (other !== hash && until !== "0") lists.remove("claim", other);
  if (!lists.has("claim", hash)) lists.put("claim", hash, String(now + OFFER_SECONDS));
}

/** Whether somebody may become the operator with the token. */
export function isClaimable(access: Access, now: number): boolean {
  return !hasOperator(access) && access.lists.entries("claim").some(([, until]) => now < Number(until));
}

/** Makes its caller the operator. The record of changes does not have the token. */
export const claimMethods: Record<string, Method> = {
  claim: {
    ...change([text("the token", 200)], ({ access, caller, clock, sha256 }, token) => {
      const { lists } = access;
      const hash = sha256(token);
      const until = Number(lists.get("claim", hash) ?? 0);
      if (hasOperator(access) || clock.nowSeconds() >= until) return NO_CLAIM;
      if (lists.has("banned-pubkey", caller)) return "restricted: a banned key cannot be an operator";
      lists.put("claim", hash, "0");
      lists.put("operator", caller, "");
      return undefined;
    }),
    arity: 0,
  },
};
