import type { EventLog } from "../../store/event-log.ts";
import type { EventStore } from "../../store/event-store.ts";
import type { JobBoard } from "../board/job-board.ts";
import type { Config } from "../config/config.ts";
import type { Relay } from "../relay.ts";

export interface StatisticsDeps {
  config: Config;
  relay: Relay;
  store: EventStore;
  log: EventLog;
  version: string;
  /** How long it has been running, as far as the host knows. */
  age: () => Readonly<Record<string, number>>;
  jobBoard: JobBoard;
  /** Bytes of the database. */
  storageBytes: () => number;
}

/**
 * R-08-06: totals only, no ids, keys or contents. What anybody may ask
 * for leaves private kinds out of every number, and the size of the database, which grows with them (R-05-29).
 */
export function statistics(deps: StatisticsDeps, isForAdmins: boolean): Record<string, unknown> {
  const { config, relay, store, log } = deps;
  const connections = [...relay.connections];
  const byKind = [...store.counts.byKind()]
    .filter(([kind]) => isForAdmins || !config.privateKinds.has(kind))
    .sort(([a], [b]) => a - b);
  const total = byKind.reduce((sum, [, count]) => sum + count, 0);
  return {
    version: deps.version,
    ...deps.age(),
    connections: connections.length,
    authenticated_connections: connections.filter((connection) => connection.isAuthenticated).length,
    subscriptions: relay.subscriptions.index.size,
    events_total: total,
    events_by_kind: Object.fromEntries(byKind),
    ...(isForAdmins ? { storage_bytes: deps.storageBytes() } : {}),
    storage_full: log.isFull(),
    dvm: deps.jobBoard.totals(),
  };
}
