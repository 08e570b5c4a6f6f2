import type { Event } from "../protocol/event.ts";
import type { Filter } from "../protocol/filter.ts";
import type { Records } from "../protocol/negentropy-records.ts";
import type { Reason } from "../protocol/reason.ts";
import type { VerifiedEvent } from "../protocol/verify.ts";
import type { Reader } from "../protocol/visibility.ts";

/** What became of an appended event; `failed` means that nothing of it was written. */
export type AppendResult =
  | { outcome: "stored" }
  | { outcome: "duplicate" }
  | { outcome: "superseded" }
  | { outcome: "deleted" }
  | { outcome: "vanished" }
  | { outcome: "failed"; error: unknown };

/** One page of a stored answer. `hint` comes with the last page only. */
export interface Page {
  /** Canonical JSON of each event, in order. */
  events: string[];
  isLast: boolean;
  hint?: "finish" | "more" | "unknown";
}

/** A stored answer under way; it sees no event that was appended after it was opened. */
export interface Pages {
  next(): Promise<Page>;
}

/** Answer to a COUNT. */
export interface CountResult {
  count: number;
  /** There are more than are counted (R-05-38). */
  isCapped: boolean;
  /** HyperLogLog registers, as 512 hex digits, if they were asked for and all matches were counted (R-05-36). */
  hll?: string | undefined;
}

/** The durable log of events. Asynchronous, so that it may live in another object. */
export interface EventLog {
  /** Whether the store is so full that it takes only what frees room. */
  isFull(): boolean;
  /**
   * A hint that an event of this id is stored, which lets it skip the signature check; `append` decides. False for
   * private kinds: only who has the whole event is told that it is known (R-05-29).
   */
  has(id: string): boolean;
  /** Why an event that is not appended must not be passed on either (R-05-06, R-05-21). */
  blockOf(event: Event): "deleted" | "vanished" | undefined;
  /** Stores events in order; when the promise resolves they are in the log, one result for each. */
  append(batch: readonly VerifiedEvent[]): Promise<AppendResult[]>;
  /** Opens the stored answer to a REQ. Everything appended so far is seen. */
  scan(filters: readonly Filter[], reader: Reader): Pages | Reason;
  /** Size of the union of visible matches. With `sketched`, the value of a tag, the registers of their authors too. */
  count(filters: readonly Filter[], reader: Reader, sketched?: string): Promise<CountResult | Reason>;
  /**
   * The visible matches of one filter as they are now, up to its limit (R-05-42). Between stretches of a few milliseconds
   * `admit` is told how many were found so far; when it gives a reason, the search ends with that.
   */
  records(filter: Filter, reader: Reader, admit: (found: number) => Reason | undefined): Promise<Records | Reason>;
}

/** The socket of one connection. */
export interface Socket {
  /** Throws if the socket is dead. */
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Keeps the attachment through hibernation; at most 16,384 bytes. */
  attach(attachment: unknown): void;
}

/** Where subscriptions outlive the memory of the object: one row each. */
export interface SubscriptionRows {
  /** Writes all entries in one transaction. */
  put(entries: readonly (readonly [key: string, filters: unknown[]])[]): void;
  delete(keys: readonly string[]): void;
}

/** Time and timers, so that no other file touches them. */
export interface Clock {
  /** Unix time in whole seconds. */
  nowSeconds(): number;
  /** Calls `task` once, at most `delayMs` from now. A pending call keeps the object in memory. */
  soon(delayMs: number, task: () => void | Promise<void>): void;
  /** Lets other work in. */
  pause(): Promise<void>;
}

/** Structured log line for the operator; never shown to a client. */
export type Log = (message: string, details: Record<string, unknown>) => void;
