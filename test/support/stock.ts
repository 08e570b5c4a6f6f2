import { vi } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import type { AccessList } from "../../src/relay/ports.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Client, Filter, Frame } from "./client.ts";
import { putAll } from "./events.ts";
import { freshRelay, type TestRelay } from "./relay.ts";

export { counting, NO_LISTS, putAll, unsigned, verified } from "./events.ts";

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

/** What an OK says, without its id: acceptance and prefix. That nobody listens for a request (R-07-20) is no part of it. */
export function verdict([, , accepted, text]: Frame): [unknown, string] {
  const isHint = accepted === true && String(text).startsWith("info: no provider is listening");
  return [accepted, isHint ? "" : (String(text).split(":")[0] as string)];
}

/** Sends a REQ that must be accepted. */
export async function expectEose(client: Client, id: string, ...filters: unknown[]): Promise<void> {
  const { end } = await client.req(id, ...filters);
  if (end[0] !== "EOSE") throw new Error(JSON.stringify(end));
}
