import type { Connection } from "../connection.ts";

/** Connections, subscriptions, filters and kinds that are looked at for one key, all together. */
export const LOOKED_AT = 2000;

/**
 * The kinds that open subscriptions of these connections ask for. What lies behind {@link LOOKED_AT} is not looked at, so
 * that an answer about many keys does not take long.
 */
export function kindsListenedTo(connections: readonly Connection[]): ReadonlySet<number> | "all" {
  const listened = new Set<number>();
  let looked = 0;
  for (const { subscriptions } of connections) {
    if (looked++ >= LOOKED_AT) break;
    for (const { filters } of subscriptions.values()) {
      if (looked++ >= LOOKED_AT) break;
      for (const { never, ids, kinds } of filters) {
        if (looked++ >= LOOKED_AT) break;
        if (never || ids !== undefined) continue;
        if (kinds === undefined) return "all";
        for (const kind of kinds) {
          if (looked++ >= LOOKED_AT) break;
          listened.add(kind);
        }
      }
    }
  }
  return listened;
}
