import type { Event } from "../../../src/protocol/event.ts";
import type { EventStore } from "../../../src/store/event-store.ts";
import { prune } from "../../../src/store/ledger/tallies.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { NOW, unsigned } from "../stocked.ts";

/** A key for a test. */
export const key = (n: number) => n.toString(16).padStart(64, "0");

export const [CUSTOMER, ALFA, BRAVO, OTHER] = [key(0xc), key(0xa1), key(0xb1), key(0xd)];

export const request = (over: Partial<Event> = {}) =>
  unsigned({ pubkey: CUSTOMER, kind: 5050, tags: [["i", "text", "text"]], ...over });

const about = ({ id, pubkey }: Event) => [
  ["e", id],
  ["p", pubkey],
];

export const feedback = (job: Event, provider: string, status: string, after = 1, tags: string[][] = []) =>
  unsigned({
    pubkey: provider,
    kind: 7000,
    created_at: job.created_at + after,
    tags: [...about(job), ["status", status], ...tags],
  });

export const result = (job: Event, provider: string, after = 2, tags: string[][] = []) =>
  unsigned({
    pubkey: provider,
    kind: job.kind + 1000,
    created_at: job.created_at + after,
    tags: [...about(job), ...tags],
  });

export const deletion = (of: Event) =>
  unsigned({ pubkey: of.pubkey, kind: 5, created_at: NOW + 100, tags: [["e", of.id]] });

export const handler = (provider: string, d: string, kinds: readonly number[], created_at = NOW) =>
  unsigned({ pubkey: provider, kind: 31990, created_at, tags: [["d", d], ...kinds.map((k) => ["k", String(k)])] });

/** All that the ledger holds, row by row. */
export function dump(sql: Sql): Record<string, unknown[]> {
  const table = (name: string, columns: string) => sql.all(`SELECT ${columns} FROM ${name} ORDER BY 1, 2, 3`);
  return {
    jobs: table(
      "job",
      "hex(id), kind, hex(customer), made, deadline, ended, open, state, feedback, result, hex(provider), amount",
    ),
    evidence: table("evidence", "hex(job), class, hex(place), hex(provider), kind, state, hex(customer), amount"),
    providers: table("provider", "hex(pubkey), kind, handlers, working, failed, answered, feedback, result"),
  };
}

/** What the ledger comes to when it is derived anew; the store is as before. */
export function rebuilt(
  sql: Sql,
  store: EventStore,
  now: number,
): { ledger: ReturnType<typeof dump>; tallies: unknown } {
  store.ledger.rebuild();
  for (let steps = 0; store.ledger.isRebuilding; steps++) {
    if (steps > 10_000) throw new Error("the rebuild does not end");
    // Nothing else of what is to be done is.
    store.workLedger();
  }
  return { ledger: dump(sql), tallies: talliesOf(store, now) };
}

/** Those that may be asked for at `now`, in seconds. */
export function talliesOf(store: EventStore, now: number): unknown {
  const tallies = new Map(store.counts.tallies());
  prune(tallies, now);
  return [...tallies].sort(([a], [b]) => (a < b ? -1 : 1));
}
