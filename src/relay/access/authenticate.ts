import { checkAuth } from "../../protocol/auth.ts";
import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { parseEvent, serializeEvent } from "../../protocol/event.ts";
import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Config } from "../config/config.ts";
import { type Connection, MAX_AUTHED_KEYS } from "../connection.ts";
import type { Throttle } from "../limits/throttle.ts";
import type { Metrics } from "../metrics.ts";
import type { Host } from "../ports.ts";
import { countFailure, refuseAttempt } from "./attempts.ts";

export interface AuthenticateDeps {
  config: Config;
  crypto: Crypto;
  meter: Meter;
  metrics: Metrics;
  host: Pick<Host, "clock" | "survival" | "report">;
  throttle: Pick<Throttle, "refuseKey">;
}

/**
 * AUTH: adds the key to the connection's authed set if all checks of R-05-53 pass. Stores nothing (R-05-59). Returns
 * `barred` if the key was cut off a short while ago: then the connection is to be closed.
 */
export function authenticate(
  deps: AuthenticateDeps,
  connection: Connection,
  id: string | undefined,
  event: object,
): "barred" | undefined {
  const named = id ?? idOf(event, deps.crypto);
  if (named === undefined) {
    connection.send(["NOTICE", "invalid: AUTH needs an event"]);
    return undefined;
  }
  const now = deps.host.clock.nowSeconds();
  const limited = refuseAttempt(connection, "AUTH attempts", now);
  if (limited !== undefined) {
    refuseLogin(deps, connection, named, limited);
    return undefined;
  }
  const proven = prove(deps, connection, { ...event, id: named }, now);
  const barred = proven.ok ? deps.throttle.refuseKey(proven.value) : undefined;
  if (barred !== undefined) {
    refuseLogin(deps, connection, named, barred);
    return "barred";
  }
  if (!proven.ok) {
    countFailure(connection, now);
    deps.host.survival.keep(connection);
    refuseLogin(deps, connection, named, proven.reason);
    return undefined;
  }
  addKey(deps, connection, proven.value);
  deps.metrics.logins++;
  connection.send(["OK", named, true, ""]);
  return undefined;
}

function refuseLogin({ metrics, host }: AuthenticateDeps, connection: Connection, id: string, reason: Reason): void {
  metrics.loginsRefused++;
  host.report("login refused", { connection: connection.id, from: connection.origin?.network, reason }, "info");
  connection.send(["OK", id, false, reason]);
}

/** The host keeps the new key before anybody hears of it (R-06-11); one that it cannot keep does not count. */
function addKey({ host }: AuthenticateDeps, connection: Connection, pubkey: string): void {
  if (connection.authed.has(pubkey)) return;
  connection.authed.add(pubkey);
  try {
    host.survival.keep(connection);
  } catch (error) {
    connection.authed.delete(pubkey);
    throw error;
  }
}

/** The key that an AUTH event proves, if all checks pass. */
function prove(
  { config, crypto, meter }: AuthenticateDeps,
  connection: Connection,
  value: object,
  now: number,
): Result<string> {
  const parsed = parseEvent(value);
  if (!parsed.ok) return parsed;
  const wrong = checkAuth(parsed.value, {
    challenge: connection.challenge,
    relayUrls: config.relayUrls,
    urlMatch: config.urlMatch,
    now,
    tolerance: config.authTolerance,
  });
  // Clients take `auth-required:` as a call to log in, which this connection has done (R-05-54).
  if (wrong !== undefined) return refuse(`${connection.isAuthenticated ? "invalid" : "auth-required"}: ${wrong}`);
  meter.spent += COST.loneSignature;
  const checked = VerifiedEvent.check(parsed.value, crypto);
  if (!checked.ok) return checked;
  const { pubkey } = checked.value.event;
  if (!connection.authed.has(pubkey) && connection.authed.size >= MAX_AUTHED_KEYS) {
    return refuse(`restricted: at most ${MAX_AUTHED_KEYS} keys on one connection, open another for more`);
  }
  return accept(pubkey);
}

/** The id that an AUTH event without one should have (R-05-57); undefined if its other members are malformed. */
function idOf(event: object, crypto: Crypto): string | undefined {
  const parsed = parseEvent({ ...event, id: "0".repeat(64) });
  return parsed.ok ? crypto.sha256(serializeEvent(parsed.value).hashed) : undefined;
}
