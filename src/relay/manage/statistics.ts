import { HANDLER_KIND } from "../../protocol/job/job.ts";
import { type JobRole, roleOfKind } from "../../protocol/job/profile.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { EventStore } from "../../store/event-store.ts";
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
  const others = store.counts.others();
  const jobs = byKind.map(([kind, count]) => [kind, count - (others.get(kind) ?? 0)] as const);
  const inRole = (role: JobRole) => jobs.filter(([kind, count]) => roleOfKind(kind) === role && count > 0);
  const sum = (counts: readonly (readonly [number, number])[]) => counts.reduce((total, [, count]) => total + count, 0);
  const requests = inRole("request");
  return {
    version: deps.version,
    ...deps.age(),
    connections: connections.length,
    authenticated_connections: connections.filter((connection) => connection.isAuthenticated).length,
    subscriptions: relay.subscriptions.index.size,
    events_total: sum(byKind),
    events_by_kind: Object.fromEntries(byKind),
    ...(isForAdmins ? { storage_bytes: deps.storageBytes() } : {}),
    storage_full: log.isFull(),
    // Stored events, whatever their age.
    dvm: {
      requests: sum(requests),
      requests_by_kind: Object.fromEntries(requests),
      results: sum(inRole("result")),
      feedback: sum(inRole("feedback")),
      handlers: sum(byKind.filter(([kind]) => kind === HANDLER_KIND)),
    },
  };
}
