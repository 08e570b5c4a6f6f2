import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Crypto } from "../../src/protocol/crypto/secp256k1.ts";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { type Event, serializeEvent } from "../../src/protocol/event.ts";
import type { AccessLists } from "../../src/relay/ports.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import type { Sql } from "../../src/store/sql.ts";

// Events for a store, without a relay.

/** The store does not look at signatures, so that thousands of events need none. Their ids are real. */
const crypto: Pick<Crypto, "sha256" | "verifyAll" | "verify"> = {
  sha256: (text) => bytesToHex(sha256(utf8ToBytes(text))),
  verifyAll: () => true,
  verify: () => true,
};

let serial = 0;

export type Template = { pubkey?: string; kind?: number; created_at?: number; tags?: string[][]; content?: string };

/** An event with a real id and no signature, unlike every other. */
export function unsigned(template: Template): Event {
  const base = { id: "", pubkey: "1".repeat(64), kind: 1, created_at: 1_700_000_000, tags: [], sig: "0".repeat(128) };
  const draft = { ...base, content: `${++serial}`, ...template };
  return { ...draft, id: crypto.sha256(serializeEvent(draft).hashed) };
}

export function verified(event: Event): VerifiedEvent {
  const checked = VerifiedEvent.check(event, crypto as Crypto);
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

/** Access of a relay whose lists are empty. */
export const NO_LISTS: AccessLists = {
  revision: 0,
  has: () => false,
  get: () => undefined,
  entries: () => [],
  first: () => undefined,
  size: () => 0,
  put: () => false,
  remove: () => false,
};
