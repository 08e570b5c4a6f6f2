import type { Filter } from "../../protocol/filter.ts";
import { type Connection, sizeOf } from "../connection.ts";
import type { LiveEvent, Pages } from "../ports.ts";
import { countValues } from "./filter-values.ts";

/** Live events kept for one subscription while its stored answer is under way, and their characters. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_SIZE = 8 * 1024 * 1024;

/** One open REQ of one connection. */
export class Subscription {
  /** What an EVENT frame for this subscription begins with. */
  readonly framePrefix: string;
  readonly openedAtMs = Date.now();
  /** What its filters take in memory; see {@link countValues}. */
  readonly values: number;
  /** The row of R-06-18 is in the store. */
  isWritten = false;
  /** Closed or replaced: nothing more may be sent under it. */
  isClosed = false;
  /** Position up to which its stored answer sees events: what lies after it is live (R-03-20). */
  head = 0;
  /** Mark of the last event it was matched against, so that two matching filters give one EVENT (R-03-21). */
  lastMatched = 0;
  /** Live events that wait for the stored ones; undefined once EOSE has been sent. */
  #backlog: LiveEvent[] | undefined = [];
  #backlogSize = 0;
  #sizes: { whole: number; named: number } | undefined;

  constructor(
    readonly connection: Connection,
    readonly id: string,
    readonly filters: readonly Filter[],
    /** The filters as received. */
    readonly source: unknown[],
  ) {
    this.values = countValues(filters);
    this.framePrefix = `["EVENT",${JSON.stringify(id)},`;
  }

  /** What it takes in an attachment, with its filters and without. */
  get sizes(): { whole: number; named: number } {
    this.#sizes ??= { whole: sizeOf([this.id, this.source]), named: sizeOf([this.id, null]) };
    return this.#sizes;
  }

  /** Key of its row (R-06-18). */
  get key(): string {
    return `sub:${this.connection.id}:${this.id}`;
  }

  send(raw: string): void {
    this.connection.sendText(`${this.framePrefix}${raw}]`);
  }

  /** Sends a live event, or keeps it until EOSE. Returns false if there is no room left: the subscription must end. */
  sendLive(live: LiveEvent): boolean {
    const { raw } = live.verified;
    if (this.#backlog === undefined) {
      this.send(raw);
      return true;
    }
    this.#backlogSize += raw.length;
    return this.#backlog.push(live) <= MAX_BACKLOG && this.#backlogSize <= MAX_BACKLOG_SIZE;
  }

  /**
   * EOSE has been sent: what was kept and is `remaining` follows, and from now on live events go out at once (R-03-16,
   * R-03-20).
   */
  goLive(remaining: Pages["remaining"]): void {
    const backlog = remaining(this.#backlog ?? []);
    this.#backlog = undefined;
    for (const { verified } of backlog) this.send(verified.raw);
  }
}
