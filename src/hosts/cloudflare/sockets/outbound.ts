/** A frame counts as this many characters at least: so much the runtime needs for it in its queue, however short it is. */
const MIN_FRAME = 1024;

/** What one socket may be sent: a burst of {@link CAPACITY}, then {@link RATE} a second. The runtime shows no queue. */
const CAPACITY = 32 * 1024 * 1024;
const RATE = 8 * 1024 * 1024;

/** What a frame of the client is taken to show that it has read: who asks again and again does not have to wait. */
const READ_BY_FRAME = 256 * 1024;

/** What a client that has fallen silent is still sent, and when it has, in milliseconds: clients ping every 30 s. */
const MAX_UNHEARD = 32 * 1024 * 1024;
const SILENT_MS = 120_000;

/** Growth after which the runtime is asked again about pings. */
const ASK_AGAIN = 4 * 1024 * 1024;

/**
 * Counts the characters sent to one socket, in place of the queue that cannot be seen (R-01-10). The level falls by
 * {@link RATE} a second, as if the client read so fast. Of a client that sends `ping` more is known: once it is silent it is
 * gone or frozen. One that never does may only listen, for days, and is not cut off for that.
 */
export class Outbound {
  #level = 0;
  #atMs = 0;
  /** Sent since the last sign of life, and since when. */
  #unheard = 0;
  #unheardSinceMs = 0;
  /** What was sent unheard when the runtime is next asked about pings. */
  #askAt = MAX_UNHEARD;
  readonly #pingedMs: () => number;

  /** `pingedMs` tells when the runtime answered its last `ping`, in Unix milliseconds; 0 if it never did. */
  constructor(pingedMs: () => number) {
    this.#pingedMs = pingedMs;
  }

  /** A frame has come from the client. */
  heard(): void {
    this.#level = Math.max(0, this.#level - READ_BY_FRAME);
    this.#forgive();
  }

  /** So many characters are sent. */
  add(size: number): void {
    this.#drain();
    if (this.#unheard === 0) this.#unheardSinceMs = this.#atMs;
    const cost = Math.max(size, MIN_FRAME);
    this.#level += cost;
    this.#unheard += cost;
  }

  /** Stored answers should wait. */
  get isCrowded(): boolean {
    this.#drain();
    return this.#level > CAPACITY / 2;
  }

  /** It was sent more than it may be. */
  get isOverflowing(): boolean {
    if (this.#level > CAPACITY) this.#drain();
    return this.#level > CAPACITY || (this.#unheard > this.#askAt && this.#isSilent());
  }

  /** Asks the runtime about pings. */
  #isSilent(): boolean {
    const pingedMs = this.#pingedMs();
    if (pingedMs > this.#unheardSinceMs) this.#forgive();
    else this.#askAt = this.#unheard + ASK_AGAIN;
    return pingedMs > 0 && Date.now() - Math.max(pingedMs, this.#unheardSinceMs) > SILENT_MS;
  }

  /** There was a sign of life. */
  #forgive(): void {
    this.#unheard = 0;
    this.#askAt = MAX_UNHEARD;
  }

  /** A clock that is set back does not fill the queue. */
  #drain(): void {
    const now = Date.now();
    this.#level = Math.max(0, this.#level - (Math.max(0, now - this.#atMs) * RATE) / 1000);
    this.#atMs = now;
  }
}
