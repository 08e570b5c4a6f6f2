import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { durableSql } from "../../src/hosts/cloudflare/durable-sql.ts";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { type Event, serializeEvent } from "../../src/protocol/event.ts";
import type { AccessLists } from "../../src/relay/ports.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { migrate } from "../../src/store/schema.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Client, Filter, Frame } from "../support/client.ts";
import { freshRelay, type TestRelay } from "../support/relay.ts";

/** The store does not look at signatures, so that thousands of events need none. Their ids are real. */
const crypto = { ...createCrypto(wasm), verifyAll: () => true };

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

/** Runs `body` on a store in the object, which must not be running yet. */
export function inStore<T>(relay: TestRelay, body: (store: EventStore, sql: Sql) => T | Promise<T>): Promise<T> {
  return runInDurableObject(relay.stub, (_object, state) => {
    const sql = durableSql(state.storage);
    migrate(sql);
    return body(new EventStore(sql), sql);
  });
}

/** The same store, which counts what is asked of it with `all`. */
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
export async function relayHolding(...events: Event[]): Promise<TestRelay> {
  const relay = freshRelay();
  await inStore(relay, (store) => putAll(store, events));
  return relay;
}

/** A fresh relay with these variables, until it is evicted. */
export async function relayWith(variables: Record<string, string>): Promise<TestRelay> {
  const relay = freshRelay();
  await configure(relay, variables);
  return relay;
}

/** Sets variables of an object that has not run yet, or is away. */
export function configure(relay: TestRelay, variables: Record<string, string>): Promise<void> {
  return runInDurableObject(relay.stub, (object) => {
    const configurable = object as unknown as { env: Record<string, unknown> };
    configurable.env = { ...configurable.env, ...variables };
  });
}

/** Lets the alarm ring now; false if none is set. */
export function ring(relay: TestRelay): Promise<boolean> {
  return runDurableObjectAlarm(relay.stub);
}

/** Rings until no alarm is set for now or before; returns how often. */
export async function ringAll(relay: TestRelay): Promise<number> {
  for (let times = 0; times < 1000; times++) {
    if (!(await isDue(relay))) {
      // While the runtime itself runs the alarm none is set; the next one is set at its end.
      await scheduler.wait(50);
      if (!(await isDue(relay))) return times;
    }
    await ring(relay);
  }
  throw new Error("the alarm never stops");
}

async function isDue(relay: TestRelay): Promise<boolean> {
  const at = await alarmOf(relay);
  return at !== null && at <= Date.now();
}

export function alarmOf(relay: TestRelay): Promise<number | null> {
  return runInDurableObject(relay.stub, (_object, state) => state.storage.getAlarm());
}

export function evict(relay: TestRelay): Promise<void> {
  return evictDurableObject(relay.stub);
}

/** One number out of the store, by SQL. */
export function lookUp(relay: TestRelay, query: string): Promise<number> {
  return runInDurableObject(relay.stub, (_object, { storage }) =>
    Number(storage.sql.exec(query).raw().next().value?.[0]),
  );
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

/** Access of a relay whose lists are empty. */
export const NO_LISTS: AccessLists = {
  has: () => false,
  get: () => undefined,
  entries: () => [],
  size: () => 0,
  put: () => false,
  remove: () => false,
};
