import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { BAD_SIGNATURE, HashedEvent, type VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { type Event, parseEvent } from "../../protocol/event.ts";
import { requestInstead } from "../../protocol/job/job.ts";
import { kindClass } from "../../protocol/kind.ts";
import { INTERNAL_ERROR, type Reason } from "../../protocol/reason.ts";
import type { Meter } from "../../protocol/work.ts";
import type { PutResult } from "../../store/runs.ts";
import type { Connection } from "../connection.ts";
import { type DeliverDeps, deliverLive } from "../read/deliver.ts";
import { Batch, workOf } from "./batch.ts";
import { jobHint } from "./job-hint.ts";
import { BLOCKED, Judge, type JudgeDeps } from "./judge.ts";
import { RecentIds } from "./recent-ids.ts";
import { Signatures, type Waiting } from "./signatures.ts";

/** An event waits for others no longer than this while the relay is busy, in milliseconds. */
const MAX_WAIT_MS = 4;

/** An event that comes so long after the last commit waits for nobody, in milliseconds: others are not to be expected. */
const QUIET_MS = 5;

/** An event that passed, and who hears of its fate. */
interface Accepted {
  connection: Connection;
  verified: VerifiedEvent;
}

const DUPLICATE: Reason = "duplicate: already have this event";
export const SUPERSEDED: Reason = "duplicate: a newer version is stored";
const UNHEARD: Reason = "mute: nobody is subscribed to this ephemeral event";

/** Who is told of what has been committed. */
export interface CommitEvents {
  stored(event: Event): void;
  /** A batch has been committed. */
  committed(): void;
}

export interface PublishDeps extends JudgeDeps, DeliverDeps {
  crypto: Crypto;
  meter: Meter;
  on: CommitEvents;
}

/** EVENT, top to bottom: shape and id; then, in a batch with others, signature, policy, log, OK, delivery. */
export class Publisher {
  readonly #deps: PublishDeps;
  readonly #judge: Judge;
  readonly #signatures: Signatures;
  readonly #ephemeral = new RecentIds();
  /** Asked about verified events only: an id alone tells nobody that there was such an event (R-05-29). */
  readonly #privateEphemeral = new RecentIds();
  readonly #batch = new Batch();
  #isArmed = false;
  #committedMs = 0;
  /** Work of delivering one event, in units, as it has been of late. */
  #deliveryWork = 0;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
    this.#judge = new Judge(deps);
    this.#signatures = new Signatures(deps.crypto);
  }

  /**
   * Judges one EVENT up to its id, in the order of R-02-12. Its OK follows now if it is refused or known; the rest waits
   * for the commit.
   */
  publish(connection: Connection, id: string, value: unknown): void {
    const { crypto, host, meter } = this.#deps;
    // Two answers about one id come in the order of the events.
    if (this.#batch.has(id)) this.commit();
    const parsed = parseEvent(value);
    if (!parsed.ok) return this.#ok(connection, id, false, parsed.reason);
    const now = host.clock.nowSeconds();
    if (this.#ephemeral.has(id, now) && this.#judge.mayBeKnown(connection, parsed.value)) {
      return this.#ok(connection, id, true, DUPLICATE);
    }
    const hashed = HashedEvent.check(parsed.value, crypto);
    if (!hashed.ok) return this.#ok(connection, id, false, hashed.reason);
    const waiting = this.#signatures.precheck(connection, hashed.value, now, meter);
    if (waiting === undefined) return this.#ok(connection, id, false, BAD_SIGNATURE);
    // The answer depends on an erasure, and the log knows only of those that have been committed.
    if (this.#batch.hasErasure && this.#judge.isForLog(connection, parsed.value)) this.commit();
    // Feedback without `p` is judged by its request, which must be in the log, too.
    if (this.#batch.has(requestInstead(parsed.value) ?? "")) this.commit();
    const work = workOf(waiting) + this.#deliveryWork;
    connection.virtualTime += work;
    this.#batch.add(waiting, work, host.clock.nowMs());
    if (this.#batch.isFull) this.commit();
    else host.wake();
  }

  /** How many events wait for their commit. */
  get waiting(): number {
    return this.#batch.count;
  }

  /** Whether an event of this id waits for its commit. */
  waits(id: string): boolean {
    return this.#batch.has(id);
  }

  /** Commits what waits if some of it is of this connection. */
  commitOf(connection: Connection): void {
    if (this.#batch.hasOf(connection)) this.commit();
  }

  /** At the end of a run: commits what waits, unless it is better that others join it. */
  gather(isBusy: boolean): void {
    const { host } = this.#deps;
    if (this.#batch.count === 0 || host.isSyncing) return;
    const nowMs = host.clock.nowMs();
    const waitedMs = Math.abs(nowMs - this.#batch.sinceMs);
    const isQuiet = host.gatherMs === 0 || Math.abs(nowMs - this.#committedMs) >= QUIET_MS;
    if (isBusy ? waitedMs >= MAX_WAIT_MS : isQuiet || waitedMs >= host.gatherMs) return this.commit();
    if (isBusy || this.#isArmed) return;
    this.#isArmed = true;
    host.clock.soon(host.gatherMs, () => {
      this.#isArmed = false;
      this.commit();
    });
  }

  /** Judges and stores what waits, answers it and delivers it, in one step. Never throws. */
  commit(): void {
    const batch = this.#batch.take();
    if (batch.length === 0) return;
    const { meter, metrics } = this.#deps;
    metrics.batches.observe(batch.length);
    this.#committedMs = this.#deps.host.clock.nowMs();
    const begun = meter.spent;
    const accepted = this.#accept(batch);
    const stored = accepted.filter(({ verified: { event } }) => kindClass(event.kind) !== "ephemeral");
    const unkept = stored.filter(({ connection, verified }) => !this.#judge.isKept(connection, verified.event));
    const results = this.#append(
      stored.map(({ verified }) => verified),
      new Set(unkept.map(({ verified }) => verified)),
    );
    const before = meter.spent;
    let next = 0;
    for (const one of accepted) {
      if (kindClass(one.verified.event.kind) === "ephemeral") this.#passOn(one);
      else this.#answer(one, results[next++] as PutResult);
    }
    const delivery = (meter.spent - before) / batch.length;
    this.#deliveryWork += (delivery - this.#deliveryWork) / 4;
    if (stored.length > 0) this.#deps.on.committed();
    // Each was charged to its connection when it came.
    meter.prepaid += meter.spent - begun;
    metrics.work.EVENT += meter.spent - begun;
  }

  /** Those whose signature is right and which the policies accept; the others are told why not. */
  #accept(batch: readonly Waiting[]): Accepted[] {
    const known = this.#judge.known(batch);
    const isNew = ({ connection, event: { event } }: Waiting) =>
      !known.has(event.id) || !this.#judge.mayBeKnown(connection, event);
    const unknown = new Set(batch.filter(isNew));
    const verdicts = this.#signatures.checkAll([...unknown], this.#deps.host.clock.nowSeconds(), this.#deps.meter);
    let next = 0;
    return batch.flatMap((waiting) => {
      const { connection } = waiting;
      const { id } = waiting.event.event;
      if (!unknown.has(waiting)) {
        this.#ok(connection, id, true, DUPLICATE);
        return [];
      }
      const verified = verdicts[next++];
      try {
        const refusal = verified === undefined ? BAD_SIGNATURE : this.#judge.refuse(connection, verified);
        if (verified !== undefined && refusal === undefined) return [{ connection, verified }];
        this.#ok(connection, id, false, refusal as Reason);
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
  issue(events: readonly VerifiedEvent[]): boolean {
    this.commit();
    let isDone = true;
    for (const [i, result] of this.#append(events).entries()) {
      const verified = events[i] as VerifiedEvent;
      if (result.outcome === "stored") {
        this.#deps.on.stored(verified.event);
        deliverLive(this.#deps, verified, result.position);
      }
      if (result.outcome !== "failed") continue;
      isDone = false;
      this.#deps.host.report("issuing failed", { kind: verified.event.kind, error: String(result.error) });
    }
    this.#deps.on.committed();
    return isDone;
  }

  #append(events: readonly VerifiedEvent[], unkept?: ReadonlySet<VerifiedEvent>): PutResult[] {
    if (events.length === 0) return [];
    try {
      return this.#deps.log.append(events, unkept);
    } catch (error) {
      return events.map(() => ({ outcome: "failed", error }));
    }
  }

  #answer({ connection, verified }: Accepted, result: PutResult): void {
    const { id } = verified.event;
    switch (result.outcome) {
      case "stored":
        this.#ok(connection, id, true, jobHint(this.#deps, connection, verified));
        this.#deps.on.stored(verified.event);
        deliverLive(this.#deps, verified, result.position);
        return;
      case "obeyed":
        return this.#ok(connection, id, true, "");
      case "duplicate":
        return this.#ok(connection, id, true, DUPLICATE);
      case "deleted":
      case "vanished":
        return this.#ok(connection, id, false, BLOCKED[result.outcome]);
      case "superseded":
        return this.#ok(connection, id, false, SUPERSEDED);
      case "failed":
        return this.#fail(connection, id, result.error);
    }
  }

  #fail(connection: Connection, id: string, error: unknown): void {
    this.#deps.host.report("publishing failed", { connection: connection.id, error: String(error) });
    this.#ok(connection, id, false, INTERNAL_ERROR);
    connection.send(["NOTICE", "internal error"]);
  }

  /**
   * R-04-09: an ephemeral event goes to whoever listens and nowhere else. The answer about one of a private kind is always
   * the same: it would tell whether the recipient is there.
   */
  #passOn({ connection, verified }: Accepted): void {
    const { id, kind } = verified.event;
    const { host, config } = this.#deps;
    const now = host.clock.nowSeconds();
    const isPrivate = config.privateKinds.has(kind);
    const recent = isPrivate ? this.#privateEphemeral : this.#ephemeral;
    if (recent.has(id, now)) return this.#ok(connection, id, true, isPrivate ? "" : DUPLICATE);
    const isHeard = deliverLive(this.#deps, verified) > 0;
    // One that nobody heard may be tried again.
    if (isHeard) recent.add(id, now);
    this.#ok(connection, id, isHeard || isPrivate, isHeard || isPrivate ? "" : UNHEARD);
  }

  #ok(connection: Connection, id: string, accepted: boolean, text: string): void {
    this.#deps.metrics.judged(accepted, text);
    connection.send(["OK", id, accepted, text]);
  }
}
