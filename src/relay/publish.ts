import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import { type Event, parseEvent } from "../protocol/event.ts";
import { kindClass } from "../protocol/kind.ts";
import { INTERNAL_ERROR, type Reason } from "../protocol/reason.ts";
import type { Crypto } from "../protocol/secp256k1.ts";
import { VerifiedEvent } from "../protocol/verify.ts";
import type { Config } from "./config.ts";
import type { Connection } from "./connection.ts";
import { deliverLive } from "./deliver.ts";
import { admitEvent } from "./policy.ts";
import type { AppendResult, Clock, EventLog, Log } from "./ports.ts";
import { RecentIds } from "./recent-ids.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Events written in one commit at most. */
const MAX_BATCH = 256;

/** UTF-16 units of raw JSON from which on a batch is written: its texts are indexed in one stretch. */
const MAX_BATCH_SIZE = 1 << 20;

/** Longest time that a verified event waits for others to share its commit, in milliseconds. */
const BATCH_DELAY_MS = 1;

/** What comes after one of these may be blocked by it. */
const ERASING_KINDS: ReadonlySet<number> = new Set([DELETION_KIND, VANISH_KIND]);

interface Waiting {
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
  crypto: Crypto;
  log: EventLog;
  clock: Clock;
  subscriptions: Subscriptions;
  report: Log;
}

/** EVENT, top to bottom: shape, id and signature, policy, group commit, OK, delivery. */
export class Publisher {
  readonly #deps: PublishDeps;
  readonly #ephemeral = new RecentIds();
  /** Asked about verified events only: an id alone tells nobody that there was such an event (R-05-29). */
  readonly #privateEphemeral = new RecentIds();
  #waiting: Waiting[] = [];
  #waitingIds = new Set<string>();
  #waitingSize = 0;
  #isArmed = false;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
  }

  /** Judges one EVENT in the order of R-02-12. Its OK follows now if it is refused, after the commit otherwise. */
  async publish(connection: Connection, id: string, value: unknown): Promise<void> {
    const { config, crypto, clock, log } = this.#deps;
    const parsed = parseEvent(value);
    if (!parsed.ok) return ok(connection, id, false, parsed.reason);
    const now = clock.nowSeconds();
    // A known id needs neither hash nor signature (R-02-12), unless what waits is this event or replaces it.
    let isStored = log.has(id);
    if (this.#waitingIds.has(id) || (isStored && this.#waiting.length > 0)) {
      await this.flush();
      isStored = log.has(id);
    }
    if (isStored || this.#ephemeral.has(id, now)) return ok(connection, id, true, DUPLICATE);
    const checked = VerifiedEvent.check(parsed.value, crypto);
    if (!checked.ok) return ok(connection, id, false, checked.reason);
    const { event, tags } = checked.value;
    const refusal = admitEvent({ event, tags, now, config, authed: connection.authed, isFull: log.isFull() });
    if (refusal !== undefined) return ok(connection, id, false, refusal);
    const block = kindClass(event.kind) === "ephemeral" ? await this.#blockOf(event) : undefined;
    if (block !== undefined) return ok(connection, id, false, BLOCKED[block]);
    this.#waiting.push({ connection, verified: checked.value });
    this.#waitingIds.add(id);
    this.#waitingSize += checked.value.raw.length;
    if (this.#waiting.length >= MAX_BATCH || this.#waitingSize >= MAX_BATCH_SIZE) return this.flush();
    this.#arm();
  }

  /** An ephemeral event never reaches the log, but what has been deleted or has vanished does not come back as one. */
  async #blockOf(event: Event): Promise<keyof typeof BLOCKED | undefined> {
    const isErasure = ({ verified }: Waiting) => ERASING_KINDS.has(verified.event.kind);
    if (this.#waiting.some(isErasure)) await this.flush();
    return this.#deps.log.blockOf(event);
  }

  /** Commits what waits, then answers and delivers it. Every other message is served after this (R-01-09). */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingIds = new Set();
    this.#waitingSize = 0;
    const stored = batch.filter(({ verified }) => kindClass(verified.event.kind) !== "ephemeral");
    const results = stored.length === 0 ? [] : await this.#append(stored.map(({ verified }) => verified));
    let next = 0;
    for (const waiting of batch) {
      if (kindClass(waiting.verified.event.kind) === "ephemeral") this.#passOn(waiting);
      else this.#settle(waiting, results[next++] as AppendResult);
    }
  }

  async #append(events: VerifiedEvent[]): Promise<AppendResult[]> {
    try {
      return await this.#deps.log.append(events);
    } catch (error) {
      return events.map(() => ({ outcome: "failed", error }));
    }
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#deps.clock.soon(BATCH_DELAY_MS, () => {
      this.#isArmed = false;
      return this.flush();
    });
  }

  #settle({ connection, verified }: Waiting, result: AppendResult): void {
    const { id } = verified.event;
    switch (result.outcome) {
      case "stored":
        ok(connection, id, true, "");
        this.#deliver(verified);
        return;
      case "duplicate":
        return ok(connection, id, true, DUPLICATE);
      case "deleted":
      case "vanished":
        return ok(connection, id, false, BLOCKED[result.outcome]);
      case "superseded":
        return ok(connection, id, false, SUPERSEDED);
      case "failed":
        this.#deps.report("append failed", { connection: connection.id, error: String(result.error) });
        ok(connection, id, false, INTERNAL_ERROR);
        connection.send(["NOTICE", "internal error"]);
    }
  }

  /** R-04-09: an ephemeral event goes to whoever listens and nowhere else. */
  #passOn({ connection, verified }: Waiting): void {
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

  #deliver(verified: VerifiedEvent): number {
    const { subscriptions, config } = this.#deps;
    const { count, laggards } = deliverLive(verified, subscriptions.index, config.authRequired);
    for (const subscription of laggards) {
      if (subscription.connection.outbound.isOverflowing) {
        subscription.connection.close(1008, "error: too slow to receive what was subscribed to");
      } else {
        this.#end(subscription);
      }
    }
    return count;
  }

  /** What goes wrong for one receiver must not reach the others, nor the publisher (R-06-22). */
  #end(subscription: Subscription): void {
    const { subscriptions, report } = this.#deps;
    try {
      subscriptions.end(subscription, "error: too many live events while answering, send it again");
    } catch (error) {
      report("ending a subscription failed", { connection: subscription.connection.id, error: String(error) });
    }
  }
}

function ok(connection: Connection, id: string, accepted: boolean, text: string): void {
  connection.send(["OK", id, accepted, text]);
}
