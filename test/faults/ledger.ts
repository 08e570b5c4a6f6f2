import type { Event } from "nostr-tools/pure";

/** What became of one event that was sent. */
export interface Entry {
  readonly event: Event;
  /** Place in the order in which things were done; see {@link Ledger.tick}. */
  readonly sentAt: number;
  /** The first OK, or none yet. A later `duplicate:` changes nothing. */
  ok?: { accepted: boolean; reason: string };
  readonly isGenuine: boolean;
}

/** Everything that was sent to a relay, and what the relay has said about it. */
export class Ledger {
  readonly entries = new Map<string, Entry>();
  #clock = 0;

  /** A position in the order of what is done. */
  tick(): number {
    return ++this.#clock;
  }

  /** Notes that an event is about to be sent; the same event may be sent again. */
  sent(event: Event, isGenuine = true): void {
    if (!this.entries.has(event.id)) this.entries.set(event.id, { event, sentAt: this.tick(), isGenuine });
  }

  /** Notes an OK. What was accepted once stays so. */
  answered(id: string, accepted: boolean, reason: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) throw new Error(`OK for an event that was never sent: ${id}`);
    if (entry.ok?.accepted !== true) entry.ok = { accepted, reason };
  }

  get acknowledged(): Entry[] {
    return [...this.entries.values()].filter(({ ok }) => ok?.accepted === true);
  }

  /** May be stored or not: the connection broke before its OK. */
  get unanswered(): Entry[] {
    return [...this.entries.values()].filter(({ ok, isGenuine }) => ok === undefined && isGenuine);
  }

  get refused(): Entry[] {
    return [...this.entries.values()].filter(({ ok, isGenuine }) => ok?.accepted === false || !isGenuine);
  }
}
