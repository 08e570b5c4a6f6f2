import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "./client.ts";
import type { Expected } from "./expected.ts";
import { now } from "./keys.ts";
import { addressOf, byOrder, canSee, faultsOf, isEmpty, isUnconfined, naiveMatch, unionOf } from "./naive-rules.ts";

/** Defaults of reference 6.7. */
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 5000;
const CREATED_AT_UPPER_LIMIT = 900;

/** Seconds for which an ephemeral id is known (R-04-10) less some for the way; and for which a row may wait (R-06-20). */
const SURELY_RECENT = 50;
const MAY_BE_UNWRITTEN = 4;

const AUTH_REQUIRED = "auth-required: authentication required";

interface Subscription {
  filters: Filter[];
  openedAt: number;
  hasSurvived: boolean;
}

export interface OracleConnection {
  challenge: string;
  authed: Set<string>;
  failures: number;
  subscriptions: Map<string, Subscription>;
}

/**
 * A relay that is obviously right: a list of events, a list of subscriptions, and every question answered by looking
 * at all of them. Written from the reference alone. It takes the same frames as the relay and notes what each
 * connection must be sent. Expiration, deletion, vanish and sync are not part of it yet.
 */
export class Oracle {
  events: Event[] = [];
  connections = new Map<number, OracleConnection>();
  /** Ephemeral ids; `isCertain` if the relay has to remember them. */
  ephemeral = new Map<string, { isCertain: boolean; at: number }>();
  expected: Expected[] = [];
  /** What happened, for tests that make sure that everything did. */
  outcomes: string[] = [];
  readonly #isGenuine: (event: Event) => boolean;

  /** `isGenuine` says whether id and signature of an event are true. */
  constructor(isGenuine: (event: Event) => boolean) {
    this.#isGenuine = isGenuine;
  }

  connect(connection: number, challenge: string): void {
    this.connections.set(connection, { challenge, authed: new Set(), failures: 0, subscriptions: new Map() });
  }

  disconnect(connection: number): void {
    this.connections.delete(connection);
  }

  /** The object has gone and come back: nothing changes (R-06-12), but for ids it only had to remember a while. */
  evict(): void {
    for (const [id, { at }] of this.ephemeral) this.ephemeral.set(id, { isCertain: false, at });
    for (const { subscriptions } of this.connections.values()) {
      for (const subscription of subscriptions.values()) subscription.hasSurvived = true;
    }
    this.outcomes.push("evicted");
  }

  /** The relay says that a subscription was lost: only one that need not have been written yet may be (R-06-20). */
  lose(connection: number, id: string): void {
    const subscriptions = this.#connection(connection).subscriptions;
    if (now() - (subscriptions.get(id)?.openedAt ?? 0) > MAY_BE_UNWRITTEN) return;
    subscriptions.delete(id);
    this.#expect(connection, ["CLOSED", id, "error: …"]);
  }

  /** Takes one frame of a client. Where the reference leaves a choice that has consequences, returns each outcome. */
  receive(connection: number, frame: Frame): Oracle[] {
    const [verb, subject, ...filters] = frame;
    if (verb === "AUTH") return this.#authenticate(connection, subject as Event);
    if (this.#connection(connection).authed.size === 0) return this.#turnAway(connection, frame);
    switch (verb) {
      case "EVENT":
        return this.#publish(connection, subject as Event);
      case "REQ":
        return this.#subscribe(connection, subject as string, filters as Filter[]);
      case "COUNT":
        return this.#count(connection, subject as string, filters as Filter[]);
      case "CLOSE":
        return this.#close(connection, subject as string);
    }
    throw new Error(`the oracle does not know ${verb}`);
  }

  clone(): Oracle {
    const copy = new Oracle(this.#isGenuine);
    copy.events = [...this.events];
    for (const [connection, { authed, subscriptions, ...rest }] of this.connections) {
      const ownSubscriptions = new Map([...subscriptions].map(([id, subscription]) => [id, { ...subscription }]));
      copy.connections.set(connection, { ...rest, authed: new Set(authed), subscriptions: ownSubscriptions });
    }
    copy.ephemeral = new Map(this.ephemeral);
    copy.expected = this.expected.map((expected) => ({ ...expected }));
    copy.outcomes = [...this.outcomes];
    return copy;
  }

  /** The same for oracles in the same state. */
  get fingerprint(): string {
    const connections = [...this.connections].map(([connection, { authed, subscriptions }]) => [
      connection,
      [...authed].sort(),
      [...subscriptions].map(([id, { filters }]) => JSON.stringify([id, filters])).sort(),
    ]);
    const ephemeral = [...this.ephemeral].map(([id, { isCertain }]) => `${id}${isCertain}`).sort();
    return JSON.stringify([this.events.map(({ id }) => id).sort(), connections, ephemeral]);
  }

  /** The table of 6.2: nothing but AUTH before authentication. */
  #turnAway(connection: number, [verb, subject]: Frame): Oracle[] {
    if (verb === "EVENT") this.#expect(connection, ["OK", (subject as Event).id, false, AUTH_REQUIRED]);
    else if (verb === "CLOSE") this.#expectUnordered(connection, ["NOTICE", AUTH_REQUIRED]);
    else this.#expect(connection, ["CLOSED", subject, AUTH_REQUIRED]);
    this.outcomes.push("unauthenticated");
    return [this];
  }

  /** R-05-53, R-05-54, R-05-56. */
  #authenticate(connection: number, event: Event): Oracle[] {
    const client = this.#connection(connection);
    const challenge = event.tags.find(([name]) => name === "challenge")?.[1];
    if (this.#isGenuine(event) && challenge === client.challenge) {
      this.outcomes.push(client.authed.size === 0 ? "authenticated" : "authenticated further");
      client.authed.add(event.pubkey);
      this.#expect(connection, ["OK", event.id, true, ""]);
    } else {
      client.failures++;
      this.outcomes.push("authentication failed");
      this.#expect(connection, ["OK", event.id, false, "auth-required: …"], ["OK", event.id, false, "invalid: …"]);
    }
    return [this];
  }

  /** The order of R-02-12. */
  #publish(connection: number, event: Event): Oracle[] {
    const duplicate: Frame = ["OK", event.id, true, "duplicate: …"];
    const invalid: Frame = ["OK", event.id, false, "invalid: …"];
    const isValid =
      this.#isGenuine(event) && event.created_at <= now() + CREATED_AT_UPPER_LIMIT && event.kind !== 22242;
    if (this.events.some(({ id }) => id === event.id)) {
      // A known id may be answered before the rest is looked at; the stored copy stays in any case.
      this.#expect(connection, ...(isValid ? [duplicate] : [duplicate, invalid]));
      this.outcomes.push(isValid ? "duplicate" : "forged duplicate");
      return [this];
    }
    const known = this.ephemeral.get(event.id);
    if (!isValid) {
      this.#expect(connection, ...(known === undefined ? [invalid] : [duplicate, invalid]));
      this.outcomes.push("invalid");
      return [this];
    }
    if (event.kind < 20000 || event.kind >= 30000) return this.#store(connection, event);
    const isRemembered = known?.isCertain === true && now() - known.at < SURELY_RECENT;
    if (known === undefined) return this.#passOn(connection, event);
    const asDuplicate = isRemembered ? this : this.clone();
    asDuplicate.#expect(connection, duplicate);
    asDuplicate.outcomes.push("ephemeral duplicate");
    return isRemembered ? [this] : [asDuplicate, ...this.#passOn(connection, event)];
  }

  /** R-04-09. */
  #passOn(connection: number, event: Event): Oracle[] {
    const heard = this.#deliver(event);
    this.ephemeral.set(event.id, { isCertain: heard > 0, at: now() });
    this.#expect(connection, heard > 0 ? ["OK", event.id, true, ""] : ["OK", event.id, false, "mute: …"]);
    this.outcomes.push(heard > 0 ? "heard" : "mute");
    return [this];
  }

  /** R-04-02, R-04-03, R-04-08. */
  #store(connection: number, event: Event): Oracle[] {
    const key = addressOf(event);
    const rival = key === undefined ? undefined : this.events.find((other) => addressOf(other) === key);
    if (rival !== undefined && byOrder(rival, event) < 0) {
      this.#expect(connection, ["OK", event.id, false, "duplicate: …"]);
      this.outcomes.push(rival.created_at === event.created_at ? "superseded by a tie" : "superseded");
      return [this];
    }
    if (rival !== undefined) {
      this.outcomes.push(rival.created_at === event.created_at ? "replaced by a tie" : "replaced");
    }
    this.events = [...this.events.filter((other) => other !== rival), event];
    this.#expect(connection, ["OK", event.id, true, ""]);
    this.outcomes.push("stored");
    this.#deliver(event);
    return [this];
  }

  /** R-03-21, R-05-29: once to each subscription that matches and may see it. Returns how many that were. */
  #deliver(event: Event): number {
    let count = 0;
    for (const [connection, client] of this.connections) {
      for (const [id, { filters, hasSurvived }] of client.subscriptions) {
        if (!filters.some((filter) => naiveMatch(filter, event))) continue;
        if (!canSee(client.authed, event)) {
          this.outcomes.push("hidden live");
          continue;
        }
        this.#expectUnordered(connection, ["EVENT", id, event]);
        this.outcomes.push(hasSurvived ? "live after eviction" : "live");
        count++;
      }
    }
    return count;
  }

  #subscribe(connection: number, id: string, filters: Filter[]): Oracle[] {
    const { subscriptions, authed } = this.#connection(connection);
    this.#cut(connection, id);
    const faults = filters.flatMap(faultsOf);
    const isOpen = subscriptions.delete(id);
    if (faults.length > 0) {
      this.#expect(connection, ...faults.map((prefix): Frame => ["CLOSED", id, `${prefix}: …`]));
      this.outcomes.push(isOpen ? "replacement refused" : "subscription refused");
      return [this];
    }
    subscriptions.set(id, { filters, openedAt: now(), hasSurvived: false });
    this.expected.push({
      connection,
      anyOf: this.#answers(id, filters, authed),
      isUnordered: false,
      mayBeCut: false,
    });
    this.outcomes.push(isOpen ? "subscription replaced" : "subscribed");
    return [this];
  }

  #close(connection: number, id: string): Oracle[] {
    this.#cut(connection, id);
    const wasOpen = this.#connection(connection).subscriptions.delete(id);
    this.outcomes.push(wasOpen ? "closed" : "closed unknown");
    return [this];
  }

  /** R-03-10 to R-03-19: the stored events with each EOSE that may follow them. */
  #answers(id: string, filters: Filter[], authed: Set<string>): Frame[][] {
    const matches = filters.map((filter) => this.#visible(authed, filter).sort(byOrder));
    const limits = filters.map(({ limit }) => Math.min((limit as number | undefined) ?? DEFAULT_LIMIT, MAX_LIMIT));
    const taken = matches.map((found, i) => found.slice(0, limits[i]));
    // Where the relay's own cap cuts, it should send the rest of the last second too (R-03-19).
    const extended = matches.map((found, i) => {
      const last = found[(limits[i] as number) - 1];
      if (last === undefined || (filters[i]?.limit as number) <= MAX_LIMIT) return taken[i] as Event[];
      return found.filter((event, at) => at < (limits[i] as number) || event.created_at === last.created_at);
    });
    const all = unionOf(matches);
    return [taken, extended].flatMap((chosen) => {
      const sent = unionOf(chosen).sort(byOrder);
      const frames = sent.map((event): Frame => ["EVENT", id, event]);
      const isComplete = sent.length === all.length;
      this.outcomes.push(isComplete ? "finish" : "more");
      const ends: Frame[] = [["EOSE", id, [isComplete ? "finish" : "more"]]];
      // The row beyond the limit of one filter may have been sent for another: the relay need not know that it was.
      const isUnsure = filters.some(({ limit }, i) => limit === 0 || chosen[i]?.length !== matches[i]?.length);
      if (!isComplete || isUnsure) ends.push(["EOSE", id]);
      return ends.map((end) => [...frames, end]);
    });
  }

  /** R-05-31, R-05-34. */
  #count(connection: number, id: string, filters: Filter[]): Oracle[] {
    const { authed } = this.#connection(connection);
    const faults = filters.flatMap(faultsOf);
    if (faults.length > 0) {
      this.#expect(connection, ...faults.map((prefix): Frame => ["CLOSED", id, `${prefix}: …`]));
      this.outcomes.push("count refused");
      return [this];
    }
    const unconfined = filters.filter((filter) => isUnconfined(filter, authed));
    const count = unionOf(filters.map((filter) => this.#visible(authed, filter))).length;
    const number: Frame = ["COUNT", id, { count }];
    const restricted: Frame = ["CLOSED", id, "restricted: …"];
    // Whether one such filter refuses its fellows, and whether an empty list confines, is left open.
    const isClear = unconfined.length === filters.length && !unconfined.some(isEmpty);
    if (unconfined.length === 0) this.#expect(connection, number);
    else this.#expect(connection, ...(isClear ? [restricted] : [number, restricted]));
    this.outcomes.push(isClear ? "count restricted" : "counted");
    return [this];
  }

  #visible(authed: Set<string>, filter: Filter): Event[] {
    return this.events.filter((event) => {
      if (!naiveMatch(filter, event)) return false;
      const isVisible = canSee(authed, event);
      if (!isVisible) this.outcomes.push("hidden stored");
      return isVisible;
    });
  }

  /** An answer that is still expected need not be completed after this. */
  #cut(connection: number, id: string): void {
    for (const expected of this.expected) {
      const last = expected.anyOf[0]?.at(-1);
      if (expected.connection === connection && last?.[0] === "EOSE" && last[1] === id) expected.mayBeCut = true;
    }
  }

  #expect(connection: number, ...oneOf: Frame[]): void {
    this.expected.push({ connection, anyOf: oneOf.map((frame) => [frame]), isUnordered: false, mayBeCut: false });
  }

  #expectUnordered(connection: number, frame: Frame): void {
    this.expected.push({ connection, anyOf: [[frame]], isUnordered: true, mayBeCut: false });
  }

  #connection(connection: number): OracleConnection {
    const found = this.connections.get(connection);
    if (found === undefined) throw new Error(`connection ${connection} is not open`);
    return found;
  }
}
