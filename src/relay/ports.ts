import type { Connection } from "./connection.ts";
import type { Subscription } from "./read/subscription.ts";

/** The socket of one connection. Nothing here throws or waits; a dead socket swallows what it is sent (R-06-22). */
export interface Socket {
  /** Queues one text frame. Frames leave in their order, none before what was committed when it was queued is durable. */
  send(text: string): void;
  /** Queues the frame of an event: `prefix`, the text of the event, and the bracket that closes the message. */
  sendEvent(prefix: string, raw: string): void;
  /** Sends a Close behind the frames that are queued. The host calls `Relay.leave` when the connection is gone. */
  close(code: number, reason: string): void;
  /** So much is queued that stored answers wait. */
  readonly isCrowded: boolean;
  /** So much is queued that the connection has to go (R-01-10). */
  readonly isOverflowing: boolean;
  /** Something has come from the client: where the host cannot see its queue, a sign that it reads. */
  heard(): void;
  /** Stops reading from the client until {@link resume}. False where the host cannot: then frames are refused instead. */
  pause(): boolean;
  resume(): void;
}

/** Time and timers. */
export interface Clock {
  /** Unix time in whole seconds. */
  nowSeconds(): number;
  /** Unix time in milliseconds; it may be set back. */
  nowMs(): number;
  /** Calls `task` once, `delayMs` from now at the earliest, in a turn of its own. What it throws is reported. */
  soon(delayMs: number, task: () => void): void;
}

/** What lets connections outlive the memory of their host: hibernation. */
export interface Survival {
  /** Keys or failed attempts of a connection have changed. Throws if they cannot be kept. */
  keep(connection: Connection): void;
  /** A subscription is open. Throws if it cannot be kept. */
  opened(subscription: Subscription): void;
  /** A subscription has ended. Never throws. */
  closed(subscription: Subscription): void;
}

/** Of a host whose connections end with it. */
export const MORTAL: Survival = { keep() {}, opened() {}, closed() {} };

/** How much a line matters: `error` is a failure of the relay itself, `warn` a client that was stopped, `info` what happened. */
export type Level = "error" | "warn" | "info";

/** Structured log line for the operator; never shown to a client. An `error` unless told. */
export type Logger = (message: string, details: Record<string, unknown>, level?: Level) => void;

/** What the relay cannot have itself. */
export interface Host {
  readonly clock: Clock;
  readonly survival: Survival;
  readonly report: Logger;
  /** So many random bytes as lowercase hex. */
  randomHex(bytes: number): string;
  /**
   * There is work: has `Relay.run` called when what has arrived is received, in this turn or the next. It may be called often;
   * one run answers all calls before it.
   */
  wake(): void;
  /** Commits had better wait: a disk sync is under way, for which their OKs would wait anyway, or a checkpoint asks for it. */
  readonly isSyncing: boolean;
  /** How long an event waits for others to share its commit, where frames are handed in one by one; 0 where they come together. */
  readonly gatherMs: number;
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
 * | `operator` | public key that has claimed the relay | empty |
 * | `claim` | SHA-256 of a token that was offered | Unix seconds until which it is good; 0 once it was used |
 * | `member` | public key | JSON array of role ids |
 * | `joined` | public key of a member | JSON of how it became one, and when it was last seen |
 * | `role` | role id | JSON of the role |
 * | `invite` | SHA-256 of the code | JSON of the invite |
 * | `owed` | `key:` and a member that came or went, `role:` and a role id, or `members` | empty |
 * | `signing` | `self`, the key that signs; `last`, created_at of what it signed; `foreign`, while events are removed that another key signed | value |
 * | `erasing` | public key whose events are hidden until they are erased, or id of one that is | Unix seconds from which on; empty for at once |
 * | `forgetting` | public key of a banned author whose kind 5 events are being removed | empty |
 * | `setting` | name of a setting; `closed`, once a key was taken off the allow list | value |
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
  | "operator"
  | "claim"
  | "member"
  | "joined"
  | "role"
  | "invite"
  | "owed"
  | "signing"
  | "erasing"
  | "forgetting"
  | "setting"
  | "spent";

/** The lists of access, in memory for reading and kept durably. */
export interface AccessLists {
  /** Grows with everything that changes an entry. */
  readonly revision: number;
  has(list: AccessList, subject: string): boolean;
  get(list: AccessList, subject: string): string | undefined;
  entries(list: AccessList): [subject: string, detail: string][];
  /** The first subject in order. */
  first(list: AccessList): string | undefined;
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
  /** Remembers a change for a year: of the lists, or with `isElsewhere` of something else. */
  record(change: Change, isElsewhere?: boolean): void;
  /** Whether the next change of a caller would have its oldest one forgotten. */
  isRecordFull(pubkey: string): boolean;
  /** Up to `limit` changes before a position, newest first. */
  changes(before: number, limit: number): (Change & { position: number })[];
}
