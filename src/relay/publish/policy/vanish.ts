import { VANISH_KIND } from "../../../protocol/deletion.ts";
import { normalizeRelayUrl } from "../../../protocol/relay-url.ts";
import type { LatePolicy } from "../submission.ts";

/**
 * R-05-18, R-05-19: a request to vanish must name this relay, in any spelling, or all of them. From somebody else than its
 * author a further name of this relay, which another relay may have too, does not do.
 */
export const vanish: LatePolicy = ({ event, config, authed }) => {
  if (event.kind !== VANISH_KIND) return undefined;
  const relays = event.tags.filter((tag) => tag[0] === "relay").map((tag) => tag[1] ?? "");
  const urls = authed.has(event.pubkey) ? config.vanishUrls : config.publicUrls;
  const own = urls.map(normalizeRelayUrl);
  const isMeant = relays.some((relay) => relay === "ALL_RELAYS" || own.includes(normalizeRelayUrl(relay) ?? "none"));
  return isMeant ? undefined : "invalid: the request does not name this relay";
};
