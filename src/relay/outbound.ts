/** A frame counts as this many characters at least: so much the runtime needs for it in its queue, however short it is. */
export const MIN_FRAME = 1024;

/** What one socket may be sent: a burst of {@link CAPACITY}, then {@link RATE} a second. The runtime shows no queue. */
const CAPACITY = 32 * 1024 * 1024;
const RATE = 8 * 1024 * 1024;

/** What one socket may be sent without a sign of life: then stored answers wait for one, at the second it is cut off. */
const MUCH_UNHEARD = 192 * 1024 * 1024;
const MAX_UNHEARD = 256 * 1024 * 1024;

/** All that is sent to one that has to log in and has not: who floods is answered so often only, and then cut off. */
const MAX_BEFORE_LOGIN = 512 * 1024;

/** Growth of the count after which the runtime is asked about pings, and the count kept anew with the socket. */
const STEP = 4 * 1024 * 1024;

/** What is kept of it through hibernation: the level, as it was at a time in Unix ms, and what was sent unheard. */
export type OutboundState = [level: number, atMs: number, unheard: number];

/**
 * Counts the characters sent to one socket, in place of the queue that cannot be seen (R-01-10). Two counts: the level
 * falls by {@link RATE} a second; what was sent unheard falls only when the client gives a sign of life, a frame or a
 * `ping`. So a socket whose client is silent is sent {@link MAX_UNHEARD} at most, however long it stays open.
 */
export class Outbound {
  #level: number;
  #atMs: number;
  #unheard: number;
  /** What was sent unheard when the next step is due. */
  #stepAt: number;
  #pingMs: number;
  /** Nothing tells yet that it reads: it has to log in, which takes the challenge that it was sent. */
  isStranger = false;
  readonly #pingedMs: () => number;
  readonly #count: (change: number) => void;

  /**
   * `pingedMs` tells when the runtime answered its last `ping`, in Unix milliseconds; 0 if it never did. `count` is told
   * of every change of {@link unheard}.
   */
  constructor(
    pingedMs: () => number,
    count: (change: number) => void,
    [level, atMs, unheard]: OutboundState = [0, Date.now(), 0],
  ) {
    this.#pingedMs = pingedMs;
    this.#count = count;
    this.#level = level;
    this.#atMs = atMs;
    this.#unheard = unheard;
    this.#stepAt = unheard + STEP;
    this.#pingMs = atMs;
    count(unheard);
  }

  /** Characters sent since the client last gave a sign of life. */
  get unheard(): number {
    return this.#unheard;
  }

  /** A frame has come from the client. */
  heard(): void {
    if (!this.isStranger) this.forget();
  }

  /** What was sent does not count any more: it is taken to be read, or the socket is gone. */
  forget(): void {
    if (this.#unheard === 0) return;
    this.#count(-this.#unheard);
    this.#unheard = 0;
    this.#stepAt = STEP;
  }

  /** So many characters are sent. True if the counts are to be kept anew. */
  add(size: number): boolean {
    this.#drain();
    const cost = Math.max(size, MIN_FRAME);
    this.#level += cost;
    this.#unheard += cost;
    this.#count(cost);
    if (this.#unheard < this.#stepAt) return false;
    this.#stepAt = this.#unheard + STEP;
    this.listen();
    return true;
  }

  /** Asks the runtime whether there was a `ping` meanwhile. */
  listen(): void {
    const pingMs = this.#pingedMs();
    if (pingMs <= this.#pingMs) return;
    this.#pingMs = pingMs;
    this.heard();
  }

  /** To be kept with the socket. */
  state(): OutboundState {
    return [this.#level, this.#atMs, this.#unheard];
  }

  /** Stored answers should wait. */
  get isCrowded(): boolean {
    this.#drain();
    return this.#level > CAPACITY / 2 || this.isUnheard;
  }

  /** So much was sent without a sign of life that stored answers wait for one. */
  get isUnheard(): boolean {
    if (this.#unheard > MUCH_UNHEARD) this.listen();
    return this.#unheard > MUCH_UNHEARD;
  }

  /** It was sent more than it may be. */
  get isOverflowing(): boolean {
    if (this.#level > CAPACITY) this.#drain();
    if (this.#unheard > MAX_UNHEARD) this.listen();
    return this.#level > CAPACITY || this.#unheard > (this.isStranger ? MAX_BEFORE_LOGIN : MAX_UNHEARD);
  }

  /** A clock that is set back does not fill the queue. */
  #drain(): void {
    const now = Date.now();
    this.#level = Math.max(0, this.#level - (Math.max(0, now - this.#atMs) * RATE) / 1000);
    this.#atMs = now;
  }
}

/** Reads what was kept; undefined if it is not that. */
export function parseOutbound(value: unknown): OutboundState | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((part) => Number.isFinite(part) && part >= 0)) return;
  return value as OutboundState;
}
