import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { BAD_SIGNATURE, HashedEvent, type VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { parseEvent } from "../../protocol/event.ts";
import { kindClass } from "../../protocol/kind.ts";
import { INTERNAL_ERROR, type Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";
import type { AppendResult } from "../ports.ts";
import { type DeliverDeps, deliverLive } from "../read/deliver.ts";
import type { Turns } from "../turns.ts";
import { BLOCKED, Judge, type JudgeDeps } from "./judge.ts";
import { RecentIds } from "./recent-ids.ts";
import { Signatures, type Waiting } from "./signatures.ts";
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
const UNHEARD: Reason = "mute: nobody is subscribed to this ephemeral event";

export interface PublishDeps extends JudgeDeps, DeliverDeps {
  crypto: Crypto;
}

/** EVENT, top to bottom: shape and id; then, in groups, signature, policy, commit, OK, delivery. */
export class Publisher {
  readonly #deps: PublishDeps;
  readonly #turns: Turns;
  readonly #judge: Judge;
  readonly #signatures: Signatures;
  readonly #ephemeral = new RecentIds();
  /** Asked about verified events only: an id alone tells nobody that there was such an event (R-05-29). */
  readonly #privateEphemeral = new RecentIds();
  readonly #waiting = new WaitingEvents();
  /** Commits that have begun and not ended, and until they have all ended; that never fails. */
  #commits = 0;
  #underWay = Promise.resolve();
  #isArmed = false;
  #flushedAtMs = 0;

  constructor(deps: PublishDeps, turns: Turns) {
    this.#deps = deps;
    this.#turns = turns;
    this.#judge = new Judge(deps);
    this.#signatures = new Signatures(deps.crypto);
  }

  /**
   * Judges one EVENT up to its id, in the order of R-02-12. Its OK follows now if it is refused or known; the rest waits
   * for the commit.
   */
  async publish(connection: Connection, id: string, value: unknown): Promise<void> {
    const { crypto, clock } = this.#deps;
    // Two answers about one id come in the order of the events.
    while (this.#waiting.has(id)) await this.flush();
    const parsed = parseEvent(value);
    if (!parsed.ok) return ok(connection, id, false, parsed.reason);
    const now = clock.nowSeconds();
    if (this.#ephemeral.has(id, now) && this.#judge.mayBeKnown(connection, parsed.value)) {
      return ok(connection, id, true, DUPLICATE);
    }
    const hashed = HashedEvent.check(parsed.value, crypto);
    if (!hashed.ok) return ok(connection, id, false, hashed.reason);
    const waiting = this.#signatures.admit(connection, hashed.value, now);
    if (waiting === undefined) return ok(connection, id, false, BAD_SIGNATURE);
    // Only the log says what erasures block and what they leave to erase, and they must be in it to be asked about.
    const mustWait = () => this.#waiting.has(id) || (this.#waiting.hasErasure && this.#judge.isForLog(parsed.value));
    while (mustWait()) await this.flush();
    this.#waiting.add(waiting);
    if (this.#waiting.isFull || Math.abs(Date.now() - this.#flushedAtMs) >= QUIET_MS) {
      return this.flush(this.#turns.slice);
    }
    this.#arm();
  }

  /** Whether an event of this id waits for its commit. */
  waits(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Commits what waits of a connection, and lets every commit that is under way end. */
  settle(connection: Connection): Promise<void> {
    return this.#waiting.hasOf(connection) ? this.flush() : this.#underWay;
  }

  /** Judges and commits the first `count` that wait, then answers and delivers them. */
  flush(count = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#waiting.count === 0) return this.#underWay;
    return this.#track(this.#commit(count, this.#underWay));
  }

  /** Whether nothing is in the log that is not answered and delivered yet. */
  get isSettled(): boolean {
    return this.#commits === 0;
  }

  #track<T>(commit: Promise<T>): Promise<T> {
    this.#commits++;
    const end = () => void this.#commits--;
    this.#underWay = this.#underWay.then(() => commit).then(end, end);
    return commit;
  }

  async #commit(count: number, before: Promise<void>): Promise<void> {
    this.#flushedAtMs = Date.now();
    const batch = this.#waiting.take(count);
    if (this.#waiting.count > 0) this.#arm();
    const admitted = this.#admit(batch);
    const stored = admitted.filter(({ verified: { event } }) => kindClass(event.kind) !== "ephemeral");
    const unkept = new Set(
      stored.flatMap(({ connection, verified }) => (this.#judge.isKept(connection, verified.event) ? [] : [verified])),
    );
    const events = stored.map(({ verified }) => verified);
    const results = events.length === 0 ? [] : await this.#append(events, unkept);
    // Answers and live events come in the order of the commits.
    await before;
    let next = 0;
    for (const one of admitted) {
      if (kindClass(one.verified.event.kind) === "ephemeral") this.#passOn(one);
      else this.#settle(one, results[next++] as AppendResult);
    }
  }

  /** Those whose signature is right and whom the policies let in; the others are told why not. */
  #admit(batch: readonly Waiting[]): Admitted[] {
    const known = this.#judge.known(batch);
    const isNew = ({ connection, event: { event } }: Waiting) =>
      !known.has(event.id) || !this.#judge.mayBeKnown(connection, event);
    const unknown = new Set(batch.filter(isNew));
    const verdicts = this.#signatures.checkAll([...unknown], this.#deps.clock.nowSeconds()).values();
    return batch.flatMap((waiting) => {
      const { connection } = waiting;
      const { id } = waiting.event.event;
      if (!unknown.has(waiting)) {
        ok(connection, id, true, DUPLICATE);
        return [];
      }
      const verified = verdicts.next().value;
      try {
        const refusal = verified === undefined ? BAD_SIGNATURE : this.#judge.refuse(connection, verified);
        if (verified !== undefined && refusal === undefined) return [{ connection, verified }];
        ok(connection, id, false, refusal as Reason);
      } catch (error) {
        this.#fail(connection, id, error);
      }
      return [];
    });
  }

  /**
   * Stores and delivers events that the relay itself has signed: no policy is asked and nobody waits for an OK. False if
   * one could not be stored.
   */
  issue(events: readonly VerifiedEvent[]): Promise<boolean> {
    return this.#track(this.#issue(events, this.#underWay));
  }

  async #issue(events: readonly VerifiedEvent[], before: Promise<void>): Promise<boolean> {
    const results = await this.#append(events);
    await before;
    let isDone = true;
    for (const [i, verified] of events.entries()) {
      const result = results[i] as AppendResult;
      if (result.outcome === "stored") deliverLive(this.#deps, verified, result.position);
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
        deliverLive(this.#deps, verified, result.position);
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
    const count = deliverLive(this.#deps, verified);
    // One that nobody heard may be tried again.
    if (count > 0) recent.add(id, now);
    ok(connection, id, count > 0, count > 0 ? "" : UNHEARD);
  }
}

function ok(connection: Connection, id: string, accepted: boolean, text: string): void {
  connection.send(["OK", id, accepted, text]);
}
