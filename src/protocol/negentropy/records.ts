import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Bound, FINGERPRINT_BYTES, ID_BYTES, MAX_WRITTEN_VARINT_BYTES, writeVarint } from "./codec.ts";

/** 32-bit words of an id; the first is the least significant of the little-endian number (R-05-47). */
export const ID_WORDS = 8;
/** Records between two stored sums: at most 32 additions per fingerprint, for 2 bytes per record. */
const BLOCK = 16;
const UINT32 = 2 ** 32;

/** Words of an array of ids. The host is little-endian, as every platform that runs JavaScript today. */
export function idWords(ids: Uint8Array): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, ids.byteLength / 4);
}

/**
 * The sum of all ids before every sixteenth record, modulo 2^256, 8 words each.
 * Returns after about `stretch` records each time it is resumed, until it is done.
 */
export function* sumsOf(ids: Uint8Array, stretch: number): Generator<undefined, Uint32Array> {
  const words = idWords(ids);
  const count = ids.length / ID_BYTES;
  const sums = new Uint32Array((Math.floor(count / BLOCK) + 1) * ID_WORDS);
  const sum = new Uint32Array(ID_WORDS);
  for (let i = 0; i < count; i++) {
    addWords(sum, words, i * ID_WORDS);
    if ((i + 1) % BLOCK === 0) sums.set(sum, ((i + 1) / BLOCK) * ID_WORDS);
    if ((i + 1) % stretch === 0) yield;
  }
  return sums;
}

/** Adds the number whose words start at `offset` to `sum`, modulo 2^256. */
function addWords(sum: Uint32Array, words: Uint32Array, offset: number): void {
  let carry = 0;
  for (let k = 0; k < ID_WORDS; k++) {
    const total = (sum[k] as number) + (words[offset + k] as number) + carry;
    sum[k] = total;
    carry = total >= UINT32 ? 1 : 0;
  }
}

/** Takes the number whose words start at `offset` from `sum`, modulo 2^256. */
function subtractWords(sum: Uint32Array, words: Uint32Array, offset: number): void {
  let borrow = 0;
  for (let k = 0; k < ID_WORDS; k++) {
    const total = (sum[k] as number) - (words[offset + k] as number) - borrow;
    sum[k] = total;
    borrow = total < 0 ? 1 : 0;
  }
}

/**
 * A fixed set of records (created_at, id), sorted by timestamp and then by id bytes (R-05-46); 42 bytes per record.
 * Made by a RecordsBuilder. Record numbers are 0 to `size`−1; a range [from, to) is given by record numbers.
 */
export class Records {
  readonly size: number;
  readonly #timestamps: Float64Array;
  readonly #ids: Uint8Array;
  readonly #words: Uint32Array;
  readonly #sums: Uint32Array;

  /** Takes the arrays as they are: sorted, without repetition, and with the sums of `sumsOf(ids)`. */
  constructor(timestamps: Float64Array, ids: Uint8Array, sums: Uint32Array) {
    this.size = timestamps.length;
    this.#timestamps = timestamps;
    this.#ids = ids;
    this.#words = idWords(ids);
    this.#sums = sums;
  }

  /** Lowercase hex id of record `i`. */
  idHex(i: number): string {
    return bytesToHex(this.ids(i, i + 1));
  }

  /** The ids of [from, to), 32 bytes each: a view, not to be written to. */
  ids(from: number, to: number): Uint8Array {
    return this.#ids.subarray(from * ID_BYTES, to * ID_BYTES);
  }

  /** Record `i` as a bound: it is the first record that is not below it. */
  exactBound(i: number): Bound {
    return { timestamp: this.#timestamps[i] as number, prefix: this.ids(i, i + 1) };
  }

  /** The shortest bound that has record `i`−1 below it and record `i` not (R-05-49); 0 < i < size. */
  minimalBound(i: number): Bound {
    const { timestamp, prefix } = this.exactBound(i);
    if (timestamp !== this.#timestamps[i - 1]) return { timestamp, prefix: prefix.subarray(0, 0) };
    const before = this.ids(i - 1, i);
    let shared = 0;
    while (before[shared] === prefix[shared]) shared++;
    return { timestamp, prefix: prefix.subarray(0, shared + 1) };
  }

  /** Number of the first record from `from` on that is not below `bound`; `size` if there is none. */
  lowerBound(from: number, bound: Bound): number {
    let low = from;
    // Doubling steps first, so that a message of many narrow ranges costs little per range.
    for (let step = 1; low + step <= this.size && this.#isBelow(low + step - 1, bound); step *= 2) low += step;
    let high = Math.min(this.size, low + (low - from) + 1);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBelow(middle, bound)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBelow(i: number, { timestamp, prefix }: Bound): boolean {
    const own = this.#timestamps[i] as number;
    if (own !== timestamp) return own < timestamp;
    const offset = i * ID_BYTES;
    for (let k = 0; k < prefix.length; k++) {
      const difference = (this.#ids[offset + k] as number) - (prefix[k] as number);
      if (difference !== 0) return difference < 0;
    }
    return false;
  }

  /** Fingerprint of [from, to), 16 bytes (R-05-47); its cost does not depend on the length of the range. */
  fingerprint(from: number, to: number): Uint8Array {
    const input = new Uint8Array(ID_BYTES + MAX_WRITTEN_VARINT_BYTES);
    this.#sum(from, to, idWords(input));
    const length = writeVarint(input, ID_BYTES, to - from);
    return sha256(input.subarray(0, length)).subarray(0, FINGERPRINT_BYTES);
  }

  /** Writes the sum of the ids of [from, to), modulo 2^256, into the first words of `sum`, which are zero. */
  #sum(from: number, to: number, sum: Uint32Array): void {
    const firstBlock = Math.floor(from / BLOCK);
    const lastBlock = Math.floor(to / BLOCK);
    if (lastBlock === firstBlock) return this.#add(from, to, sum);
    addWords(sum, this.#sums, lastBlock * ID_WORDS);
    subtractWords(sum, this.#sums, (firstBlock + 1) * ID_WORDS);
    this.#add(from, (firstBlock + 1) * BLOCK, sum);
    this.#add(lastBlock * BLOCK, to, sum);
  }

  /** Adds the ids of [from, to) to `sum`, one by one. */
  #add(from: number, to: number, sum: Uint32Array): void {
    for (let i = from; i < to; i++) addWords(sum, this.#words, i * ID_WORDS);
  }
}
