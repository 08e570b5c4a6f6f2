import { nip77 } from "nostr-tools";
import type { Frame } from "../client.ts";
import type { SyncRecord } from "./steps.ts";

/** A message without ranges: it asks nothing and is answered by the same. */
export const NOTHING = "61";

/** More rounds than any set of a session takes. */
const MAX_ROUNDS = 20;

interface Sync {
  client: nip77.Negentropy;
  own: readonly SyncRecord[];
  have: Set<string>;
  need: string[];
  rounds: number;
  /** What is to be sent next; undefined while the relay has the turn, and at the end. */
  next: string | undefined;
  /** What has been sent and not been answered in this step: whether it was the next message. */
  pending: boolean[];
}

/** The clients' side of all syncs of a session, by an independent library. */
export class SyncClients {
  readonly #syncs = new Map<string, { on: number; id: string; sync: Sync }>();
  /** What happened, for tests that make sure that everything did. */
  outcomes: string[] = [];

  /** Starts a sync of these records; returns its first message. */
  open(on: number, id: string, own: readonly SyncRecord[]): string {
    const [sync, message] = begin(own);
    sync.pending.push(true);
    this.#syncs.set(key(on, id), { on, id, sync });
    return message;
  }

  /** An id like this one whose answers cannot be taken for those of an earlier use. */
  unused(on: number, id: string): string {
    const pending = this.#get(on, id)?.pending ?? [];
    return pending.length === 0 ? id : this.unused(on, `${id}'`);
  }

  /** The next message of a sync, or its first again when it is done; {@link NOTHING} if it is not its turn. */
  next(on: number, id: string): string {
    const entry = this.#syncs.get(key(on, id));
    if (entry === undefined) return NOTHING;
    let { next } = entry.sync;
    if (next === undefined && entry.sync.pending.length === 0) [entry.sync, next] = begin(entry.sync.own);
    entry.sync.pending.push(next !== undefined);
    entry.sync.next = undefined;
    return next ?? NOTHING;
  }

  /**
   * Takes a frame of the relay. An answer becomes what can be compared: `more`, or `done` and the ids that the relay
   * must have had for the client to have learned what it did.
   */
  receive(on: number, frame: Frame): Frame {
    const [verb, id, hex] = frame as [string, string, string];
    const sync = this.#get(on, id);
    if (verb !== "NEG-MSG" || sync === undefined || sync.pending.shift() !== true) return frame;
    if (++sync.rounds > MAX_ROUNDS) throw new Error(`the sync ${id} does not come to an end`);
    const { client, have, need, own } = sync;
    const next = client.reconcile(
      hex,
      (found) => have.add(found),
      (found) => need.push(found),
    );
    if (next !== null) {
      sync.next = next;
      return [verb, id, "more"];
    }
    this.outcomes.push(have.size + need.length === 0 ? "synced equal sets" : "synced");
    if (sync.rounds > 1) this.outcomes.push("synced in several rounds");
    const held = own.map(([, ownId]) => ownId).filter((ownId) => !have.has(ownId));
    return [verb, id, "done", [...held, ...need].sort()];
  }

  /** All that may be open. */
  get all(): { on: number; id: string }[] {
    return [...this.#syncs.values()];
  }

  /** A connection is gone, and its syncs with it. */
  drop(on: number): void {
    for (const [name, entry] of this.#syncs) if (entry.on === on) this.#syncs.delete(name);
  }

  /** The step is over: what has not been answered by now will never be. */
  endStep(): void {
    for (const { sync } of this.#syncs.values()) sync.pending = [];
  }

  #get(on: number, id: string): Sync | undefined {
    return this.#syncs.get(key(on, id))?.sync;
  }
}

function begin(own: readonly SyncRecord[]): [sync: Sync, message: string] {
  const storage = new nip77.NegentropyStorageVector();
  for (const [createdAt, id] of own) storage.insert(createdAt, id);
  storage.seal();
  const client = new nip77.Negentropy(storage);
  return [{ client, own, have: new Set(), need: [], rounds: 0, next: undefined, pending: [] }, client.initiate()];
}

function key(on: number, id: string): string {
  return `${on} ${id}`;
}
