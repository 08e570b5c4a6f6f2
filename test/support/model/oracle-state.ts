import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import { Archive } from "./archive.ts";
import { START_TIME } from "./drafts.ts";
import type { Expected } from "./expected.ts";
import { isCurrent } from "./naive-features.ts";

/** Real time for which the row of a subscription may wait (R-06-20), and some for the way, in milliseconds. */
const MAY_BE_UNWRITTEN_MS = 4000;

interface Subscription {
  filters: Filter[];
  /** Real time, in milliseconds. */
  openedAt: number;
  hasSurvived: boolean;
}

/** An open sync: what it is about, sorted, and when it was last used, in seconds. */
interface Sync {
  ids: string[];
  usedAt: number;
}

export interface OracleConnection {
  challenge: string;
  authed: Set<string>;
  failures: number;
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
  /** Ephemeral ids; `isCertain` if the relay has to remember them. */
  ephemeral = new Map<string, { isCertain: boolean; at: number }>();
  expected: Expected[] = [];
  /** What happened, for tests that make sure that everything did. */
  outcomes: string[] = [];

  connect(connection: number, challenge: string): void {
    const nothing = { subscriptions: new Map(), syncs: new Map() };
    this.connections.set(connection, { challenge, authed: new Set(), failures: 0, openedAt: this.now, ...nothing });
  }

  /** What is stored and has not passed its time. */
  get events(): Event[] {
    return this.archive.events.filter((event) => isCurrent(event, this.now));
  }

  advance(seconds: number): void {
    this.now += seconds;
    this.outcomes.push("clock");
  }

  /** What is over is removed, which nobody can see. */
  alarm(): void {
    this.outcomes.push("alarm");
  }

  disconnect(connection: number): void {
    this.connections.delete(connection);
  }

  /** The object has gone and come back: nothing changes (R-06-12), but for what it only had to remember a while. */
  evict(): void {
    for (const [id, { at }] of this.ephemeral) this.ephemeral.set(id, { isCertain: false, at });
    for (const { subscriptions, syncs } of this.connections.values()) {
      syncs.clear();
      for (const subscription of subscriptions.values()) subscription.hasSurvived = true;
    }
    this.outcomes.push("evicted");
  }

  /** The relay says that a subscription was lost: only one that need not have been written yet may be (R-06-20). */
  lose(connection: number, id: string): void {
    const subscriptions = this.open(connection).subscriptions;
    if (Date.now() - (subscriptions.get(id)?.openedAt ?? 0) > MAY_BE_UNWRITTEN_MS) return;
    subscriptions.delete(id);
    this.expect(connection, ["CLOSED", id, "error: …"]);
  }

  /** Makes another oracle the same as this. */
  protected copyTo(copy: OracleState): void {
    copy.archive = this.archive.clone();
    copy.now = this.now;
    for (const [connection, { authed, subscriptions, syncs, ...rest }] of this.connections) {
      const ownSubscriptions = new Map([...subscriptions].map(([id, subscription]) => [id, { ...subscription }]));
      const ownSyncs = new Map([...syncs].map(([id, sync]) => [id, { ...sync }]));
      const own = { authed: new Set(authed), subscriptions: ownSubscriptions, syncs: ownSyncs };
      copy.connections.set(connection, { ...rest, ...own });
    }
    copy.ephemeral = new Map(this.ephemeral);
    copy.expected = this.expected.map((expected) => ({ ...expected }));
    copy.outcomes = [...this.outcomes];
  }

  /** The same for oracles in the same state. */
  get fingerprint(): string {
    const connections = [...this.connections].map(([connection, { authed, subscriptions, syncs }]) => [
      connection,
      [...authed].sort(),
      [...subscriptions].map(([id, { filters }]) => JSON.stringify([id, filters])).sort(),
      [...syncs].map((sync) => JSON.stringify(sync)).sort(),
    ]);
    const ephemeral = [...this.ephemeral].map(([id, { isCertain, at }]) => `${id}${isCertain}${at}`).sort();
    return JSON.stringify([this.archive.fingerprint, this.now, connections, ephemeral]);
  }

  /** An answer that is still expected need not be completed after this. */
  protected cut(connection: number, verb: "EOSE" | "NEG-MSG", id: string): void {
    for (const expected of this.expected) {
      const last = expected.anyOf[0]?.at(-1);
      if (expected.connection === connection && last?.[0] === verb && last[1] === id) expected.mayBeCut = true;
    }
  }

  protected expect(connection: number, ...oneOf: Frame[]): void {
    this.expected.push({ connection, anyOf: oneOf.map((frame) => [frame]), isUnordered: false, mayBeCut: false });
  }

  protected expectUnordered(connection: number, frame: Frame): void {
    this.expected.push({ connection, anyOf: [[frame]], isUnordered: true, mayBeCut: false });
  }

  protected open(connection: number): OracleConnection {
    const found = this.connections.get(connection);
    if (found === undefined) throw new Error(`connection ${connection} is not open`);
    return found;
  }
}
