import { VANISH_KIND } from "../../protocol/deletion.ts";
import type { ClientMessage } from "../../protocol/message.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Config } from "../config/config.ts";
import type { Connection, Origin } from "../connection.ts";
import type { Clock } from "../ports.ts";
import { Buckets } from "./buckets.ts";
import { type Charge, Rates } from "./rates.ts";
import type { LimitClass } from "./rules.ts";

export const TOO_MANY_REFUSED = "rate-limited: too many refused messages";

/** For so long a key that was cut off is not let in again, in milliseconds. */
const BARRED_MS = 60_000;

/** What becomes of a frame: the reason if it is refused, and whether the connection may go on. */
export interface Verdict {
  refusal: Reason | undefined;
  isPatient: boolean;
}

/** Where the rates of each class are configured. */
const RULES = {
  event: "limitEvent",
  req: "limitReq",
  count: "limitCount",
  sync: "limitSync",
  auth: "limitAuth",
  connect: "limitConnect",
  bytes: "limitBytes",
} as const satisfies Record<LimitClass, keyof Config>;

const SERVED: Verdict = { refusal: undefined, isPatient: true };

/** Decides whether a frame is served: rates, and what becomes of who exceeds them. */
export class Throttle {
  readonly #clock: Clock;
  readonly #rates: Rates;
  readonly #config: Config;
  /** Refusals that a connection and a key have left, and how many that are of a full bucket. */
  #patience: { burst: number; buckets: Buckets } | undefined;
  /** Keys that were cut off, until they are let in again. */
  readonly #barred = new Buckets({ perSecond: 1000 / BARRED_MS, burst: 1 });

  constructor(config: Config, clock: Clock) {
    this.#clock = clock;
    this.#config = config;
    this.#rates = new Rates(clock, (name) => config[RULES[name]]);
  }

  /**
   * Charges a frame, which counts whether it is valid or not (R-01-23); one that is no message counts as a REQ. CLOSE,
   * NEG-CLOSE and PING are never refused, and NIP-62 (R-05-22) for its bytes only; but they count against the cut-off.
   */
  check(connection: Connection, message: ClientMessage | undefined, bytes: number): Verdict {
    const { waitMs, isWithin } = this.#rates.charge(connection, chargeOf(message, bytes));
    if (isWithin) return SERVED;
    const refusal: Reason | undefined =
      waitMs > 0 ? `rate-limited: slow down, retry=${Math.ceil(waitMs / 1000)}` : undefined;
    const isPatient = this.#hasPatience(connection);
    const nowMs = this.#clock.nowMs();
    if (!isPatient) for (const pubkey of connection.authed) this.#barred.take(pubkey, 1, nowMs);
    return { refusal, isPatient };
  }

  /** Charges a new connection: milliseconds to wait for it, 0 if it may be now. */
  checkConnection(origin: Origin | undefined): number {
    return this.#rates.charge({ id: "", authed: [], origin }, { class: "connect", bytes: 0, exempt: "nothing" }).waitMs;
  }

  /** Why a key may not log in, if it was cut off less than a minute ago; coming back does not help (R-01-07). */
  refuseKey(pubkey: string): Reason | undefined {
    const waitMs = this.#barred.waitFor(pubkey, 1, this.#clock.nowMs());
    return waitMs > 0 ? `${TOO_MANY_REFUSED}, retry=${Math.ceil(waitMs / 1000)}` : undefined;
  }

  /** The connection is gone. */
  drop(connection: Connection): void {
    this.#rates.drop(connection);
    this.#patience?.buckets.forget(connection.id);
  }

  /** Who goes on is cut off, if the operator wants so (R-01-07); a key counts on all of its connections. */
  #hasPatience(connection: Connection): boolean {
    const burst = this.#config.abuseCutoff;
    if (burst === 0) return true;
    if (this.#patience?.burst !== burst) this.#patience = { burst, buckets: new Buckets({ perSecond: 1, burst }) };
    const { buckets } = this.#patience;
    const nowMs = this.#clock.nowMs();
    let isLeft = true;
    for (const subject of [connection.id, ...connection.authed]) {
      if (buckets.waitFor(subject, 1, nowMs) > 0) isLeft = false;
      buckets.take(subject, 1, nowMs);
    }
    return isLeft;
  }
}

function chargeOf(message: ClientMessage | undefined, bytes: number): Charge {
  switch (message?.verb) {
    case "EVENT": {
      const { kind } = message.event as { kind?: unknown };
      return { class: "event", kind, bytes, exempt: kind === VANISH_KIND ? "class" : "nothing" };
    }
    case "COUNT":
      return { class: "count", bytes, exempt: "nothing" };
    case "NEG-OPEN":
    case "NEG-MSG":
      return { class: "sync", bytes, exempt: "nothing" };
    case "AUTH":
      return { class: "auth", bytes, exempt: "nothing" };
    case "CLOSE":
    case "NEG-CLOSE":
    case "PING":
      return { class: undefined, bytes, exempt: "all" };
    case "REQ":
    case undefined:
      return { class: "req", bytes, exempt: "nothing" };
  }
}
