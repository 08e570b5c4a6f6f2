import { VANISH_KIND } from "../protocol/deletion.ts";
import { type Event, parseEvent } from "../protocol/event.ts";
import { kindClass } from "../protocol/kind.ts";
import { INTERNAL_ERROR, type Reason } from "../protocol/reason.ts";
import type { Crypto } from "../protocol/secp256k1.ts";
import { BAD_SIGNATURE, HashedEvent, type VerifiedEvent } from "../protocol/verify.ts";
import { type Access, refuseReader, refuseWriter } from "./access.ts";
import type { Config } from "./config.ts";
import type { Connection } from "./connection.ts";
import { deliverLive } from "./deliver.ts";
import { admitEvent, isRefusedAgain, isRefusedLate } from "./policy.ts";
import type { AppendResult, Clock, EventLog, Log } from "./ports.ts";
import { RecentIds } from "./recent-ids.ts";
import { Signatures, type Waiting } from "./signatures.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Turns } from "./turns.ts";
import { WaitingEvents } from "./waiting-events.ts";

/** Longest time that an event waits for others to share its commit, in milliseconds. */
const BATCH_DELAY_MS = 1;

/** An event that comes so long after the last commit waits for nobody, in milliseconds: others are not to be expected. */
const QUIET_MS = 5;

/** An event that passed, and who hears of its fate. */
interface Admitted {
  connection: Connection;
  verified: VerifiedEvent;
}

const DUPLICATE: Reason = "duplicate: already have this event";
const SUPERSEDED: Reason = "duplicate: a newer version is stored";
const BLOCKED = {
  deleted: "blocked: deleted by its author",
  vanished: "blocked: its author or recipient asked to vanish",
} satisfies Record<string, Reason>;
const UNHEARD: Reason = "mute: nobody is subscribed to this ephemeral event";

export interface PublishDeps {
  config: Config;
  access: Access;
  crypto: Crypto;
  log: EventLog;
  clock: Clock;
  subscriptions: Subscriptions;
  report: Log;
}

/** EVENT, top to bottom: shape and id; then, in groups, signature, policy, commit, OK, delivery. */
export class Publisher {
  readonly #deps: PublishDeps;
  readonly #turns: Turns;
  readonly #signatures: Signatures;
  readonly #ephemeral = new RecentIds();
  /** Asked about verified events only: an id alone tells nobody that there was such an event (R-05-29). */
  readonly #privateEphemeral = new RecentIds();
  #waiting = new WaitingEvents();
  #underWay = Promise.resolve();
  #isArmed = false;
  #flushedAtMs = 0;

  constructor(deps: PublishDeps, turns: Turns) {
    this.#deps = deps;
    this.#turns = turns;
    this.#signatures = new Signatures(deps.crypto);
  }

  /**
   * Judges one EVENT up to its id, in the order of R-02-12. Its OK follows now if it is refused or known; the rest waits
   * for the commit.
   */
  async publish(connection: Connection, id: string, value: unknown): Promise<void> {
    const { crypto, clock } = this.#deps;
    const parsed = parseEvent(value);
    if (!parsed.ok) return ok(connection, id, false, parsed.reason);
    // Two answers about one id come in the order of the events.
    if (this.#waiting.has(id)) await this.flush();
    const now = clock.nowSeconds();
    if (this.#ephemeral.has(id, now) && this.#mayBeKnown(connection, parsed.value, now)) {
      return ok(connection, id, true, DUPLICATE);
    }
    const hashed = HashedEvent.check(parsed.value, crypto);
    if (!hashed.ok) return ok(connection, id, false, hashed.reason);
    const waiting = this.#signatures.admit(connection, hashed.value, now);
    if (waiting === undefined) return ok(connection, id, false, BAD_SIGNATURE);
    // Only the log says what erasures block and what they leave to erase, and they must be in it to be asked about.
    while (this.#waiting.hasErasure && this.#isJudgedByLog(parsed.value)) await this.flush();
    this.#waiting.add(waiting);
    if (this.#waiting.isFull || Math.abs(Date.now() - this.#flushedAtMs) >= QUIET_MS) {
      return this.flush(this.#turns.slice);
    }
    this.#arm();
  }

  /** Commits what waits of a connection, and lets a commit that is under way end. */
  settle(connection: Connection): Promise<void> {
    return this.#waiting.hasOf(connection) ? this.flush() : this.#underWay;
  }

  /** Judges and commits the first `count` that wait, then answers and delivers them. */
  flush(count = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#waiting.all.length === 0) return this.#underWay;
    const commit = this.#commit(count);
    this.#underWay = commit.catch(() => {});
    return commit;
  }

  async #commit(count: number): Promise<void> {
    this.#flushedAtMs = Date.now();
    const [batch, rest] = this.#waiting.split(count);
    this.#waiting = rest;
    if (rest.all.length > 0) this.#arm();
    const admitted = this.#admit(batch);
    const stored = admitted.filter(({ verified }) => kindClass(verified.event.kind) !== "ephemeral");
    const unkept = new Set(stored.filter((one) => !this.#isKept(one)).map(({ verified }) => verified));
    const results =
      stored.length === 0
        ? []
        : await this.#append(
            stored.map(({ verified }) => verified),
            unkept,
          );
    let next = 0;
    for (const one of admitted) {
      if (kindClass(one.verified.event.kind) === "ephemeral") this.#passOn(one);
      else this.#settle(one, results[next++] as AppendResult);
    }
  }

  /** Those whose signature is right and whom the policies let in; the others are told why not. */
  #admit(batch: WaitingEvents): Admitted[] {
    const now = this.#deps.clock.nowSeconds();
    const known = this.#known(batch);
    const isNew = ({ connection, event: { event } }: Waiting) =>
      !known.has(event.id) || !this.#mayBeKnown(connection, event, now);
    const verdicts = this.#signatures.checkAll(batch.all.filter(isNew), now).values();
    return batch.all.flatMap((waiting) => {
      const { connection } = waiting;
      const { id } = waiting.event.event;
      if (!isNew(waiting)) {
        ok(connection, id, true, DUPLICATE);
        return [];
      }
      const verified = verdicts.next().value;
      try {
        const refusal = verified === undefined ? BAD_SIGNATURE : this.#refuse(connection, verified, now);
        if (verified !== undefined && refusal === undefined) return [{ connection, verified }];
        ok(connection, id, false, refusal as Reason);
      } catch (error) {
        this.#fail(connection, id, error);
      }
      return [];
    });
  }

  /** Ids that need no signature (R-02-12). None if something in the batch may take away what is stored now. */
  #known({ all, hasErasure }: WaitingEvents): ReadonlySet<string> {
    if (hasErasure || all.some(isReplacement)) return new Set();
    try {
      return this.#deps.log.known(all.map(({ event: { event } }) => event.id));
    } catch (error) {
      // Only a hint: what is amiss shows when they are stored, and each is answered then.
      this.#deps.report("looking up known events failed", { error: String(error) });
      return new Set();
    }
  }

  /** Whether the answer depends on what erasures block or leave to erase, and the store is not asked anyway. */
  #isJudgedByLog(event: Event): boolean {
    const { config, log } = this.#deps;
    if (kindClass(event.kind) === "ephemeral") return true;
    return isRefusedLate({ event, config, isFull: log.isFull(), find: (id) => log.find(id) });
  }

  /** Whether an event may be answered as a duplicate. Who may not read does not learn what is here. */
  #mayBeKnown({ authed }: Connection, event: Event, now: number): boolean {
    const { access, config } = this.#deps;
    return refuseReader(access, authed) === undefined && !isRefusedAgain({ event, now, config, authed });
  }

  /** A request to vanish is carried out whoever hands it in (R-05-22); kept and passed on only if that key may write. */
  #isKept({ connection, verified: { event } }: Admitted): boolean {
    const { access, log } = this.#deps;
    return event.kind !== VANISH_KIND || (!log.isFull() && refuseWriter(access, connection.authed) === undefined);
  }

  #refuse(connection: Connection, verified: VerifiedEvent, now: number): Reason | undefined {
    const { config, access, log } = this.#deps;
    const { event, tags } = verified;
    const { authed } = connection;
    const isFull = !log.hasRoomFor(verified);
    // Who may not read does not learn what is here. Asked for few events, so not before.
    const find = (wanted: string) => (refuseReader(access, authed) === undefined ? log.find(wanted) : undefined);
    return admitEvent({ event, tags, now, config, access, authed, isFull, find }, () => {
      const block = log.blockOf(event);
      return block && BLOCKED[block];
    });
  }

  /**
   * Stores and delivers events that the relay itself has signed: no policy is asked and nobody waits for an OK. False if
   * one could not be stored.
   */
  async issue(events: readonly VerifiedEvent[]): Promise<boolean> {
    const results = await this.#append(events);
    let isDone = true;
    for (const [i, verified] of events.entries()) {
      const result = results[i] as AppendResult;
      if (result.outcome === "stored") this.#deliver(verified, result.position);
      if (result.outcome !== "failed") continue;
      isDone = false;
      this.#deps.report("issuing failed", { kind: verified.event.kind, error: String(result.error) });
    }
    return isDone;
  }

  async #append(events: readonly VerifiedEvent[], unkept?: ReadonlySet<VerifiedEvent>): Promise<AppendResult[]> {
    try {
      return await this.#deps.log.append(events, unkept);
    } catch (error) {
      return events.map(() => ({ outcome: "failed", error }));
    }
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#deps.clock.soon(BATCH_DELAY_MS, () => {
      this.#isArmed = false;
      return this.flush(this.#turns.slice);
    });
  }

  #settle({ connection, verified }: Admitted, result: AppendResult): void {
    const { id } = verified.event;
    switch (result.outcome) {
      case "stored":
        ok(connection, id, true, "");
        this.#deliver(verified, result.position);
        return;
      case "obeyed":
        return ok(connection, id, true, "");
      case "duplicate":
        return ok(connection, id, true, DUPLICATE);
      case "deleted":
      case "vanished":
        return ok(connection, id, false, BLOCKED[result.outcome]);
      case "superseded":
        return ok(connection, id, false, SUPERSEDED);
      case "failed":
        return this.#fail(connection, id, result.error);
    }
  }

  #fail(connection: Connection, id: string, error: unknown): void {
    this.#deps.report("publishing failed", { connection: connection.id, error: String(error) });
    ok(connection, id, false, INTERNAL_ERROR);
    connection.send(["NOTICE", "internal error"]);
  }

  /** R-04-09: an ephemeral event goes to whoever listens and nowhere else. */
  #passOn({ connection, verified }: Admitted): void {
    const { id, kind } = verified.event;
    const { clock, config } = this.#deps;
    const now = clock.nowSeconds();
    const recent = config.privateKinds.has(kind) ? this.#privateEphemeral : this.#ephemeral;
    if (recent.has(id, now)) return ok(connection, id, true, DUPLICATE);
    const count = this.#deliver(verified);
    // One that nobody heard may be tried again.
    if (count > 0) recent.add(id, now);
    ok(connection, id, count > 0, count > 0 ? "" : UNHEARD);
  }

  #deliver(verified: VerifiedEvent, position?: number): number {
    const { subscriptions, config } = this.#deps;
    const { count, laggards } = deliverLive(verified, position, subscriptions.index, config.authRequired);
    for (const subscription of laggards) {
      this.#end(subscription);
    }
    return count;
  }

  /** What goes wrong for one receiver must not reach the others, nor the publisher (R-06-22). */
  #end(subscription: Subscription): void {
    const { subscriptions, report } = this.#deps;
    try {
      if (subscription.connection.outbound.isOverflowing) subscription.connection.cutOff();
      else subscriptions.end(subscription, "error: too many live events while answering, send it again");
    } catch (error) {
      report("ending a subscription failed", { connection: subscription.connection.id, error: String(error) });
    }
  }
}

function isReplacement({ event: { event } }: Waiting): boolean {
  const kind = kindClass(event.kind);
  return kind === "replaceable" || kind === "addressable";
}

function ok(connection: Connection, id: string, accepted: boolean, text: string): void {
  connection.send(["OK", id, accepted, text]);
}
