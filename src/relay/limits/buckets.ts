import type { Rule } from "./rules.ts";

/** Subjects of one rate that are remembered. Full buckets go first, then those that were filled first. */
const MAX_SUBJECTS = 50_000;
/** Share of them that is forgotten when none is full. */
const FORGOTTEN = 0.1;

/** The token buckets of one rate, by subject. Each is one number: the time at which it is full again. */
export class Buckets {
  readonly #fullAtMs = new Map<string, number>();
  readonly #burst: number;
  readonly #msPerToken: number;
  #latestMs = 0;

  constructor({ perSecond, burst }: Pick<Rule, "perSecond" | "burst">) {
    this.#burst = burst;
    this.#msPerToken = 1000 / perSecond;
  }

  /** Milliseconds until `amount` may be taken; 0 if it may be now. More than the burst counts as the burst. */
  waitFor(subject: string, amount: number, nowMs: number): number {
    const fullAt = this.#fullAt(subject, nowMs);
    return Math.max(0, fullAt - nowMs - (this.#burst - Math.min(amount, this.#burst)) * this.#msPerToken);
  }

  /** Takes `amount`, or what is there. */
  take(subject: string, amount: number, nowMs: number): void {
    if (!this.#fullAtMs.has(subject) && this.#fullAtMs.size >= MAX_SUBJECTS) this.#makeRoom(nowMs);
    const fullAt = this.#fullAt(subject, nowMs) + amount * this.#msPerToken;
    this.#fullAtMs.set(subject, Math.min(fullAt, nowMs + this.#burst * this.#msPerToken));
  }

  /** After the clock has been set back all start full: what was taken at a later time says nothing of now. */
  #fullAt(subject: string, nowMs: number): number {
    if (nowMs < this.#latestMs) this.#fullAtMs.clear();
    this.#latestMs = nowMs;
    return Math.max(this.#fullAtMs.get(subject) ?? 0, nowMs);
  }

  forget(subject: string): void {
    this.#fullAtMs.delete(subject);
  }

  #makeRoom(nowMs: number): void {
    for (const [subject, fullAt] of this.#fullAtMs) if (fullAt <= nowMs) this.#fullAtMs.delete(subject);
    let surplus = this.#fullAtMs.size - MAX_SUBJECTS * (1 - FORGOTTEN);
    for (const subject of this.#fullAtMs.keys()) {
      if (surplus-- <= 0) return;
      this.#fullAtMs.delete(subject);
    }
  }
}
