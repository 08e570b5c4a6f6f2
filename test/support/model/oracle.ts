import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import { isCurrent, isForThisRelay, isRequest, namesInCapitals, refusalsOf, VANISH } from "./naive-features.ts";
import { PRIVATE_KINDS } from "./naive-filter.ts";
import { byOrder, canSee, faultsOf, naiveMatch, unionOf } from "./naive-rules.ts";
import { countAnswers, storedAnswers } from "./oracle-answers.ts";
import { OracleWithSyncs } from "./oracle-syncs.ts";

/** Seconds for which an ephemeral id is known (R-04-10). */
const REMEMBERED = 60;

/** R-05-53. */
const AUTH_TOLERANCE = 600;

/** R-05-62. */
const MAX_FAILURES = 10;
const FAILURES_SECONDS = 60;

const AUTH_REQUIRED = "auth-required: authentication required";

/**
 * A relay that is obviously right: a list of events, a list of subscriptions, and every question answered by looking
 * at all of them. Written from the reference alone. It takes the same frames as the relay and notes what each
 * connection must be sent.
 */
export class Oracle extends OracleWithSyncs {
  readonly #isGenuine: (event: Event) => boolean;

  /** `isGenuine` says whether id and signature of an event are true. */
  constructor(isGenuine: (event: Event) => boolean) {
    super();
    this.#isGenuine = isGenuine;
  }

  /** Takes one frame of a client. */
  receive(connection: number, frame: Frame): void {
    const [verb, subject, ...filters] = frame;
    if (verb === "AUTH") return this.#authenticate(connection, subject as Event);
    if (this.open(connection).authed.size === 0) return this.#turnAway(connection, frame);
    switch (verb) {
      case "EVENT":
        return this.#publish(connection, subject as Event);
      case "REQ":
        return this.#subscribe(connection, subject as string, filters as Filter[]);
      case "COUNT":
        return this.#count(connection, subject as string, filters as Filter[]);
      case "CLOSE":
        return this.#close(connection, subject as string);
      case "NEG-OPEN":
        return this.openSync(connection, subject as string, filters[0] as Filter, filters[1] as unknown as string);
      case "NEG-MSG":
        return this.goOnWithSync(connection, subject as string, filters[0] as unknown as string);
      case "NEG-CLOSE":
        return this.closeSync(connection, subject as string);
    }
    throw new Error(`the oracle does not know ${verb}`);
  }

  /** What was over and has been removed is gone for good: `isStored` says of an id whether it is still there. */
  reconcile(isStored: (id: string) => boolean): void {
    this.archive.forget((event) => !isCurrent(event, this.now) && !isStored(event.id));
  }

  /** Whether a subscription of this connection is live and its socket takes nothing: it does not count as having heard. */
  isDeaf: (connection: number, id: string) => boolean = () => false;
  /** Whether some connection has read too slowly: it is closed, or will be. */
  mayMishear: () => boolean = () => false;

  /** The table of 6.2: nothing but AUTH before authentication. */
  #turnAway(connection: number, [verb, subject]: Frame): void {
    if (verb === "EVENT") this.expect(connection, ["OK", (subject as Event).id, false, AUTH_REQUIRED]);
    else if (verb === "CLOSE" || verb === "NEG-CLOSE") this.expect(connection, ["NOTICE", AUTH_REQUIRED]);
    else this.expect(connection, [verb.startsWith("NEG-") ? "NEG-ERR" : "CLOSED", subject, AUTH_REQUIRED]);
    this.outcomes.push("unauthenticated");
  }

  /** R-05-53, R-05-54, R-05-56. */
  #authenticate(connection: number, event: Event): void {
    const client = this.open(connection);
    const challenge = event.tags.find(([name]) => name === "challenge")?.[1];
    // R-05-62; a clock that was set back forgets too.
    if (Math.abs(this.now - client.failedSince) >= FAILURES_SECONDS) client.failures = 0;
    if (client.failures >= MAX_FAILURES) {
      this.outcomes.push("authentication refused");
      return this.expect(connection, ["OK", event.id, false, "rate-limited: …"]);
    }
    const isFresh = Math.abs(this.now - event.created_at) <= AUTH_TOLERANCE;
    if (this.#isGenuine(event) && challenge === client.challenge && isFresh) {
      this.outcomes.push(client.authed.size === 0 ? "authenticated" : "authenticated further");
      client.authed.add(event.pubkey);
      this.expect(connection, ["OK", event.id, true, ""]);
    } else {
      if (client.failures++ === 0) client.failedSince = this.now;
      this.outcomes.push("authentication failed");
      this.expect(connection, ["OK", event.id, false, "auth-required: …"], ["OK", event.id, false, "invalid: …"]);
    }
  }

  /** The order of R-02-12. */
  #publish(connection: number, event: Event): void {
    const { id } = event;
    const refuse = (prefix: string): Frame => ["OK", id, false, `${prefix}: …`];
    const duplicate: Frame = ["OK", id, true, "duplicate: …"];
    const isGenuine = this.#isGenuine(event);
    const refusals = isGenuine ? refusalsOf(event, this.now, this.open(connection).authed) : ["invalid"];
    if (this.archive.has(id)) {
      // A known id may be answered before the rest is looked at; the stored copy stays in any case.
      this.expect(connection, duplicate, ...refusals.map(refuse));
      this.outcomes.push(isGenuine ? "duplicate" : "forged duplicate");
      return;
    }
    const isPrivate = PRIVATE_KINDS.includes(event.kind);
    const recent = isPrivate ? this.privateEphemeral : this.ephemeral;
    const known = recent.get(id);
    if (refusals.length > 0) {
      this.expect(connection, ...refusals.map(refuse), ...(known === undefined ? [] : [duplicate]));
      this.outcomes.push(...refusals);
      return;
    }
    const block = this.archive.blockOf(event);
    this.#takeOutcomes();
    const isAstray = (event.kind === VANISH && !isForThisRelay(event)) || namesInCapitals(event);
    if (block !== undefined || isAstray) {
      const prefixes = [...(block === undefined ? [] : ["blocked"]), ...(isAstray ? ["invalid"] : [])];
      this.expect(connection, ...prefixes.map(refuse), ...(known === undefined ? [] : [duplicate]));
      this.outcomes.push(block ?? (event.kind === VANISH ? "vanishes elsewhere" : "deletion in capitals"));
      return;
    }
    if (event.kind < 20000 || event.kind >= 30000) return this.#store(connection, event);
    if (known === undefined || this.now - known >= REMEMBERED) return this.#passOn(connection, event, recent);
    // R-04-10.
    this.expect(connection, isPrivate ? ["OK", id, true, ""] : duplicate);
    this.outcomes.push("ephemeral duplicate");
  }

  /** R-04-09. */
  #passOn(connection: number, event: Event, recent: Map<string, number>): void {
    const heard = this.#deliver(event, false);
    if (heard > 0) {
      // Those whose minute is over are gone from here on, even if the clock is set back.
      for (const [id, at] of recent) {
        if (this.now - at < REMEMBERED) break;
        recent.delete(id);
      }
      recent.set(event.id, this.now);
    }
    const isTaken = heard > 0 || PRIVATE_KINDS.includes(event.kind);
    const [taken, mute]: Frame[] = [
      ["OK", event.id, true, ""],
      ["OK", event.id, false, "mute: …"],
    ];
    // Who reads too slowly may have heard it, or be closed before.
    this.expect(connection, ...(this.mayMishear() ? [taken, mute] : [isTaken ? taken : mute]));
    this.outcomes.push(heard > 0 ? "heard" : "mute");
  }

  /** R-04-02, R-04-03, R-04-08. */
  #store(connection: number, event: Event): void {
    const rival = this.archive.rivalOf(event);
    if (rival === undefined) return this.#add(connection, event);
    const isTie = rival.created_at === event.created_at;
    if (byOrder(rival, event) > 0) {
      this.outcomes.push(isTie ? "replaced by a tie" : "replaced");
      return this.#add(connection, event);
    }
    // A version whose time is over counts until it is removed (R-05-16).
    const isOver = !isCurrent(rival, this.now);
    this.expect(connection, ["OK", event.id, false, "duplicate: …"]);
    this.outcomes.push(isOver ? "superseded by an expired one" : isTie ? "superseded by a tie" : "superseded");
  }

  #add(connection: number, event: Event): void {
    this.archive.add(event);
    this.#takeOutcomes();
    const isHinted = isRequest(event) && !this.#isHeardByOthers(connection, event);
    const ok = (hinted: boolean): Frame => [
      "OK",
      event.id,
      true,
      hinted ? "info: no provider is listening, held until …" : "",
    ];
    const forms = isRequest(event) && this.mayMishear() ? [ok(true), ok(false)] : [ok(isHinted)];
    this.expect(connection, ...forms);
    this.outcomes.push(isHinted ? "stored, and nobody listens" : "stored");
    this.#deliver(event, true);
  }

  /** R-07-20: whether another connection has a subscription that matches and may see it. */
  #isHeardByOthers(publisher: number, event: Event): boolean {
    return [...this.connections].some(
      ([connection, { authed, subscriptions }]) =>
        connection !== publisher &&
        canSee(authed, event) &&
        [...subscriptions.values()].some(({ filters }) => filters.some((filter) => naiveMatch(filter, event))),
    );
  }

  #takeOutcomes(): void {
    this.outcomes.push(...this.archive.outcomes.splice(0));
  }

  /** R-03-21, R-05-29: once to each subscription that matches and may see it. Returns how many that were. */
  #deliver(event: Event, isStored: boolean): number {
    let count = 0;
    for (const [connection, client] of this.connections) {
      for (const [id, { filters, hasSurvived }] of client.subscriptions) {
        if (!filters.some((filter) => naiveMatch(filter, event))) continue;
        if (!canSee(client.authed, event)) {
          this.outcomes.push("hidden live");
          continue;
        }
        this.expected.push({ connection, anyOf: [[["EVENT", id, event]]], live: { event, isStored } });
        this.outcomes.push(hasSurvived ? "live after eviction" : "live");
        if (!this.isDeaf(connection, id)) count++;
      }
    }
    return count;
  }

  #subscribe(connection: number, id: string, filters: Filter[]): void {
    const { subscriptions, authed } = this.open(connection);
    this.cut(connection, "EOSE", id);
    const faults = filters.flatMap(faultsOf);
    const isOpen = subscriptions.delete(id);
    if (faults.length > 0) {
      this.expect(connection, ...faults.map((prefix): Frame => ["CLOSED", id, `${prefix}: …`]));
      this.outcomes.push(isOpen ? "replacement refused" : "subscription refused");
      return;
    }
    subscriptions.set(id, { filters, hasSurvived: false });
    const matches = this.matches(filters, authed);
    const answers = storedAnswers(id, filters, matches);
    this.outcomes.push(...answers.map(({ hint }) => hint));
    const anyOf = answers.map(({ frames }) => frames);
    const all = unionOf(matches).sort(byOrder);
    const chosen = (anyOf[0] ?? []).flatMap(([verb, , event]) => (verb === "EVENT" ? [event as Event] : []));
    this.expected.push({ connection, anyOf, stored: { filters, all, chosen } });
    this.outcomes.push(isOpen ? "subscription replaced" : "subscribed");
  }

  #close(connection: number, id: string): void {
    this.cut(connection, "EOSE", id);
    const wasOpen = this.open(connection).subscriptions.delete(id);
    this.outcomes.push(wasOpen ? "closed" : "closed unknown");
  }

  /** R-05-31, R-05-34. */
  #count(connection: number, id: string, filters: Filter[]): void {
    const { authed } = this.open(connection);
    const faults = filters.flatMap(faultsOf);
    if (faults.length > 0) {
      this.expect(connection, ...faults.map((prefix): Frame => ["CLOSED", id, `${prefix}: …`]));
      this.outcomes.push("count refused");
      return;
    }
    const keys = new Set(authed);
    const again = () => countAnswers(id, filters, this.matches(filters, keys), keys);
    const answers = again();
    this.expected.push({ connection, anyOf: answers.map((frame) => [frame]), again });
    this.outcomes.push(answers[0]?.[0] === "COUNT" ? "counted" : "count restricted");
  }
}
