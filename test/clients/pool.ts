import { defaultSocketPolicies, makeSocketPolicyAuth, Pool, publishOne, requestOne, Socket } from "@welshman/net";
import type { Filter, TrustedEvent } from "@welshman/util";
import { type Event, finalizeEvent } from "nostr-tools/pure";
import { afterEach } from "vitest";
import type { Key } from "../support/keys.ts";
import type { Server } from "../support/server.ts";

const pools: Pool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.clear();
});

/** A pool of @welshman/net, for one test, whose sockets log in by themselves, as those of Coracle and Flotilla do. */
export function poolOf(by: Key): Pool {
  const auth = makeSocketPolicyAuth({ sign: async (template) => finalizeEvent(template, by.secret) });
  const pool = new Pool({ makeSocket: (url) => new Socket(url, [...defaultSocketPolicies, auth]) });
  pools.push(pool);
  return pool;
}

/** The name under which the library knows a server. */
export function relayOf({ url }: Server): string {
  return `${url}/`;
}

export function publish(pool: Pool, server: Server, event: Event) {
  return publishOne({ relay: relayOf(server), event, context: { pool }, timeout: 5000 });
}

/** Without the marks that the library leaves on events. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

export async function request(pool: Pool, server: Server, filter: Filter): Promise<TrustedEvent[]> {
  const events = await requestOne({ relay: relayOf(server), filters: [filter], context: { pool }, autoClose: true });
  return plain(events);
}
