import type { Filter } from "../protocol/filter.ts";
import type { Connection } from "./connection.ts";

/** Live events kept for one subscription while its stored answer is under way, and UTF-16 units of their JSON. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_SIZE = 8 * 1024 * 1024;

/** One open REQ of one connection. */
export class Subscription {
  /** What an EVENT frame for this subscription begins with. */
  readonly framePrefix: string;
  readonly openedAtMs = Date.now();
  /** The row of R-06-18 is in the store. */
  isWritten = false;
  /** Closed or replaced: nothing more may be sent under it. */
  isClosed = false;
  /** Mark of the last event it was matched against, so that two matching filters give one EVENT (R-03-21). */
  lastMatched = 0;
  /** Live events that wait for the stored ones; undefined once EOSE has been sent. */
  #backlog: string[] | undefined = [];
  #backlogSize = 0;

  constructor(
    readonly connection: Connection,
    readonly id: string,
    readonly filters: readonly Filter[],
    /** The filters as received. */
    readonly source: unknown[],
  ) {
    this.framePrefix = `["EVENT",${JSON.stringify(id)},`;
  }

  /** Key of its row (R-06-18). */
  get key(): string {
    return `sub:${this.connection.id}:${this.id}`;
  }

  send(raw: string): void {
    this.connection.sendText(`${this.framePrefix}${raw}]`);
  }

  /** Sends a live event, or keeps it until EOSE. Returns false if there is no room left: the subscription must end. */
  sendLive(raw: string): boolean {
    if (this.#backlog === undefined) {
      this.send(raw);
      return true;
    }
    this.#backlogSize += raw.length;
    return this.#backlog.push(raw) <= MAX_BACKLOG && this.#backlogSize <= MAX_BACKLOG_SIZE;
  }

  /** EOSE has been sent: what was kept follows, and from now on live events go out at once (R-03-16, R-03-20). */
  goLive(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const raw of backlog) this.send(raw);
  }
}
