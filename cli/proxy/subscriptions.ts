import type { Message } from "../client/connection.ts";

/** Ids that are remembered for one subscription; the oldest give way. */
const MAX_SEEN = 20_000;

/** Seconds before the loss of a connection from which on events are asked for again: clocks differ. */
const OVERLAP = 600;

interface Subscription {
  filters: Record<string, unknown>[];
  /** Seconds. */
  openedAt: number;
  hasEnded: boolean;
  isResumed: boolean;
  seen: Set<unknown>;
}

/** The open subscriptions of one client, so that they can go on over another connection. */
export class Subscriptions {
  readonly #open = new Map<unknown, Subscription>();

  /** The client has asked for events, or for no more. */
  asked([verb, id, ...filters]: Message): void {
    if (verb === "CLOSE") this.#open.delete(id);
    if (verb !== "REQ") return;
    this.#open.set(id, {
      filters: filters as Record<string, unknown>[],
      openedAt: Math.floor(Date.now() / 1000),
      hasEnded: false,
      isResumed: false,
      seen: new Set(),
    });
  }

  /** Whether the client gets this message: not an event that it has, nor another end of what is stored. */
  passes([verb, id, value]: Message): boolean {
    const subscription = this.#open.get(id);
    if (subscription === undefined) return true;
    if (verb === "CLOSED") this.#open.delete(id);
    if (verb === "EOSE") {
      const isFirst = !subscription.hasEnded;
      subscription.hasEnded = true;
      return isFirst;
    }
    if (verb !== "EVENT") return true;
    const { seen, isResumed } = subscription;
    const event = (value as { id?: unknown } | undefined)?.id;
    if (seen.has(event)) return !isResumed;
    if (seen.size >= MAX_SEEN) seen.delete(seen.values().next().value);
    seen.add(event);
    return true;
  }

  /**
   * The requests that open them again. Where all stored events had come, filters with a limit also ask without it for what
   * came while the connection was away; not for what their limit cut off when they were opened.
   */
  resumed(lostAt: number): Message[] {
    return [...this.#open].map(([id, subscription]) => {
      subscription.isResumed = true;
      const { filters, openedAt, hasEnded } = subscription;
      const limited = filters.filter(({ limit }) => limit !== undefined);
      const missed = limited.map(({ limit, ...filter }) => {
        const since = Math.max(Number(filter.since ?? 0), openedAt, lostAt - OVERLAP);
        return { ...filter, since };
      });
      return ["REQ", id, ...filters, ...(hasEnded ? missed : [])];
    });
  }
}
