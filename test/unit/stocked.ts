import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { type Event, indexedTags, serializeEvent } from "../../src/protocol/event.ts";
import { type Filter, parseFilter } from "../../src/protocol/filter.ts";
import type { Reader } from "../../src/protocol/visibility.ts";
import { EventLog, type LogLimits } from "../../src/store/event-log.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { migrate } from "../../src/store/schema.ts";
import type { Steps } from "../../src/store/steps.ts";
import { memorySql } from "../support/memory-sql.ts";

export const NOW = 1_700_000_000;
export const AUTHOR = "a".repeat(64);
export const OTHER = "b".repeat(64);
export const READER: Reader = { authed: new Set([AUTHOR]), privateKinds: new Set([4, 1059]) };
export const EVERYTHING = { andFilters: true, search: { exceptKinds: new Set([4, 1059]) } };

let serial = 0;

/** An event with its true id and no signature. */
export function unsigned(template: Partial<Event> = {}): Event {
  const event = {
    id: "",
    pubkey: AUTHOR,
    created_at: NOW,
    kind: 1,
    tags: [],
    content: `${++serial}`,
    sig: "0".repeat(128),
    ...template,
  };
  return { ...event, id: bytesToHex(sha256(new TextEncoder().encode(serializeEvent(event).hashed))) };
}

/** As if its signature had been checked. */
export function verified(event: Event): VerifiedEvent {
  const { raw } = serializeEvent(event);
  return Object.assign(Object.create(VerifiedEvent.prototype), { event, raw, tags: indexedTags(event) });
}

export function filter(raw: unknown): Filter {
  const parsed = parseFilter(raw, EVERYTHING);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

/** Runs it to its end; the most units that one step took. */
export function finish<T>(steps: Steps<T>, spent: () => number): { value: T; longest: number; pauses: number } {
  for (let longest = 0, pauses = 0; ; pauses++) {
    const before = spent();
    const { done, value } = steps.next();
    longest = Math.max(longest, spent() - before);
    if (done) return { value, longest, pauses };
  }
}

/** A store in memory, and the log over it. */
export class Stock {
  readonly sql: ReturnType<typeof memorySql>;
  store: EventStore;
  log: EventLog;
  now = NOW;
  readonly #limits: LogLimits;

  constructor(limits: Partial<LogLimits> = {}, path?: string) {
    this.sql = memorySql(path);
    migrate(this.sql);
    this.#limits = {
      defaultLimit: 500,
      maxLimit: 5000,
      maxCount: 100_000,
      maxStorage: Number.POSITIVE_INFINITY,
      retention: [],
      privateKinds: READER.privateKinds,
      eoseHintEnabled: true,
      ...limits,
    };
    [this.store, this.log] = this.#open();
  }

  /** As after a crash: all that is in memory is lost. */
  restart(): void {
    [this.store, this.log] = this.#open();
  }

  #open(): [EventStore, EventLog] {
    const store = new EventStore(this.sql, { search: EVERYTHING.search, nowSeconds: () => this.now });
    const erasing = { isPending: () => false, hides: () => false };
    return [store, new EventLog(this.sql, store, this.#limits, () => this.now, erasing)];
  }

  put(...events: Event[]): string[] {
    return this.log.append(events.map(verified)).map(({ outcome }) => outcome);
  }

  /** Ids of the whole stored answer. */
  query(...filters: unknown[]): string[] {
    const answer = this.log.scan(filters.map(filter), READER);
    const ids: string[] = [];
    for (;;) {
      const { events, isLast, refusal } = answer.next();
      if (refusal !== undefined) throw new Error(refusal);
      ids.push(...events.map((raw) => (JSON.parse(raw) as Event).id));
      if (isLast) return ids;
    }
  }

  count(...filters: unknown[]): number {
    const { value } = finish(this.log.count(filters.map(filter), READER), () => this.sql.meter.spent);
    if (typeof value === "string") throw new Error(value);
    return value.count;
  }

  /** Erases all that waits; the units that the longest step took, and how many there were. */
  erase(): { longest: number; steps: number; ms: number } {
    let [longest, steps, ms] = [0, 0, 0];
    for (; this.store.isErasing; steps++) {
      const before = this.sql.meter.spent;
      const start = performance.now();
      this.store.eraseSome();
      ms = Math.max(ms, performance.now() - start);
      longest = Math.max(longest, this.sql.meter.spent - before);
    }
    return { longest, steps, ms };
  }

  /** Takes back what the migrations from an earlier schema, 7 to 10, have made that cannot be made twice. */
  makeOlder(schema: number): void {
    for (const table of ["tombstone", "address_tombstone"]) {
      this.sql.all(`ALTER TABLE ${table} DROP COLUMN was_stored`);
    }
    if (schema < 10) this.sql.all("DROP INDEX audit_caller");
    for (const table of ["job", "evidence", "provider"]) this.sql.all(`DROP TABLE ${table}`);
    this.sql.all("UPDATE meta SET value = ?1 WHERE key = 'schema'", String(schema));
  }

  rows(table: string): number {
    return Number(this.sql.all(`SELECT count(*) FROM ${table}`)[0]?.[0]);
  }
}
