import type { Connection } from "./connection.ts";

/** What the connections have open that a key is logged in on. */
export interface Presence {
  connections: number;
  subscriptions: number;
}

/** The keys that are logged in now. Goes through all connections. */
export function presenceOf(connections: Iterable<Connection>): ReadonlyMap<string, Presence> {
  const byKey = new Map<string, Presence>();
  for (const { authed, subscriptions } of connections) {
    for (const key of authed) {
      const presence = byKey.get(key) ?? { connections: 0, subscriptions: 0 };
      presence.connections++;
      presence.subscriptions += subscriptions.size;
      byKey.set(key, presence);
    }
  }
  return byKey;
}
