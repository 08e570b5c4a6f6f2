import type { Config } from "../../relay/config/config.ts";
import type { Origin } from "../../relay/connection.ts";
import type { Blocked } from "../../relay/limits/blocked.ts";
import { plain } from "./pages.ts";

/** How many connections of a sort there are, in all and from one client. */
export interface Counted {
  readonly size: number;
  countFrom(origin: Origin): number;
}

/** Connections of one address where `MAX_CONNECTIONS_PER_IP` is not set; those of this machine are then not counted. */
const DEFAULT_PER_ADDRESS = 200;

/** When somebody who was turned away may try again, in seconds. */
const RETRY = { "Retry-After": "30" };

/**
 * Why a new connection is not let in, as the answer to its upgrade; undefined if it is. Each of `sorts` has its own bounds:
 * those that were closed and do not go take nobody's place, but each is a file of the process.
 */
export function turnAway(
  origin: Origin | undefined,
  config: Config,
  blocked: Blocked,
  sorts: readonly Counted[],
): Response | undefined {
  if (origin !== undefined && blocked.has(origin.address)) return plain(403, "This address is blocked.");
  if (sorts.some(({ size }) => size >= config.maxConnections)) {
    return plain(503, "The relay has too many connections.", RETRY);
  }
  if (origin === undefined || (origin.isLoopback && config.maxConnectionsPerIp === undefined)) return undefined;
  const most = config.maxConnectionsPerIp ?? DEFAULT_PER_ADDRESS;
  if (sorts.every((sort) => sort.countFrom(origin) < most)) return undefined;
  return plain(429, "There are too many connections from this address.", RETRY);
}

/** Headers in which proxies name the client. */
const FORWARDED = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"];

/** What the operator is told of a request that a proxy on this machine seems to have passed on, and of others like it. */
export function proxyWarning(isLoopback: boolean, headers: Headers, config: Config): string | undefined {
  const header = FORWARDED.find((name) => headers.has(name));
  if (config.clientIpHeader !== undefined || !isLoopback || header === undefined) return undefined;
  return (
    `Warning: a proxy on this machine sends ${header}, and all its clients count as one of this machine. ` +
    "Set CLIENT_IP_HEADER to the header that it overwrites."
  );
}
