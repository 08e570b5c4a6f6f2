import type { Config } from "../../relay/config/config.ts";
import type { Origin } from "../../relay/connection.ts";
import type { Running } from "../assemble.ts";
import { plain } from "./pages.ts";

/** How many connections of a sort there are, in all and from one client. */
export interface Counted {
  readonly size: number;
  countFrom(origin: Origin): number;
}

/** Connections of one IP address where `MAX_CONNECTIONS_PER_IP` is not set; those of this machine are then not counted. */
const DEFAULT_PER_IP = 200;

/** When somebody for whom there is no place may try again, in seconds. */
const RETRY_SECONDS = 30;

/**
 * Why a new connection is not let in, as the answer to its upgrade; undefined if it is. `closing` are those that have ended
 * and whose client stays: they take nobody's place, but have bounds of their own, since each is a file of the process.
 */
export function turnAway(
  origin: Origin | undefined,
  { config, blocked, relay }: Pick<Running, "config" | "blocked" | "relay">,
  closing: Counted,
): Response | undefined {
  const sorts = [relay.connections, closing];
  if (origin !== undefined && blocked.has(origin.ip)) {
    return plain(403, "This address is blocked.");
  }
  if (sorts.some(({ size }) => size >= config.maxConnections)) {
    return refused(503, "The relay has too many connections.", RETRY_SECONDS);
  }
  if (origin !== undefined && !(origin.isLoopback && config.maxConnectionsPerIp === undefined)) {
    const most = config.maxConnectionsPerIp ?? DEFAULT_PER_IP;
    if (sorts.some((sort) => sort.countFrom(origin) >= most)) {
      return refused(429, "There are too many connections from this address.", RETRY_SECONDS);
    }
  }
  const waitMs = relay.checkConnection(origin);
  if (waitMs === 0) return undefined;
  return refused(429, "Too many new connections come from this address.", Math.ceil(waitMs / 1000));
}

function refused(status: number, text: string, retrySeconds: number): Response {
  return plain(status, text, { "Retry-After": String(retrySeconds) });
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
