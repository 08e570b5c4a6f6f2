import type { Config } from "../../relay/config/config.ts";
import type { Origin } from "../../relay/connection.ts";
import type { AccessLists } from "../../relay/ports.ts";
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
  lists: AccessLists,
  sorts: readonly Counted[],
): Response | undefined {
  if (origin !== undefined && lists.has("blocked-ip", origin.address)) return plain(403, "This address is blocked.");
  if (sorts.some(({ size }) => size >= config.maxConnections)) {
    return plain(503, "The relay has too many connections.", RETRY);
  }
  if (origin === undefined || (origin.isLoopback && config.maxConnectionsPerIp === undefined)) return undefined;
  const most = config.maxConnectionsPerIp ?? DEFAULT_PER_ADDRESS;
  if (sorts.every((sort) => sort.countFrom(origin) < most)) return undefined;
  return plain(429, "There are too many connections from this address.", RETRY);
}
