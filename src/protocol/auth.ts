import { type Event, expirationOf } from "./event.ts";
import { AUTH_KIND } from "./kind.ts";
import { normalizeRelayUrl } from "./relay-url.ts";

/** What an AUTH event is checked against. */
export interface AuthCheck {
  /** Challenge of this very connection. */
  challenge: string;
  /** `RELAY_URL` first, then its aliases. */
  relayUrls: readonly string[];
  urlMatch: "normalized" | "exact";
  /** Seconds. */
  now: number;
  /** Seconds that created_at may lie before or after `now`. */
  tolerance: number;
}

/** Relay tags that are looked at: taking a URL apart takes time, and nobody means more than a few. */
const MAX_RELAY_TAGS = 16;

/**
 * The NIP-42 checks besides id and signature (R-05-53): kind, relay, challenge, time. Returns what is wrong by the first
 * that fails, without a prefix. `content` and other tags do not matter, but for an `expiration` in the past (C-20).
 */
export function checkAuth(event: Event, check: AuthCheck): string | undefined {
  if (event.kind !== AUTH_KIND) return `kind must be ${AUTH_KIND}`;
  const challenge = event.tags.find((tag) => tag[0] === "challenge")?.[1];
  if (challenge !== check.challenge) return "challenge is not the one sent on this connection";
  const relays = event.tags.filter((tag) => tag[0] === "relay").slice(0, MAX_RELAY_TAGS);
  if (!relays.some(([, relay = ""]) => isThisRelay(relay, check))) {
    return `relay tag must be ${check.relayUrls[0]}`;
  }
  if (Math.abs(check.now - event.created_at) > check.tolerance) {
    return `created_at is more than ${check.tolerance} seconds off`;
  }
  const expiration = expirationOf(event);
  if (expiration !== undefined && expiration <= check.now) return "event expired";
  return undefined;
}

function isThisRelay(relay: string, { relayUrls, urlMatch }: AuthCheck): boolean {
  if (urlMatch === "exact") return relayUrls.includes(relay);
  const normalized = normalizeRelayUrl(relay);
  return normalized !== undefined && relayUrls.some((url) => normalizeRelayUrl(url) === normalized);
}
