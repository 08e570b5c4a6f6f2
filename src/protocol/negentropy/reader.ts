import type { Reason } from "../reason.ts";
import { type Bound, compareBounds, FINGERPRINT_BYTES, ID_BYTES, Mode, type Range, START } from "./codec.ts";

/** Bytes of the longest varint that is read: 64 bits. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads the ranges of a message one by one, and checks them as R-05-51 wants. Allocates nothing in proportion to
 * a number it reads. At the end of the message or at its first fault, `next` returns undefined for good.
 */
export class RangeReader {
  fault: Reason | undefined;
  readonly #message: Uint8Array;
  /** Behind the version byte, which is the caller's to judge. */
  #offset = 1;
  #previous = START;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  next(): Range | undefined {
    if (this.fault !== undefined || this.#offset >= this.#message.length) return undefined;
    const bound = this.#bound();
    if (bound === undefined) return undefined;
    const mode = this.#varint();
    if (mode === undefined) return undefined;
    if (mode !== Mode.Skip && mode !== Mode.Fingerprint && mode !== Mode.IdList) return this.#refuse("unknown mode");
    const size = mode === Mode.Skip ? 0 : mode === Mode.Fingerprint ? FINGERPRINT_BYTES : this.#idBytes();
    if (size === undefined) return undefined;
    const payload = this.#bytes(size);
    return payload && { bound, mode, payload };
  }

  #bound(): Bound | undefined {
    const step = this.#varint();
    if (step === undefined) return undefined;
    const sum = step === 0 ? Number.POSITIVE_INFINITY : this.#previous.timestamp + (step - 1);
    const timestamp = sum > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : sum;
    const length = this.#varint();
    if (length === undefined) return undefined;
    if (length > ID_BYTES) return this.#refuse("prefix of a bound is longer than an id");
    const prefix = this.#bytes(length);
    if (prefix === undefined) return undefined;
    const bound = { timestamp, prefix };
    if (compareBounds(bound, this.#previous) < 0) return this.#refuse("bounds go backwards");
    this.#previous = bound;
    return bound;
  }

  /** Length of an IdList in bytes, once it is known that the message holds them. */
  #idBytes(): number | undefined {
    const count = this.#varint();
    if (count === undefined) return undefined;
    if (count * ID_BYTES > this.#message.length - this.#offset) return this.#refuse("more ids announced than sent");
    return count * ID_BYTES;
  }

  #bytes(count: number): Uint8Array | undefined {
    const end = this.#offset + count;
    if (end > this.#message.length) return this.#refuse("message is cut short");
    const bytes = this.#message.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  /** A whole number up to 2^53, or `Infinity` for anything above. */
  #varint(): number | undefined {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#message[this.#offset++];
      if (byte === undefined) return this.#refuse("message is cut short");
      if (i === 0 && byte === 0x80) return this.#refuse("number is not of minimal length");
      const group = byte & 0x7f;
      // Beyond 2^53 a double would round; exactly 2^53 is still true.
      if (value < 2 ** 46 || (value === 2 ** 46 && group === 0)) value = value * 128 + group;
      else value = Number.POSITIVE_INFINITY;
      if (byte < 0x80) return value;
    }
    return this.#refuse("number is too long");
  }

  #refuse(why: string): undefined {
    this.fault = `invalid: negentropy: ${why}`;
  }
}
