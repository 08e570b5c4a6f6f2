import { hexToBytes } from "@noble/hashes/utils.js";
import { COST, Meter } from "../work.ts";
import { ID_BYTES } from "./codec.ts";
import { sortedOrder } from "./order.ts";
import { ID_WORDS, idWords, Records, sumsOf } from "./records.ts";

/** Records handled between two yields of `building`: less than a millisecond. A power of two, as the sort wants. */
const STRETCH = 4096;
/** The arrays double up to this many records, then grow by as many: at most 2.6 MB stand empty. */
const GROWTH = 65_536;

/**
 * Collects records in any order and makes a Records of them. Records in the order of a query's answer (newest
 * first, ties by ascending id) are only turned around, in place; others are sorted, for which they are copied.
 */
export class RecordsBuilder {
  #timestamps = new Float64Array(64);
  #ids = new Uint8Array(64 * ID_BYTES);
  #size = 0;
  #newestFirst = true;

  /** Records added so far, repetitions included. */
  get size(): number {
    return this.#size;
  }

  /** Adds a record. `createdAt`: seconds, 0 to 2^53−1. `id`: 32 bytes, or 64 hex digits of either case. */
  add(createdAt: number, id: string | Uint8Array): void {
    const bytes = typeof id === "string" ? hexToBytes(id) : id;
    if (bytes.length !== ID_BYTES) throw new RangeError("an id has 32 bytes");
    if (!Number.isSafeInteger(createdAt) || createdAt < 0) throw new RangeError("created_at is whole seconds");
    if (this.#size === this.#timestamps.length) this.#grow();
    const i = this.#size++;
    this.#timestamps[i] = createdAt;
    this.#ids.set(bytes, i * ID_BYTES);
    if (i > 0) this.#newestFirst &&= this.#isNewestFirst(i);
  }

  /** All of `building` at once. */
  build(): Records {
    const steps = this.building(new Meter());
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /** Makes the Records and charges the work: the caller may pause at each yield. Empties the builder. */
  *building(meter: Meter): Generator<void, Records> {
    const steps = this.#building();
    for (;;) {
      const { done, value } = steps.next();
      meter.spent += STRETCH * COST.sum;
      if (done) return value;
      yield;
    }
  }

  *#building(): Generator<undefined, Records> {
    const timestamps = this.#timestamps.subarray(0, this.#size);
    const ids = this.#ids.subarray(0, this.#size * ID_BYTES);
    const turn = this.#newestFirst;
    this.#timestamps = new Float64Array(64);
    this.#ids = new Uint8Array(64 * ID_BYTES);
    this.#size = 0;
    this.#newestFirst = true;
    if (!turn) return yield* sorted(timestamps, ids);
    yield* turned(timestamps, ids);
    return new Records(timestamps, ids, yield* sumsOf(ids, STRETCH));
  }

  #grow(): void {
    const capacity = Math.min(2 * this.#size, this.#size + GROWTH);
    const timestamps = new Float64Array(capacity);
    timestamps.set(this.#timestamps);
    this.#timestamps = timestamps;
    const ids = new Uint8Array(capacity * ID_BYTES);
    ids.set(this.#ids);
    this.#ids = ids;
  }

  /** Whether record `i` comes after the one added before it in the order of a query's answer. */
  #isNewestFirst(i: number): boolean {
    const difference = (this.#timestamps[i] as number) - (this.#timestamps[i - 1] as number);
    return difference === 0 ? compareIds(this.#ids, i, i - 1) > 0 : difference < 0;
  }
}

/** Sorts newest-first records in place: all turned around, then each group of one timestamp turned back. */
function* turned(timestamps: Float64Array, ids: Uint8Array): Generator<undefined, void> {
  const words = idWords(ids);
  const size = timestamps.length;
  yield* reverse(timestamps, words, 0, size);
  for (let start = 0; start < size; ) {
    let end = start + 1;
    while (end < size && timestamps[end] === timestamps[start]) end++;
    if (end - start > 1) yield* reverse(timestamps, words, start, end);
    if (Math.floor(start / STRETCH) !== Math.floor(end / STRETCH)) yield;
    start = end;
  }
}

function* reverse(
  timestamps: Float64Array,
  words: Uint32Array,
  start: number,
  end: number,
): Generator<undefined, void> {
  for (let low = start, high = end - 1; low < high; low++, high--) {
    const timestamp = timestamps[low] as number;
    timestamps[low] = timestamps[high] as number;
    timestamps[high] = timestamp;
    for (let k = 0; k < ID_WORDS; k++) {
      const word = words[low * ID_WORDS + k] as number;
      words[low * ID_WORDS + k] = words[high * ID_WORDS + k] as number;
      words[high * ID_WORDS + k] = word;
    }
    if ((low - start + 1) % STRETCH === 0) yield;
  }
}

/** The records sorted and without repetition, in arrays of their own. */
function* sorted(timestamps: Float64Array, ids: Uint8Array): Generator<undefined, Records> {
  const precedes = (a: number, b: number): boolean => {
    const difference = (timestamps[a] as number) - (timestamps[b] as number);
    return difference === 0 ? compareIds(ids, a, b) < 0 : difference < 0;
  };
  const order = yield* sortedOrder(timestamps.length, precedes, STRETCH);
  const ownTimestamps = new Float64Array(order.length);
  const ownIds = new Uint8Array(ids.length);
  let size = 0;
  for (let i = 0; i < order.length; i++) {
    const record = order[i] as number;
    // The order is sorted: a record that does not come after the one before it is the same one.
    if (i === 0 || precedes(order[i - 1] as number, record)) {
      ownTimestamps[size] = timestamps[record] as number;
      ownIds.set(ids.subarray(record * ID_BYTES, (record + 1) * ID_BYTES), size * ID_BYTES);
      size++;
    }
    if ((i + 1) % STRETCH === 0) yield;
  }
  const unique = ownIds.subarray(0, size * ID_BYTES);
  return new Records(ownTimestamps.subarray(0, size), unique, yield* sumsOf(unique, STRETCH));
}

/** Order of the ids of records `a` and `b`: negative, zero or positive. */
function compareIds(ids: Uint8Array, a: number, b: number): number {
  for (let k = 0; k < ID_BYTES; k++) {
    const difference = (ids[a * ID_BYTES + k] as number) - (ids[b * ID_BYTES + k] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
