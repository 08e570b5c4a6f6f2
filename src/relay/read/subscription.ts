import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { canonicalFilter, type Filter } from "../../protocol/filter.ts";
import type { Connection } from "../connection.ts";
import { countValues } from "./filter-values.ts";

/** Live events kept for one subscription while its stored answer is under way, and their characters. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_SIZE = 8 * 1024 * 1024;

/** An event that was accepted, and its position if it is stored. */
export interface LiveEvent {
  verified: VerifiedEvent;
  position: number | undefined;
}

/** One open REQ of one connection. */
export class Subscription {
  readonly connection: Connection;
  readonly id: string;
  readonly filters: readonly Filter[];
  /** What an EVENT frame for this subscription begins with. */
  readonly framePrefix: string;
  /** What its filters take in memory; see {@link countValues}. */
  readonly values: number;
  /** Closed or replaced: nothing more may be sent under it. */
  isClosed = false;
  /** Mark of the last event it was matched against, so that two matching filters give one EVENT (R-03-21). */
  lastMatched = 0;
  /** Its place among those that the index has not filed, while it is one of them. */
  freshAt = 0;
  /** Live events that wait for the stored ones; undefined once EOSE has been sent. */
  #backlog: LiveEvent[] | undefined = [];
  #backlogSize = 0;

  constructor(connection: Connection, id: string, filters: readonly Filter[]) {
    this.connection = connection;
    this.id = id;
    this.filters = filters;
    this.values = countValues(filters);
    this.framePrefix = `["EVENT",${JSON.stringify(id)},`;
  }

  /** The filters as JSON, each value once. */
  get source(): unknown[] {
    return this.filters.map(canonicalFilter);
  }

  /** EOSE has been sent: live events go out at once. */
  get isLive(): boolean {
    return this.#backlog === undefined;
  }

  send(raw: string): void {
    this.connection.sendText(`${this.framePrefix}${raw}]`);
  }

  /** Keeps a live event until EOSE. False if there is no room left: the subscription must end. */
  keep(live: LiveEvent): boolean {
    if (this.#backlog === undefined) return false;
    this.#backlogSize += live.verified.raw.length;
    return this.#backlog.push(live) <= MAX_BACKLOG && this.#backlogSize <= MAX_BACKLOG_SIZE;
  }

  /** Live events that were kept. */
  get backlog(): readonly LiveEvent[] {
    return this.#backlog ?? [];
  }

  /** EOSE has been sent: what is left of the backlog follows, and from now on live events go out at once (R-03-16, R-03-20). */
  goLive(live: readonly LiveEvent[]): void {
    this.#backlog = undefined;
    for (const { verified } of live) this.send(verified.raw);
  }
}
