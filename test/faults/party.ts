import { type Filter as EventFilter, matchFilter } from "nostr-tools/filter";
import type { Event } from "nostr-tools/pure";
import type { Client, Frame } from "../support/client.ts";
import type { Key } from "../support/keys.ts";
import type { Ledger } from "./ledger.ts";

/** A subscription, and every EVENT that has come for it. */
export interface Heard {
  readonly id: string;
  readonly filter: EventFilter;
  /** Position in the ledger at which EOSE had been received; undefined before. */
  liveFrom?: number;
  readonly received: Map<string, number>;
  /** Why the relay has closed it. */
  closed?: string;
}

/** Where a relay is. */
export interface Place {
  /** Connects and takes the challenge. */
  connect(): Promise<Client>;
  /** The URL to log in for. */
  readonly url: string;
  health(): Promise<string>;
}

const LONG_MS = 600_000;
const ANSWER_MS = 20_000;

/** One connection that keeps record of all that comes, as it comes. */
export class Party {
  readonly subscriptions = new Map<string, Heard>();
  /** Milliseconds from EVENT to OK. */
  readonly latencies: number[] = [];
  readonly notices: string[] = [];
  /** What came and should not have. */
  readonly problems: string[] = [];
  /** Who waits for an answer, in order: one event may be published twice at a time. */
  readonly #waiting = new Map<string, ((frame: Frame | undefined) => void)[]>();
  readonly #queries = new Map<string, Event[]>();
  #serial = 0;

  readonly key: Key;
  readonly client: Client;
  readonly ledger: Ledger;

  private constructor(key: Key, client: Client, ledger: Ledger) {
    this.key = key;
    this.client = client;
    this.ledger = ledger;
    void this.#listen();
  }

  static async login(place: Place, key: Key, ledger: Ledger): Promise<Party> {
    const client = await place.connect();
    const ok = await client.auth(key, place.url);
    if (ok[2] !== true) throw new Error(`login refused: ${JSON.stringify(ok)}`);
    return new Party(key, client, ledger);
  }

  get isClosed(): boolean {
    return this.client.closed !== undefined;
  }

  /** Publishes; resolves to the OK, or to undefined if the connection broke before. */
  async publish(event: Event, isGenuine = true): Promise<Frame | undefined> {
    this.ledger.sent(event, isGenuine);
    const startedAt = performance.now();
    const ok = await this.#ask(["EVENT", event], `OK ${event.id}`);
    if (ok === undefined) return undefined;
    this.latencies.push(performance.now() - startedAt);
    this.ledger.answered(event.id, ok[2] === true, String(ok[3]));
    return ok;
  }

  /** Opens a subscription; resolves at EOSE, CLOSED, or the end of the connection. */
  async subscribe(id: string, filter: EventFilter): Promise<Heard> {
    const heard: Heard = { id, filter, received: new Map() };
    this.subscriptions.set(id, heard);
    const end = await this.#ask(["REQ", id, filter], `END ${id}`);
    if (end?.[0] === "EOSE") heard.liveFrom = this.ledger.tick();
    return heard;
  }

  close(id: string): void {
    this.subscriptions.delete(id);
    this.#send(["CLOSE", id]);
  }

  /** Stored events; undefined if there was no answer but a CLOSED, or none at all. */
  async query(filter: EventFilter): Promise<Event[] | undefined> {
    const id = `query-${++this.#serial}`;
    const events: Event[] = [];
    this.#queries.set(id, events);
    const end = await this.#ask(["REQ", id, filter], `END ${id}`);
    this.#queries.delete(id);
    if (end?.[0] !== "EOSE") return undefined;
    this.#send(["CLOSE", id]);
    return events;
  }

  /** Answer to a COUNT; undefined if there was none. */
  async count(filter: EventFilter): Promise<number | undefined> {
    const id = `count-${++this.#serial}`;
    const end = await this.#ask(["COUNT", id, filter], `END ${id}`);
    return end?.[0] === "COUNT" ? (end[2] as { count: number }).count : undefined;
  }

  /** All that the relay has sent so far has been taken. */
  async settled(): Promise<void> {
    const probe = await this.query({ kinds: [65535], limit: 0 });
    if (probe === undefined && !this.isClosed) throw new Error("no answer to a REQ");
  }

  leave(): void {
    this.client.close();
  }

  async #ask(message: unknown[], answer: string): Promise<Frame | undefined> {
    if (!this.#send(message)) return undefined;
    const answered = new Promise<Frame | undefined>((resolve) => {
      this.#waiting.set(answer, [...(this.#waiting.get(answer) ?? []), resolve]);
    });
    const timer = setTimeout(() => {
      this.problems.push(`no answer within ${ANSWER_MS} ms: ${answer}`);
      this.#answered(answer, undefined);
    }, ANSWER_MS);
    const frame = await answered;
    clearTimeout(timer);
    return frame;
  }

  #answered(answer: string, frame: Frame | undefined): void {
    const [first, ...rest] = this.#waiting.get(answer) ?? [];
    if (rest.length > 0) this.#waiting.set(answer, rest);
    else this.#waiting.delete(answer);
    first?.(frame);
  }

  #send(message: unknown[]): boolean {
    if (this.isClosed) return false;
    try {
      this.client.send(message);
      return true;
    } catch {
      return false;
    }
  }

  async #listen(): Promise<void> {
    for (;;) {
      try {
        this.#take(JSON.parse(await this.client.nextText(LONG_MS)) as Frame);
      } catch {
        if (!this.isClosed) continue;
        for (const resolve of [...this.#waiting.values()].flat()) resolve(undefined);
        return;
      }
    }
  }

  #take(frame: Frame): void {
    const [verb, id, detail] = frame as [string, string, unknown];
    if (verb === "EVENT") {
      const event = detail as Event;
      this.#queries.get(id)?.push(event);
      const heard = this.subscriptions.get(id);
      if (heard === undefined) return;
      heard.received.set(event.id, (heard.received.get(event.id) ?? 0) + 1);
      if (!matchFilter(heard.filter, event)) this.problems.push(`does not match: ${JSON.stringify(frame)}`);
      return;
    }
    const heard = this.subscriptions.get(id);
    if (verb === "CLOSED" && heard !== undefined) heard.closed = String(detail);
    if (verb === "NOTICE") this.notices.push(id);
    this.#answered(verb === "OK" ? `OK ${id}` : `END ${id}`, frame);
  }
}
