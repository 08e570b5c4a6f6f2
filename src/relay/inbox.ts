/** Frames, and their characters, from which on the socket is not read any further, where the host can stop reading. */
const ENOUGH_FRAMES = 32;
const ENOUGH_SIZE = 128 * 1024;

/** A frame counts as so many characters at least. */
const MIN_SIZE = 64;

/** Subjects that may be closed ahead of waiting frames; further CLOSEs wait in line. */
const MAX_CLOSED = 64;

/** Frames of one connection that wait to be served, in the order in which they came (R-01-09). */
export class Inbox {
  #frames: string[] = [];
  /** Place of the first one in `#frames`. */
  #first = 0;
  /** Frames that were taken so far. */
  #taken = 0;
  /** By subject, how many frames had come when it was closed: those among them that are about it are not served. */
  #closed: Map<string, number> | undefined;
  /** Characters that wait. */
  size = 0;

  get count(): number {
    return this.#frames.length - this.#first;
  }

  /** The next frame, which stays; undefined if none waits. */
  get next(): string | undefined {
    return this.#frames[this.#first];
  }

  get isEnough(): boolean {
    return this.count >= ENOUGH_FRAMES || this.size >= ENOUGH_SIZE;
  }

  /** There is room again: less than half of {@link isEnough}. */
  get hasRoom(): boolean {
    return this.count < ENOUGH_FRAMES / 2 && this.size < ENOUGH_SIZE / 2;
  }

  push(text: string): void {
    this.#frames.push(text);
    this.size += sizeOf(text);
  }

  /** Puts frames before all others. */
  unshift(texts: readonly string[]): void {
    this.#frames = [...texts, ...this.#frames.slice(this.#first)];
    this.#first = 0;
    this.#taken -= texts.length;
    for (const text of texts) this.size += sizeOf(text);
  }

  /** The next frame; undefined if none waits. */
  shift(): string | undefined {
    if (this.count === 0) return undefined;
    const text = this.#frames[this.#first] as string;
    this.#frames[this.#first++] = "";
    this.#taken++;
    this.size -= sizeOf(text);
    if (this.#first === this.#frames.length) {
      this.#frames = [];
      this.#first = 0;
    } else if (this.#first > 1024 && this.#first * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
    return text;
  }

  /** What waits and is about `subject` is not to be served; false if too many subjects are closed. */
  close(subject: string): boolean {
    if (this.count === 0) return true;
    this.#closed ??= new Map();
    if (this.#closed.size >= MAX_CLOSED && !this.#closed.has(subject)) return false;
    this.#closed.set(subject, this.#taken + this.count);
    return true;
  }

  /** Whether the frame that was taken last is about a subject that was closed after it came. */
  isClosed(subject: string | undefined): boolean {
    const until = subject === undefined ? undefined : this.#closed?.get(subject);
    const isClosed = until !== undefined && this.#taken <= until;
    if (this.count === 0) this.#closed = undefined;
    return isClosed;
  }

  clear(): void {
    this.#frames = [];
    this.#first = 0;
    this.size = 0;
    this.#closed = undefined;
  }
}

function sizeOf(text: string): number {
  return Math.max(text.length, MIN_SIZE);
}
