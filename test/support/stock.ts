import { vi } from "vitest";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { type Event, serializeEvent } from "../../src/protocol/event.ts";
import type { AccessList, AccessLists } from "../../src/relay/ports.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Client, Filter, Frame } from "./client.ts";
import { secp256k1 } from "./crypto.ts";
import { freshRelay, type TestRelay } from "./relay.ts";

/** The store does not look at signatures, so that thousands of events need none. Their ids are real. */
const crypto = { ...secp256k1, verifyAll: () => true };

let serial = 0;

export type Template = { pubkey?: string; kind?: number; created_at?: number; tags?: string[][]; content?: string };

/** An event with a real id and no signature, unlike every other. */
export function unsigned(template: Template): Event {
  const base = { id: "", pubkey: "1".repeat(64), kind: 1, created_at: 1_700_000_000, tags: [], sig: "0".repeat(128) };
  const draft = { ...base, content: `${++serial}`, ...template };
  return { ...draft, id: crypto.sha256(serializeEvent(draft).hashed) };
}

export function verified(event: Event): VerifiedEvent {
  const checked = VerifiedEvent.check(event, crypto);
  if (!checked.ok) throw new Error(checked.reason);
  return checked.value;
}

/** The same database, which counts what is asked of it with `all`. */
export function counting(sql: Sql): { counted: Sql; statements: () => number } {
  let statements = 0;
  const all: Sql["all"] = (...args) => {
    statements++;
    return sql.all(...args);
  };
  return { counted: { ...sql, all }, statements: () => statements };
}

/** Puts events into the store as if they had come long ago: no policy sees them. In batches as they are committed. */
export function putAll(store: EventStore, events: readonly Event[]): void {
  for (let i = 0; i < events.length; i += 256) {
    const results = store.put(events.slice(i, i + 256).map(verified));
    const other = results.find(({ outcome }) => outcome !== "stored");
    if (other !== undefined) throw new Error(JSON.stringify(other));
  }
}

/** A relay that holds the events from before its start. */
export async function relayHolding(...events: readonly Event[]): Promise<TestRelay> {
  const relay = freshRelay();
  await stock(relay, events);
  return relay;
}

/** Puts events into the store of a relay that has not been used yet. */
export function stock(relay: TestRelay, events: readonly Event[]): Promise<void> {
  return relay.database((sql) => putAll(new EventStore(sql), events));
}

/** Works on the store of a relay that has not been used yet. */
export function inStore<T>(relay: TestRelay, body: (store: EventStore, sql: Sql) => T | Promise<T>): Promise<T> {
  return relay.database((sql) => body(new EventStore(sql), sql));
}

export type Entry = [list: AccessList, subject: string, detail?: string];

/** Puts entries on the lists of a relay that has not been used yet, or is restarted next. */
export function enlist(relay: TestRelay, ...entries: Entry[]): Promise<void> {
  return relay.database((sql) => {
    const lists = new AccessStore(sql);
    for (const [name, subject, detail] of entries) lists.put(name, subject, detail ?? "");
  });
}

/** One number out of the store, by SQL. */
export function lookUp(relay: TestRelay, query: string): Promise<number> {
  return relay.database((sql) => Number(sql.all(query)[0]?.[0]));
}

/** Events that are physically there. */
export const storedEvents = (relay: TestRelay): Promise<number> => lookUp(relay, "SELECT count(*) FROM event");

/** Sets the clock of test and relay, in seconds; `vi.useRealTimers` puts it back. Only the date: timers go on. */
export function setClock(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: seconds * 1000 });
}

/** The answer to a COUNT that must be one. */
export async function countOf(client: Client, ...filters: Filter[]): Promise<number> {
  const [verb, , result] = await client.ask(["COUNT", "count", ...filters]);
  if (verb !== "COUNT") throw new Error(JSON.stringify(result));
  return (result as { count: number }).count;
}

/** What an OK says, without its id: acceptance and prefix. */
export function verdict([, , accepted, text]: Frame): [unknown, string] {
  return [accepted, String(text).split(":")[0] as string];
}

/** Sends a REQ that must be accepted. */
export async function expectEose(client: Client, id: string, ...filters: unknown[]): Promise<void> {
  const { end } = await client.req(id, ...filters);
  if (end[0] !== "EOSE") throw new Error(JSON.stringify(end));
}

/** Access of a relay whose lists are empty. */
export const NO_LISTS: AccessLists = {
  has: () => false,
  get: () => undefined,
  entries: () => [],
  size: () => 0,
  put: () => false,
  remove: () => false,
};
