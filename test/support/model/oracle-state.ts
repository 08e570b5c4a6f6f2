import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import { Archive } from "./archive.ts";
import { START_TIME } from "./drafts.ts";
import type { Expected } from "./expected.ts";
import { isCurrent } from "./naive-features.ts";

interface Subscription {
  filters: Filter[];
  hasSurvived: boolean;
}

/** An open sync, and when it was last used, in seconds. */
export interface Sync {
  limit: number;
  /** Matches that have been there all the time since it was opened. */
  sure: Set<Event>;
  /** Those that were there at any time since. */
  seen: Set<Event>;
  /** The matches of now, until the set is known; undefined afterwards. */
  again: (() => Event[]) | undefined;
  usedAt: number;
}

export interface OracleConnection {
  challenge: string;
  authed: Set<string>;
  /** Failed logins since then, in seconds. */
  failures: number;
  failedSince: number;
  /** Unix time in seconds. */
  openedAt: number;
  subscriptions: Map<string, Subscription>;
  syncs: Map<string, Sync>;
}

/** What the oracle knows, what it expects, and what happens to it other than by frames. */
export class OracleState {
  archive = new Archive();
  /** Unix time in seconds; it stands still until {@link advance}. */
  now = START_TIME;
  connections = new Map<number, OracleConnection>();
  /** Connections that are gone, of which events may still come. */
  readonly departed = new Map<number, OracleConnection>();
  /** Ephemeral ids that somebody heard, and when, in seconds. */
  ephemeral = new Map<string, number>();
  /** The same of private ones: each kind of them is forgotten when one of its own is heard. */
  privateEphemeral = new Map<string, number>();
  /** Nothing more is expected of what this id of this connection was about. */
  onCut: (connection: number, verb: "EOSE" | "NEG-MSG", id: string) => void = () => {};
  expected: Expected[] = [];
  /** What happened, for tests that make sure that everything did. */
  outcomes: string[] = [];

  connect(connection: number, challenge: string): void {
    const nothing = { subscriptions: new Map(), syncs: new Map() };
    const failed = { failures: 0, failedSince: 0 };
    this.connections.set(connection, { challenge, authed: new Set(), openedAt: this.now, ...failed, ...nothing });
  }

  /** What is stored and has not passed its time. */
  get events(): Event[] {
    return this.archive.events.filter((event) => isCurrent(event, this.now));
  }

  /** A connection is gone; its events that are still to come are those of `departed`. */
  disconnect(connection: number, departed: number): void {
    const own = this.connections.get(connection);
    if (own === undefined) return;
    this.connections.delete(connection);
    this.departed.set(departed, own);
  }

  /** The host was without memory: nothing changes (R-06-12), but for what the relay only had to remember a while. */
  evict(): void {
    this.ephemeral.clear();
    this.privateEphemeral.clear();
    for (const { subscriptions, syncs } of this.connections.values()) {
      syncs.clear();
      for (const subscription of subscriptions.values()) subscription.hasSurvived = true;
    }
    this.outcomes.push("evicted");
  }

  protected cut(connection: number, verb: "EOSE" | "NEG-MSG", id: string): void {
    this.onCut(connection, verb, id);
  }

  protected expect(connection: number, ...oneOf: Frame[]): void {
    this.expected.push({ connection, anyOf: oneOf.map((frame) => [frame]) });
  }

  protected open(connection: number): OracleConnection {
    const found = this.connections.get(connection) ?? this.departed.get(connection);
    if (found === undefined) throw new Error(`connection ${connection} is not open`);
    return found;
  }
}
