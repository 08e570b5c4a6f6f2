import { type Bound, ID_BYTES, MAX_WRITTEN_VARINT_BYTES, Mode, VERSION, writeVarint } from "./codec.ts";

/** A place in a message being written, to which it can be taken back. */
export interface Mark {
  length: number;
  timestamp: number;
}

/** Writes a message range by range. Bounds must ascend. */
export class MessageWriter {
  #bytes = new Uint8Array(512);
  #length = 0;
  /** Timestamps are written as the difference to the one before. */
  #timestamp = 0;

  constructor() {
    this.#bytes[this.#length++] = VERSION;
  }

  /** Bytes written so far, the version byte included. */
  get length(): number {
    return this.#length;
  }

  skip(bound: Bound): void {
    this.#range(bound, Mode.Skip, 0);
  }

  fingerprint(bound: Bound, fingerprint: Uint8Array): void {
    this.#range(bound, Mode.Fingerprint, fingerprint.length);
    this.#append(fingerprint);
  }

  /** `ids`: 32 bytes each, one behind the other. */
  idList(bound: Bound, ids: Uint8Array): void {
    this.#range(bound, Mode.IdList, MAX_WRITTEN_VARINT_BYTES + ids.length);
    this.#varint(ids.length / ID_BYTES);
    this.#append(ids);
  }

  mark(): Mark {
    return { length: this.#length, timestamp: this.#timestamp };
  }

  /** Forgets what was written since `mark`. */
  rewind(mark: Mark): void {
    this.#length = mark.length;
    this.#timestamp = mark.timestamp;
  }

  /** The message; a copy of exactly its length. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Bound and mode, with room for `payload` bytes behind them. */
  #range({ timestamp, prefix }: Bound, mode: Mode, payload: number): void {
    this.#reserve(3 * MAX_WRITTEN_VARINT_BYTES + prefix.length + payload);
    this.#varint(timestamp === Number.POSITIVE_INFINITY ? 0 : timestamp - this.#timestamp + 1);
    this.#timestamp = timestamp;
    this.#varint(prefix.length);
    this.#append(prefix);
    this.#varint(mode);
  }

  #varint(value: number): void {
    this.#length = writeVarint(this.#bytes, this.#length, value);
  }

  #append(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
