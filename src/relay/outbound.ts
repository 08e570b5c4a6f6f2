/** What one socket may be sent: a burst of {@link CAPACITY}, then {@link RATE} a second. The runtime shows no queue. */
const CAPACITY = 32 * 1024 * 1024;
const RATE = 8 * 1024 * 1024;

/** For so long after its last frame a client is taken to read, in milliseconds. Clients ping every 30 s (R-06-09). */
const HEARD_MS = 45_000;

/** Wait before the next look at a crowded socket, in milliseconds. */
export const CROWDED_MS = 50;

/** Growth of the count after which it is kept anew with the socket. */
const KEPT_STEP = 4 * 1024 * 1024;

/** What is kept of it through hibernation: the count, as it was at a time, and when the client was heard; Unix ms. */
export type OutboundState = [level: number, atMs: number, heardMs: number];

/**
 * Counts the characters sent to one socket, in place of the queue that cannot be seen (R-01-10). The count falls by
 * {@link RATE} a second, but only while the client gives signs of life: a socket whose client is silent is sent
 * {@link CAPACITY} and `RATE * HEARD_MS` at most, however long it stays open.
 */
export class Outbound {
  #level: number;
  #atMs: number;
  #heardMs: number;
  #kept: number;
  readonly #pingedMs: () => number;

  /** `pingedMs` tells when the runtime answered its last `ping`, in Unix milliseconds; 0 if it never did. */
  constructor(pingedMs: () => number, [level, atMs, heardMs]: OutboundState = [0, Date.now(), Date.now()]) {
    this.#pingedMs = pingedMs;
    this.#level = level;
    this.#atMs = atMs;
    this.#heardMs = heardMs;
    this.#kept = level;
  }

  /** A frame has come from the client. */
  heard(): void {
    this.#settle();
    this.#heardMs = this.#atMs = Date.now();
  }

  /** So many characters are sent. True if the count has grown so much that it is to be kept. */
  add(size: number): boolean {
    this.#settle();
    this.#level += size;
    this.#kept = Math.min(this.#kept, this.#level);
    return this.#level - this.#kept >= KEPT_STEP;
  }

  /** To be kept with the socket. */
  state(): OutboundState {
    this.#kept = this.#level;
    return [this.#level, this.#atMs, this.#heardMs];
  }

  /** Stored answers should wait. */
  get isCrowded(): boolean {
    return this.#exceeds(CAPACITY / 2);
  }

  /** Live events come faster than this socket may be sent them. */
  get isOverflowing(): boolean {
    return this.#exceeds(CAPACITY);
  }

  /** Stored answers would wait for ever: nothing has been heard for too long. */
  get isStuck(): boolean {
    return this.isCrowded && Date.now() - this.#heardMs > HEARD_MS;
  }

  /** The runtime is asked about pings only where it matters: live events come here one by one. */
  #exceeds(bound: number): boolean {
    this.#settle();
    if (this.#level <= bound) return false;
    const pinged = this.#pingedMs();
    if (pinged <= this.#heardMs) return true;
    this.#heardMs = pinged;
    this.#settle();
    return this.#level > bound;
  }

  /** A clock that is set back does not fill the queue. */
  #settle(): void {
    const now = Date.now();
    if (now < this.#atMs) this.#atMs = now;
    this.#heardMs = Math.min(this.#heardMs, now);
    const untilMs = Math.min(now, this.#heardMs + HEARD_MS);
    if (untilMs <= this.#atMs) return;
    this.#level = Math.max(0, this.#level - ((untilMs - this.#atMs) * RATE) / 1000);
    this.#atMs = untilMs;
  }
}

/** Reads what was kept; undefined if it is not that. */
export function parseOutbound(value: unknown): OutboundState | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((part) => Number.isFinite(part) && part >= 0)) return;
  return value as OutboundState;
}
