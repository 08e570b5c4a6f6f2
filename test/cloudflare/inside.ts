import { runInDurableObject } from "cloudflare:test";
import type { EventStore } from "../../src/store/event-store.ts";
import type { Sql } from "../../src/store/sql.ts";
import { freshRelay, type WorkerdRelay } from "../support/hosts/workerd.ts";
import { inStore } from "../support/stock.ts";

/** Runs `body` on the store of an object of its own. */
export function inFreshStore<T>(body: (store: EventStore, sql: Sql) => T | Promise<T>): Promise<T> {
  return inStore(freshRelay(), body);
}

/** When the alarm rings, in Unix milliseconds. */
export function alarmOf(relay: WorkerdRelay): Promise<number | null> {
  return runInDurableObject(relay.stub, (_object, state) => state.storage.getAlarm());
}
