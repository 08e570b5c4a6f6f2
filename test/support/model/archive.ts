import type { Event } from "nostr-tools/pure";
import { DELETION, isWrapFor, mayDelete, namedAddresses, namedIds, VANISH } from "./naive-features.ts";
import { addressOf } from "./naive-rules.ts";

/** Times by address or key: the largest counts. */
type Times = Map<string, number>;

/** What the oracle keeps: lists, and everything found by looking at all of them. */
export class Archive {
  /** All that is stored, and what is only there because its time is over and nothing has replaced it. */
  events: Event[] = [];
  /** Erased by a deletion or by a request to vanish. */
  removed: Event[] = [];
  /** Ids and who has deleted them (R-05-06). */
  #tombstones: [id: string, deleter: string][] = [];
  #addresses: Times = new Map();
  /** R-05-21. */
  cutoffs: Times = new Map();
  /** Ids of what is not stored any more, in order: a newer version has taken its place, or it was to go. */
  losses: { id: string; isReplaced: boolean }[] = [];
  /** What happened, for tests that make sure that everything did. Taken over by the oracle. */
  outcomes: string[] = [];

  clone(): Archive {
    const copy = new Archive();
    copy.events = [...this.events];
    copy.removed = [...this.removed];
    copy.#tombstones = [...this.#tombstones];
    copy.#addresses = new Map(this.#addresses);
    copy.cutoffs = new Map(this.cutoffs);
    copy.losses = [...this.losses];
    return copy;
  }

  has(id: string): boolean {
    return this.events.some((event) => event.id === id);
  }

  /** The stored version of the event's address, even one whose time is over (R-05-16). */
  rivalOf(event: Event): Event | undefined {
    const address = addressOf(event);
    return address === undefined ? undefined : this.events.find((other) => addressOf(other) === address);
  }

  /** Why an event is blocked, if it is: step 12 of R-02-12. */
  blockOf(event: Event): string | undefined {
    const deletes = ([id, deleter]: [string, string]) => id === event.id && mayDelete(deleter, event);
    if (this.#tombstones.some(deletes)) return "blocked as deleted";
    const until = this.#addresses.get(addressOf(event) ?? "none");
    if (until !== undefined && event.created_at <= until) return "blocked by address";
    for (const [pubkey, time] of this.cutoffs) {
      if (event.created_at > time) continue;
      if (event.pubkey === pubkey) return "blocked as vanished";
      if (isWrapFor(pubkey, event)) return "wrap blocked as vanished";
    }
    if (this.#tombstones.some(([id]) => id === event.id)) this.outcomes.push("tombstone without effect");
    return undefined;
  }

  /** Stores an event that nothing speaks against, and carries out what it asks for. */
  add(event: Event): void {
    const rival = this.rivalOf(event);
    this.events = [...this.events.filter((other) => other !== rival), event];
    if (rival !== undefined) this.losses.push({ id: rival.id, isReplaced: true });
    if (event.kind === DELETION) this.#delete(event);
    if (event.kind === VANISH) this.#vanish(event);
  }

  /** R-05-02 to R-05-07. */
  #delete(deletion: Event): void {
    const { pubkey, created_at } = deletion;
    const ids = namedIds(deletion);
    const addresses = namedAddresses(deletion);
    for (const id of ids) this.#tombstones.push([id, pubkey]);
    for (const address of addresses) raise(this.#addresses, address, created_at);
    this.#remove((event) => {
      if (ids.includes(event.id)) {
        if (!mayDelete(pubkey, event)) return this.#note("deletion without effect");
        return event.pubkey === pubkey ? "deleted" : "deleted by recipient";
      }
      const address = addressOf(event);
      if (address === undefined || !addresses.includes(address)) return undefined;
      return event.created_at <= created_at ? "deleted by address" : this.#note("newer than deletion");
    });
  }

  /** R-05-20: the request itself stays, older ones go. */
  #vanish(request: Event): void {
    const { pubkey, created_at } = request;
    raise(this.cutoffs, pubkey, created_at);
    this.outcomes.push("vanished");
    this.#remove((event) => {
      if (event === request || event.created_at > created_at) return undefined;
      if (event.pubkey === pubkey) return "erased";
      return isWrapFor(pubkey, event) ? "wrap erased" : undefined;
    });
  }

  /** Removes each event for which there is an outcome. */
  #remove(outcomeOf: (event: Event) => string | undefined): void {
    this.events = this.events.filter((event) => {
      const outcome = outcomeOf(event);
      if (outcome === undefined) return true;
      this.removed.push(event);
      this.losses.push({ id: event.id, isReplaced: false });
      this.outcomes.push(outcome);
      return false;
    });
  }

  /** What was over has been removed for good, as far as the relay has got. */
  forget(isGone: (event: Event) => boolean): void {
    const gone = this.events.filter(isGone);
    if (gone.length === 0) return;
    this.events = this.events.filter((event) => !gone.includes(event));
    for (const { id } of gone) this.losses.push({ id, isReplaced: false });
  }

  #note(outcome: string): undefined {
    this.outcomes.push(outcome);
  }
}

function raise(times: Times, key: string, time: number): void {
  times.set(key, Math.max(time, times.get(key) ?? 0));
}
