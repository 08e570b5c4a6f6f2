import { checkAuth } from "../protocol/auth.ts";
import { parseEvent, serializeEvent } from "../protocol/event.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Crypto } from "../protocol/secp256k1.ts";
import { VerifiedEvent } from "../protocol/verify.ts";
import type { Config } from "./config.ts";
import { type Connection, MAX_AUTHED_KEYS } from "./connection.ts";
import type { Clock } from "./ports.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Failed AUTH attempts that one connection has in a minute (R-05-62). */
const MAX_FAILURES = 10;
const WINDOW_SECONDS = 60;

export interface AuthenticateDeps {
  config: Config;
  crypto: Crypto;
  clock: Clock;
  subscriptions: Subscriptions;
}

/** AUTH: adds the key to the connection's authed set if all checks of R-05-53 pass. Stores nothing (R-05-59). */
export function authenticate(
  deps: AuthenticateDeps,
  connection: Connection,
  id: string | undefined,
  event: object,
): void {
  const named = id ?? idOf(event, deps.crypto);
  if (named === undefined) return connection.send(["NOTICE", "invalid: AUTH needs an event"]);
  const now = deps.clock.nowSeconds();
  if (now - connection.failedSince >= WINDOW_SECONDS) connection.failedAuths = 0;
  if (connection.failedAuths >= MAX_FAILURES) {
    const retry = connection.failedSince + WINDOW_SECONDS - now;
    return connection.send(["OK", named, false, `rate-limited: too many failed AUTH attempts, retry=${retry}`]);
  }
  const failure = attempt(deps, connection, { ...event, id: named }, now);
  if (failure !== undefined && connection.failedAuths++ === 0) connection.failedSince = now;
  // The attachment holds the new state before anybody hears of it (R-06-11).
  deps.subscriptions.keep(connection);
  connection.send(["OK", named, failure === undefined, failure ?? ""]);
}

function attempt(
  { config, crypto }: AuthenticateDeps,
  connection: Connection,
  value: object,
  now: number,
): Reason | undefined {
  const parsed = parseEvent(value);
  if (!parsed.ok) return parsed.reason;
  const refusal = checkAuth(parsed.value, {
    challenge: connection.challenge,
    relayUrls: config.relayUrls,
    urlMatch: config.urlMatch,
    now,
    tolerance: config.authTolerance,
  });
  if (refusal !== undefined) return refusal;
  const checked = VerifiedEvent.check(parsed.value, crypto);
  if (!checked.ok) return checked.reason;
  const { pubkey } = checked.value.event;
  if (!connection.authed.has(pubkey) && connection.authed.size >= MAX_AUTHED_KEYS) {
    return `restricted: at most ${MAX_AUTHED_KEYS} keys on one connection`;
  }
  connection.authed.add(pubkey);
  return undefined;
}

/** The id that an AUTH event without one should have (R-05-57); undefined if its other members are malformed. */
function idOf(event: object, crypto: Crypto): string | undefined {
  const parsed = parseEvent({ ...event, id: "0".repeat(64) });
  return parsed.ok ? crypto.sha256(serializeEvent(parsed.value).hashed) : undefined;
}
