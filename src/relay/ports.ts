import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import type { Event } from "../protocol/event.ts";
import type { Filter } from "../protocol/filter.ts";
import type { Records } from "../protocol/negentropy/records.ts";
import type { Reason } from "../protocol/reason.ts";
import type { Reader } from "../protocol/visibility.ts";

/**
 * What became of an appended event. A position is greater than all that were given before. `obeyed` is a request to vanish
 * that was carried out and not kept; `failed` means that nothing of it was written.
 */
export type AppendResult =
  | { outcome: "stored"; position: number }
  | { outcome: "duplicate" }
  | { outcome: "superseded" }
  | { outcome: "deleted" }
  | { outcome: "vanished" }
  | { outcome: "obeyed" }
  | { outcome: "failed"; error: unknown };

/** One page of a stored answer; it may be empty. `hint` comes with the last page only. */
export interface Page {
  /** Canonical JSON of each event, in order. */
  events: string[];
  isLast: boolean;
  hint?: "finish" | "more" | "unknown";
  /** The REQ is not answered, because of this; there are no events. */
  refusal?: Reason;
}

/** An event that was accepted, and its position if it is stored. */
export interface LiveEvent {
  verified: VerifiedEvent;
  position: number | undefined;
}

/** A stored answer under way; it sees what was appended before it was opened, and nothing else. */
export interface Pages {
  /** Position of the newest event that was appended before: what lies after it comes live. */
  readonly head: number;
  next(): Promise<Page>;
  /** Those that may still be shown of live events that were kept since it was opened. */
  remaining(live: readonly LiveEvent[]): readonly LiveEvent[];
}

/** Answer to a COUNT. */
export interface CountResult {
  count: number;
  /** There are more than are counted (R-05-38), or events went again and again while they were. */
  isApproximate: boolean;
  /** HyperLogLog registers, as 512 hex digits, if they were asked for and the count is exact (R-05-36). */
  hll?: string | undefined;
}

/** The durable log of events. Asynchronous, so that it may live in another object. */
export interface EventLog {
  /** Whether the store is so full that it takes only what frees room. */
  isFull(): boolean;
  /** Whether the store takes this event: it is not full, or the event is a small kind 5 that frees room. */
  hasRoomFor(event: VerifiedEvent): boolean;
  /**
   * Which of these ids are those of stored events: a hint, which lets them skip the signature check; `append` decides.
   * Never those of private kinds: only who has the whole event is told that it is known (R-05-29).
   */
  known(ids: readonly string[]): ReadonlySet<string>;
  /** Why an event that is not appended must not be passed on either (R-05-06, R-05-21). */
  blockOf(event: Event): "deleted" | "vanished" | undefined;
  /** The stored event of an id, unless it is of a private kind or hidden: for judging others, not for showing it. */
  find(id: string): Event | undefined;
  /**
   * Stores events in order; when the promise resolves they are in the log, one result for each. Requests to vanish that
   * are `unkept` are carried out only.
   */
  append(batch: readonly VerifiedEvent[], unkept?: ReadonlySet<VerifiedEvent>): Promise<AppendResult[]>;
  /** Opens the stored answer to a REQ. Everything appended so far is seen. */
  scan(filters: readonly Filter[], reader: Reader): Pages;
  /** Size of the union of visible matches at one moment. With `sketched`, the value of a tag, the registers of their authors too. */
  count(filters: readonly Filter[], reader: Reader, sketched?: string): Promise<CountResult | Reason>;
  /**
   * The visible matches of one filter as they are now, up to its limit (R-05-42). Between stretches of a few milliseconds
   * `admit` is told how many were found so far; when it gives a reason, the search ends with that.
   */
  records(filter: Filter, reader: Reader, admit: (found: number) => Reason | undefined): Promise<Records | Reason>;
}

/**
 * Lists by which access is decided, each an entry's subject and a detail of it:
 *
 * | List | Subject | Detail |
 * |---|---|---|
 * | `banned-pubkey`, `allowed-pubkey` | public key | reason |
 * | `banned-event`, `allowed-event`, `reported-event` | event id | reason |
 * | `allowed-kind`, `disallowed-kind` | kind, in decimal | empty |
 * | `blocked-ip` | address, normalized | reason |
 * | `admin` | public key | JSON array of the methods it may call, empty for all |
 * | `member` | public key | JSON array of role ids |
 * | `role` | role id | JSON of the role |
 * | `invite` | SHA-256 of the code | JSON of the invite |
 * | `owed` | `key:` and a member that came or went, `role:` and a role id, or `members` | empty |
 * | `signing` | `self`, the key that signs; `last`, created_at of what it signed; `foreign`, while events are removed that another key signed | value |
 * | `erasing` | public key whose events are being removed, or id of one that is | empty |
 * | `setting` | `name`, `description` or `icon` | value |
 * | `spent` | signature of a NIP-98 event that was used | Unix seconds until which it would be valid, and its key |
 */
export type AccessList =
  | "banned-pubkey"
  | "allowed-pubkey"
  | "banned-event"
  | "allowed-event"
  | "reported-event"
  | "allowed-kind"
  | "disallowed-kind"
  | "blocked-ip"
  | "admin"
  | "member"
  | "role"
  | "invite"
  | "owed"
  | "signing"
  | "erasing"
  | "setting"
  | "spent";

/** The lists of access, in memory for reading and kept durably. */
export interface AccessLists {
  has(list: AccessList, subject: string): boolean;
  get(list: AccessList, subject: string): string | undefined;
  entries(list: AccessList): [subject: string, detail: string][];
  size(list: AccessList): number;
  /** Adds or changes an entry; false if the list is full. */
  put(list: AccessList, subject: string, detail: string): boolean;
  /** Whether there was such an entry. */
  remove(list: AccessList, subject: string): boolean;
}

/** One change of the lists, and who made it. */
export interface Change {
  /** Unix seconds. */
  at: number;
  pubkey: string;
  method: string;
  /** JSON array of what the method was given. */
  params: string;
}

/** What was changed about access. */
export interface ChangeLog {
  /** Does all of `body` or, if it throws, nothing: in the lists of access and in what is recorded. */
  atomically<T>(body: () => T): T;
  record(change: Change): void;
  /** Up to `limit` changes before a position, newest first. */
  changes(before: number, limit: number): (Change & { position: number })[];
}

/** The socket of one connection. */
export interface Socket {
  /** Throws if the socket is dead. */
  send(text: string): void;
  close(code: number, reason: string): void;
  /** When the runtime last answered a `ping` by itself, in Unix milliseconds; 0 if it never did. */
  pingedMs(): number;
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
  /** Lets other work in, for so many milliseconds at least; 0 unless told. */
  pause(ms?: number): Promise<void>;
  /** Holds back all messages for a moment, in which the runtime looks for new ones of every connection; until it is over. */
  breathe(): Promise<void>;
}

/** Structured log line for the operator; never shown to a client. */
export type Log = (message: string, details: Record<string, unknown>) => void;
