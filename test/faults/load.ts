import type { Event, EventTemplate } from "nostr-tools/pure";
import { key, now, signed } from "../support/keys.ts";
import type { Random } from "../support/random.ts";
import type { Ledger } from "./ledger.ts";
import { Party, type Place } from "./party.ts";

/** Events of one publisher that wait for their OK. */
const IN_FLIGHT = 6;

/** Large events that are there from the start: with them a stored answer takes several turns, in which others come. */
const LARGE_EVENTS = 30;
const LARGE_KIND = 1111;
const LARGE_SIZE = 85_000;

/** What subscribers listen to; all events of one load carry the same `t`. */
const KINDS_OF_SUBSCRIPTIONS = [[1, 5], [10_002, 30_023], [5050, 6050, 7000], [20_001], undefined];

/** Several publishers, subscribers and readers of one relay, all in one ledger. */
export class Load {
  readonly publishers: Party[] = [];
  readonly subscribers: Party[] = [];
  /** Milliseconds that publishers wait after each event. */
  waitMs = 0;
  /** Whether there are large events. */
  isPaged = true;
  #isOver = false;
  #running: Promise<void>[] = [];
  #serial = 0;

  readonly place: Place;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Tells this load's events from others in the same store. */
  readonly tag: string;

  constructor(place: Place, ledger: Ledger, random: Random, tag: string) {
    this.place = place;
    this.ledger = ledger;
    this.random = random;
    this.tag = tag;
  }

  /** Logs everybody in and opens the subscriptions. */
  async connect(publishers: number, subscribers: number): Promise<void> {
    for (let n = 0; n < publishers; n++) {
      this.publishers.push(await Party.login(this.place, key(800 + n), this.ledger));
    }
    const [first] = this.publishers;
    for (let n = 0; n < LARGE_EVENTS && this.isPaged && first !== undefined; n++) {
      await first.publish(this.#signed(first, { kind: LARGE_KIND, content: `${n} ${"x".repeat(LARGE_SIZE)}` }));
    }
    for (let n = 0; n < subscribers; n++) {
      const party = await Party.login(this.place, key(700 + n), this.ledger);
      this.subscribers.push(party);
      for (const [i, kinds] of KINDS_OF_SUBSCRIPTIONS.entries()) {
        await party.subscribe(`s:${i}`, { ...(kinds && { kinds }), "#t": [this.tag], limit: 5000 });
      }
    }
  }

  /** Begins; each publisher goes on until {@link stop} or the end of its connection. */
  start(): void {
    this.#isOver = false;
    for (const party of this.publishers) {
      for (let n = 0; n < IN_FLIGHT; n++) this.#running.push(this.#publish(party));
    }
    for (const party of this.subscribers) this.#running.push(this.#read(party));
  }

  /** Resolves when all that is under way has been answered, or will not be. Throws what went wrong. */
  async stop(): Promise<void> {
    this.#isOver = true;
    const running = this.#running;
    this.#running = [];
    await Promise.all(running);
  }

  leave(): void {
    for (const party of [...this.publishers, ...this.subscribers]) party.leave();
  }

  async #publish(party: Party): Promise<void> {
    while (!this.#isOver && !party.isClosed) {
      const { event, isGenuine } = this.#next(party);
      await party.publish(event, isGenuine);
      // Signing is synchronous: others have their turn.
      await new Promise((resolve) => setTimeout(resolve, this.waitMs));
    }
  }

  /** Queries, and a subscription that comes and goes while events arrive (R-03-20). */
  async #read(party: Party): Promise<void> {
    while (!this.#isOver && !party.isClosed) {
      const entry = this.ledger.entries.size > 0 ? this.random.pick([...this.ledger.entries.values()]) : undefined;
      if (entry !== undefined) await party.query({ ids: [entry.event.id] });
      if (this.random.chance(0.3)) {
        const id = `late:${++this.#serial}`;
        await party.subscribe(id, { kinds: [1, LARGE_KIND, 30_023, 20_001], "#t": [this.tag], limit: 5000 });
        const old = [...party.subscriptions.keys()].filter((id) => id.startsWith("late:"));
        if (old.length > 3) party.close(old[0] as string);
      }
      await new Promise((resolve) => setTimeout(resolve, 5 + this.waitMs));
    }
  }

  #next(party: Party): { event: Event; isGenuine: boolean } {
    const { random } = this;
    const choice = random.int(0, 99);
    const make = (template: Partial<EventTemplate>) => this.#signed(party, template);
    const genuine = (event: Event) => ({ event, isGenuine: true });
    if (choice < 10) return genuine(make({ kind: 10_002, created_at: now() - random.int(0, 30) }));
    if (choice < 25) {
      const tags = [["d", `${this.tag} ${random.int(0, 3)}`]];
      return genuine(make({ kind: 30_023, created_at: now() - random.int(0, 30), tags }));
    }
    if (choice < 32) {
      const own = this.ledger.acknowledged.filter(({ event: { kind, pubkey, tags } }) => {
        return kind === 1 && pubkey === party.key.pubkey && tags.some(([, value]) => value === this.tag);
      });
      if (own.length > 0) return genuine(make({ kind: 5, tags: [["e", random.pick(own).event.id]] }));
    }
    if (choice < 40) return genuine(make({ kind: 20_001 }));
    if (choice < 46) return genuine(make({ kind: 5050, tags: [["i", "text", "text"]] }));
    const jobs = choice < 52 ? [...this.ledger.entries.values()] : [];
    if (jobs.length > 0) {
      const { id, pubkey } = random.pick(jobs).event;
      const tags = [
        ["e", id],
        ["p", pubkey],
        ["status", "success"],
        ["request", "{}"],
      ];
      return genuine(make({ kind: random.pick([6050, 7000]), tags }));
    }
    if (choice < 55) return { event: { ...make({}), sig: "0".repeat(128) }, isGenuine: false };
    if (choice < 60) {
      // Once more: what was refused for an error of the relay, or not answered, or is known.
      const again = [...this.ledger.entries.values()].filter(({ event, ok, isGenuine }) => {
        const isAnswered = ok !== undefined && (ok.accepted || ok.reason.startsWith("error:"));
        return isGenuine && isAnswered && event.kind === 1;
      });
      if (again.length > 0) return genuine(random.pick(again).event);
    }
    return genuine(make({}));
  }

  #signed({ key }: Party, template: Partial<EventTemplate>): Event {
    const tags = [["t", this.tag], ...(template.tags ?? [])];
    return signed(key, { content: `${this.tag} ${++this.#serial}`, ...template, tags });
  }
}
