import type { ClientMessage } from "../protocol/message.ts";
import type { Prefix, Reason } from "../protocol/reason.ts";

/** What a frame is counted under: its verb, or `none` for one that is no message. */
export type Verb = ClientMessage["verb"] | "none";

/** How often values were in which range. Adding one takes a few comparisons. */
export class Histogram {
  /** Upper ends, ascending. What is above the last is in `counts` behind them. */
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Counts one value. */
  observe(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] as number)) i++;
    this.counts[i] = (this.counts[i] as number) + 1;
    this.sum += value;
  }
}

/** Times in seconds from a millisecond on. */
export const SECONDS: readonly number[] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** What the relay has done since its host has it in memory (R-08-07): plain numbers, which are never read back by the relay. */
export class Metrics {
  /** Connections that were accepted. */
  opened = 0;
  /** Connections that the relay has ended. */
  ended = 0;
  logins = 0;
  loginsRefused = 0;
  readonly frames = byVerb();
  /** Units of work, a commit's under EVENT. */
  readonly work = byVerb();
  /** Of EVENTs; what was known already is neither. */
  accepted = 0;
  duplicates = 0;
  readonly refused = byPrefix();
  /** Events that were sent to subscriptions, as they came and from the store. */
  delivered = 0;
  answered = 0;
  /** Events of a commit. */
  readonly batches = new Histogram([1, 2, 4, 8, 16, 32, 64, 128]);
  /** From the first step of a read to its last. */
  readonly readSeconds = new Histogram(SECONDS);

  /** An EVENT has been answered with this OK. */
  judged(isAccepted: boolean, text: string): void {
    if (!isAccepted) this.refused[prefixOf(text)]++;
    else if (text.startsWith("duplicate:")) this.duplicates++;
    else this.accepted++;
  }

  /** A message has been refused unseen. */
  refuse({ verb }: ClientMessage, reason: Reason): void {
    if (verb === "EVENT") this.judged(false, reason);
    else if (verb === "AUTH") this.loginsRefused++;
  }
}

function prefixOf(text: string): Prefix {
  return text.slice(0, text.indexOf(":")) as Prefix;
}

function byVerb(): Record<Verb, number> {
  return {
    EVENT: 0,
    AUTH: 0,
    REQ: 0,
    COUNT: 0,
    CLOSE: 0,
    "NEG-OPEN": 0,
    "NEG-MSG": 0,
    "NEG-CLOSE": 0,
    PING: 0,
    none: 0,
  };
}

function byPrefix(): Record<Prefix, number> {
  return {
    "auth-required": 0,
    blocked: 0,
    closed: 0,
    duplicate: 0,
    error: 0,
    info: 0,
    invalid: 0,
    mute: 0,
    pow: 0,
    "rate-limited": 0,
    restricted: 0,
    unsupported: 0,
  };
}
