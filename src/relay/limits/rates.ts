import type { Connection, Origin } from "../connection.ts";
import type { Clock } from "../ports.ts";
import { Buckets } from "./buckets.ts";
import type { LimitClass, Rule } from "./rules.ts";

/** What a frame is charged. */
export interface Charge {
  /** Undefined: nothing but its bytes. */
  class: LimitClass | undefined;
  /** Kind that the event of an EVENT claims. */
  kind?: unknown;
  bytes: number;
  /** Which rates do not hold it up: that of its class, as for a request to vanish (R-05-22), or that of bytes too. */
  exempt: "nothing" | "class" | "all";
}

/** Who is charged: a connection, or somebody who wants one, of whom only the origin is known. */
export interface Charged {
  readonly id: string;
  readonly authed: Iterable<string>;
  readonly origin: Origin | undefined;
}

/** What came of a charge. */
export interface ChargeResult {
  /** Milliseconds after which the frame may come again; 0 if it is to be served. */
  waitMs: number;
  /** Whether it was within all rates, also those that do not hold it up. */
  isWithin: boolean;
}

interface Rate {
  rule: Rule;
  buckets: Buckets;
}

/** All rates of the relay, in memory only: an object that was away has forgotten them, and every bucket is full again. */
export class Rates {
  readonly #clock: Clock;
  readonly #rulesOf: (name: LimitClass) => readonly Rule[];
  readonly #rates = new Map<LimitClass, { rules: readonly Rule[]; rates: readonly Rate[] }>();

  /** `rulesOf` is asked with each charge. Where it gives another list than before, all buckets of that class are full again. */
  constructor(clock: Clock, rulesOf: (name: LimitClass) => readonly Rule[]) {
    this.#clock = clock;
    this.#rulesOf = rulesOf;
  }

  /** Counts a frame, unless one of the rates holds it up. */
  charge(connection: Charged, charge: Charge): ChargeResult {
    const nowMs = this.#clock.nowMs();
    const taken: [Buckets, string, number][] = [];
    const count = (rates: Iterable<Rate>, amount: number): number => {
      let wait = 0;
      for (const { rule, buckets } of rates) {
        for (const subject of subjectsOf(rule, connection)) {
          taken.push([buckets, subject, amount]);
          wait = Math.max(wait, buckets.waitFor(subject, amount, nowMs));
        }
      }
      return wait;
    };
    const ofClass = charge.class === undefined ? 0 : count(ratesFor(this.#ratesOf(charge.class), charge.kind), 1);
    const ofBytes = count(this.#ratesOf("bytes"), charge.bytes);
    const waitMs = Math.max(charge.exempt === "nothing" ? ofClass : 0, charge.exempt === "all" ? 0 : ofBytes);
    if (waitMs === 0) for (const [buckets, subject, amount] of taken) buckets.take(subject, amount, nowMs);
    return { waitMs, isWithin: ofClass === 0 && ofBytes === 0 };
  }

  /** The connection is gone. */
  drop(connection: Connection): void {
    for (const { rates } of this.#rates.values()) for (const { buckets } of rates) buckets.forget(connection.id);
  }

  #ratesOf(name: LimitClass): readonly Rate[] {
    const rules = this.#rulesOf(name);
    let known = this.#rates.get(name);
    if (known?.rules !== rules) {
      known = { rules, rates: rules.map((rule) => ({ rule, buckets: new Buckets(rule) })) };
      this.#rates.set(name, known);
    }
    return known.rates;
  }
}

/** In each scope, the first rule that names the kind, or else all that name none. */
function ratesFor(rates: readonly Rate[], kind: unknown): readonly Rate[] {
  const names = ({ rule: { kinds } }: Rate): boolean =>
    kinds !== undefined && typeof kind === "number" && kinds.from <= kind && kind <= kinds.to;
  return rates.filter((rate) => {
    const first = rates.find((other) => other.rule.scope === rate.rule.scope && names(other));
    return first === undefined ? rate.rule.kinds === undefined : first === rate;
  });
}

/** Whose buckets a frame is taken from; every key of the connection counts, so that a second one wins nothing. */
function subjectsOf({ scope }: Rule, { id, authed, origin }: Charged): Iterable<string> {
  switch (scope) {
    case "connection":
      return [id];
    case "key":
      return authed;
    case "ip":
      return origin === undefined ? [] : [origin.network];
    case "remote-ip":
      return origin === undefined || origin.isLoopback ? [] : [origin.network];
  }
}
