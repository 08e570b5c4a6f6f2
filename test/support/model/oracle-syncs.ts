import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import { isCurrent, isExpired } from "./naive-features.ts";
import { byOrder, canSee, faultsOf, naiveMatch } from "./naive-rules.ts";
import { OracleState, type Sync } from "./oracle-state.ts";
import { NOTHING } from "./sync-client.ts";

/** R-05-44. */
const MAX_SYNCS = 4;
export const IDLE_SECONDS = 60;

/** The part of the oracle that knows sync (5.8). An answer is not compared byte by byte, but by what a client learns. */
export abstract class OracleWithSyncs extends OracleState {
  /** R-05-41 to R-05-44. */
  protected openSync(connection: number, id: string, filter: Filter, message: string): void {
    const { syncs, authed } = this.open(connection);
    this.outcomes.push(syncs.delete(id) ? "sync replaced" : "sync opened");
    const prefixes = [
      ...(faultsOf(filter).length > 0 || isMalformed(message) ? ["invalid"] : []),
      ...(syncs.size >= MAX_SYNCS ? ["rate-limited"] : []),
    ];
    if (prefixes.length > 0) return this.#refuse(connection, id, ...prefixes);
    const keys = new Set(authed);
    const again = () => this.matches([filter], keys)[0] ?? [];
    const limit = (filter.limit as number | undefined) ?? Number.POSITIVE_INFINITY;
    const found = again();
    syncs.set(id, { limit, sure: new Set(found), seen: new Set(found), again, usedAt: this.now });
    this.#expectAnswer(connection, id);
  }

  /** The archive or the time has changed: sets that are still being collected may or may not have what has. */
  widenSyncs(): void {
    for (const { syncs } of this.connections.values()) {
      for (const sync of syncs.values()) {
        if (sync.again === undefined) continue;
        const now = new Set(sync.again());
        for (const event of sync.sure) if (!now.has(event)) sync.sure.delete(event);
        for (const event of now) sync.seen.add(event);
      }
    }
  }

  /** R-05-42, R-05-43. */
  protected goOnWithSync(connection: number, id: string, message: string): void {
    const { syncs } = this.open(connection);
    const sync = syncs.get(id);
    if (sync === undefined || isMalformed(message)) {
      syncs.delete(id);
      const prefixes = [...(sync === undefined ? ["closed"] : []), ...(isMalformed(message) ? ["invalid"] : [])];
      return this.#refuse(connection, id, ...prefixes);
    }
    sync.usedAt = this.now;
    if (message === NOTHING) this.expect(connection, ["NEG-MSG", id, NOTHING]);
    else this.#expectAnswer(connection, id);
  }

  protected closeSync(connection: number, id: string): void {
    const wasOpen = this.open(connection).syncs.delete(id);
    this.outcomes.push(wasOpen ? "sync ended" : "unknown sync ended");
    this.cut(connection, "NEG-MSG", id);
  }

  /** The relay looks for idle syncs when it likes: it says that it has ended this one. */
  endIdleSync(connection: number, id: string): void {
    const { syncs } = this.open(connection);
    const usedAt = syncs.get(id)?.usedAt;
    if (usedAt === undefined || this.now <= usedAt + IDLE_SECONDS) return;
    syncs.delete(id);
    this.#refuse(connection, id, "closed");
    this.outcomes.push("idle sync ended");
  }

  /** A sync is answered: its set is what it was then. */
  settleSync(connection: number, id: string): void {
    const sync = this.connections.get(connection)?.syncs.get(id);
    if (sync === undefined) return;
    sync.again = undefined;
    sync.usedAt = this.now;
  }

  /** A clock that is set back gives nobody more time. */
  setTime(now: number): void {
    this.now = now;
    for (const connection of this.connections.values()) {
      connection.openedAt = Math.min(connection.openedAt, now);
      for (const sync of connection.syncs.values()) sync.usedAt = Math.min(sync.usedAt, now);
    }
  }

  /** The visible matches of each filter (R-03-14). */
  protected matches(filters: Filter[], authed: Set<string>): Event[][] {
    return filters.map((filter) =>
      this.archive.events.filter((event) => {
        if (!naiveMatch(filter, event)) return false;
        const isOver = !isCurrent(event, this.now);
        const isVisible = !isOver && canSee(authed, event);
        if (isOver) this.outcomes.push(isExpired(event, this.now) ? "expired stored" : "past retention stored");
        else if (!isVisible) this.outcomes.push("hidden stored");
        return isVisible;
      }),
    );
  }

  #expectAnswer(connection: number, id: string): void {
    const sync = this.open(connection).syncs.get(id);
    this.expected.push({ connection, anyOf: [[["NEG-MSG", id, "more"]], [["NEG-MSG", id, "done"]]], sync });
  }

  #refuse(connection: number, id: string, ...prefixes: string[]): void {
    this.expect(connection, ...prefixes.map((prefix): Frame => ["NEG-ERR", id, `${prefix}: …`]));
    this.outcomes.push(...prefixes.map((prefix) => `sync ${prefix}`));
  }
}

/** Ids that a sync must have, and those that it may have: each event that came or went meanwhile may be in it, or not. */
export function idsOf({ sure, seen, limit }: Sync): { must: ReadonlySet<string>; may: ReadonlySet<string> } {
  const [must, may] = [new Set<string>(), new Set<string>()];
  let [before, surelyBefore] = [0, 0];
  for (const event of [...seen].sort(byOrder)) {
    if (surelyBefore < limit) may.add(event.id);
    if (before < limit && sure.has(event)) must.add(event.id);
    before++;
    if (sure.has(event)) surelyBefore++;
  }
  return { must, may };
}

/** Of those messages that sessions send. */
function isMalformed(message: string): boolean {
  return message.length % 2 !== 0 || !message.startsWith("61") || message === "6100000300";
}
