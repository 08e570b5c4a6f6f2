import { VANISH_KIND } from "../../../protocol/deletion.ts";
import { normalizeRelayUrl } from "../../../protocol/relay-url.ts";
import type { LatePolicy } from "../submission.ts";

/** R-05-18, R-05-19: a request to vanish must name this relay, in any spelling, or all of them. */
export const vanish: LatePolicy = ({ event, config }) => {
  if (event.kind !== VANISH_KIND) return undefined;
  const relays = event.tags.filter((tag) => tag[0] === "relay").map((tag) => tag[1] ?? "");
  const own = config.relayUrls.map(normalizeRelayUrl);
  const isMeant = relays.some((relay) => relay === "ALL_RELAYS" || own.includes(normalizeRelayUrl(relay) ?? "none"));
  return isMeant ? undefined : "invalid: the request does not name this relay";
};
