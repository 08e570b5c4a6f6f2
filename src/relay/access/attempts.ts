import type { Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";

/** Failed AUTH attempts and joins, taken together, that one connection has in a minute (R-05-62). */
const MAX_FAILURES = 10;
const WINDOW_SECONDS = 60;

/** Why a connection may not try once more at `now`, in seconds; `what` it is that it tries. */
export function refuseAttempt(connection: Connection, what: string, now: number): Reason | undefined {
  // In either direction: the clock may have been set back.
  if (Math.abs(now - connection.failedSince) >= WINDOW_SECONDS) connection.failedAuths = 0;
  if (connection.failedAuths < MAX_FAILURES) return undefined;
  return `rate-limited: too many failed ${what}, retry=${connection.failedSince + WINDOW_SECONDS - now}`;
}

/** Counts a failure. The caller saves the attachment, so that hibernation forgets none. */
export function countFailure(connection: Connection, now: number): void {
  if (connection.failedAuths++ === 0) connection.failedSince = now;
}
