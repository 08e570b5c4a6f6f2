import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { VANISH_KIND } from "../../protocol/deletion.ts";
import type { Event } from "../../protocol/event.ts";
import { kindClass } from "../../protocol/kind.ts";
import type { Reason } from "../../protocol/reason.ts";
import { MAX_TOMBSTONES } from "../../store/erase/deletion.ts";
import type { EventLog } from "../../store/event-log.ts";
import { type Access, refuseReader, refuseWriter } from "../access/access.ts";
import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import { Buckets } from "../limits/buckets.ts";
import type { Host } from "../ports.ts";
import { isErasing } from "./batch.ts";
import { isRefusedAgain, isRefusedLate, refuseEvent } from "./policy.ts";
import type { Waiting } from "./signatures.ts";

export const BLOCKED = {
  deleted: "blocked: deleted by its author",
  vanished: "blocked: its author or recipient asked to vanish",
} satisfies Record<string, Reason>;

const TOO_MANY_DELETIONS: Reason = `restricted: this key has deleted so much (${MAX_TOMBSTONES} ids and addresses) that it may only delete what is stored here`;

/** Requests to vanish by those who may not write: so many of one network. */
const STRANGERS = { perSecond: 1 / 60, burst: 10 };

export interface JudgeDeps {
  config: Config;
  access: Access;
  log: EventLog;
  host: Host;
}

/** What is asked of an event before it is stored, beyond its shape, id and signature. Changes nothing but the rate of requests to vanish. */
export class Judge {
  readonly #deps: JudgeDeps;
  readonly #strangers = new Buckets(STRANGERS);

  constructor(deps: JudgeDeps) {
    this.#deps = deps;
  }

  /** Why a verified event may not be published by whoever hands it in (R-02-12), or undefined. */
  refuse(connection: Connection, verified: VerifiedEvent): Reason | undefined {
    const { authed } = connection;
    const { config, access, log, host } = this.#deps;
    const { event, tags } = verified;
    const isFull = !log.hasRoomFor(verified);
    // Who may not read does not learn what is stored. Few events call `find`, so access is not checked before.
    const find = (wanted: string) => (refuseReader(access, authed) === undefined ? log.find(wanted) : undefined);
    const submission = { event, tags, now: host.clock.nowSeconds(), config, access, authed, isFull, find };
    const refusal = refuseEvent(submission, () => {
      const block = log.blockOf(event);
      return block && BLOCKED[block];
    });
    return refusal ?? (log.mayBury(verified) ? this.#refuseVanishing(connection, event) : TOO_MANY_DELETIONS);
  }

  /** Of those who may not write only a few requests to vanish are heard, and every one that is known already (R-05-22). */
  #refuseVanishing({ authed, origin }: Connection, event: Event): Reason | undefined {
    const { access, log, host } = this.#deps;
    if (event.kind !== VANISH_KIND || refuseWriter(access, authed) === undefined || log.isObeyed(event))
      return undefined;
    const [network, nowMs] = [origin?.network ?? "", host.clock.nowMs()];
    const waitMs = this.#strangers.waitFor(network, 1, nowMs);
    if (waitMs > 0) return `rate-limited: too many requests to vanish, retry=${Math.ceil(waitMs / 1000)}`;
    this.#strangers.take(network, 1, nowMs);
    return undefined;
  }

  /** Whether an event may be answered as a duplicate. Who may not read does not learn what is here. */
  mayBeKnown({ authed }: Connection, event: Event): boolean {
    const { access, config, host } = this.#deps;
    const now = host.clock.nowSeconds();
    return refuseReader(access, authed) === undefined && !isRefusedAgain({ event, now, config, authed });
  }

  /** Those that are stored already and need no signature (R-02-12): none if one may take away what is stored now. */
  known(batch: readonly Waiting[]): ReadonlySet<string> {
    if (batch.some(({ event: { event } }) => isErasing(event) || isReplacement(event))) return new Set();
    try {
      return this.#deps.log.known(batch.map(({ event: { event } }) => event));
    } catch (error) {
      // Only a hint: what is amiss shows when they are stored, and each is answered then.
      this.#deps.host.report("looking up known events failed", { error: String(error) });
      return new Set();
    }
  }

  /** Whether {@link refuse} will ask if an erasure blocks the event. About all others the store decides when they are stored. */
  isForLog({ authed }: Connection, event: Event): boolean {
    const { config, log } = this.#deps;
    if (kindClass(event.kind) === "ephemeral") return true;
    return isRefusedLate({ event, config, authed, isFull: log.isFull(), find: (id) => log.find(id) });
  }

  /** A request to vanish is carried out whoever hands it in (R-05-22); kept and passed on only if that key may write. */
  isKept({ authed }: Connection, { kind }: Event): boolean {
    const { access, log } = this.#deps;
    return kind !== VANISH_KIND || (!log.isFull() && refuseWriter(access, authed) === undefined);
  }
}

function isReplacement({ kind }: Event): boolean {
  const kindOf = kindClass(kind);
  return kindOf === "replaceable" || kindOf === "addressable";
}
