import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Pair } from "../support/sync/neg-records.ts";

// Section 5.8 of the reference in its plainest form: hex texts, lists, whole numbers without end.

export interface NaiveRange {
  /** Seconds; `Infinity` above all. */
  time: number;
  /** Hex, as it was sent. */
  prefix: string;
  mode: number;
  /** Hex: a fingerprint, or ids one behind the other. */
  payload: string;
}

/** A number of so many bytes at most is in use; longer ones may be refused. */
const MAX_VARINT_BYTES = 10;

/** Undefined: the message is to be refused (R-05-51). `unsure`: it may be. */
export function decode(message: Uint8Array): NaiveRange[] | undefined | "unsure" {
  const bytes = [...message.slice(1)];
  const ranges: NaiveRange[] = [];
  let before = { time: 0, prefix: "" };
  while (bytes.length > 0) {
    const step = takeVarint(bytes);
    const length = step === undefined ? undefined : takeVarint(bytes);
    if (step === "unsure" || length === "unsure") return "unsure";
    if (step === undefined || length === undefined || length > 32n) return undefined;
    const prefix = take(bytes, Number(length));
    const time = step === 0n ? Number.POSITIVE_INFINITY : sumOf(before.time, step - 1n);
    if (prefix === undefined || isBelow({ time, prefix }, before)) return undefined;
    before = { time, prefix };
    const mode = takeVarint(bytes);
    if (mode === "unsure") return "unsure";
    if (mode === undefined || mode > 2n) return undefined;
    const count = mode === 2n ? takeVarint(bytes) : 0n;
    if (count === "unsure") return "unsure";
    if (count === undefined || count > 1_000_000n) return undefined;
    const payload = take(bytes, mode === 1n ? 16 : 32 * Number(count));
    if (payload === undefined) return undefined;
    ranges.push({ time, prefix, mode: Number(mode), payload });
  }
  return ranges;
}

function sumOf(time: number, step: bigint): number {
  if (time === Number.POSITIVE_INFINITY) return time;
  const sum = BigInt(time) + step;
  return sum > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(sum);
}

function takeVarint(bytes: number[]): bigint | undefined | "unsure" {
  let value = 0n;
  for (let i = 0; ; i++) {
    const byte = bytes.shift();
    if (byte === undefined || (i === 0 && byte === 0x80)) return undefined;
    if (i === MAX_VARINT_BYTES) return "unsure";
    value = value * 128n + BigInt(byte % 128);
    if (byte < 128) return value;
  }
}

function take(bytes: number[], count: number): string | undefined {
  return bytes.length < count ? undefined : bytesToHex(Uint8Array.from(bytes.splice(0, count)));
}

type Place = Pick<NaiveRange, "time" | "prefix">;

/** R-05-46. */
function isBelow(a: Place, b: Place): boolean {
  if (a.time !== b.time) return a.time < b.time;
  return a.time !== Number.POSITIVE_INFINITY && a.prefix.padEnd(64, "0") < b.prefix.padEnd(64, "0");
}

/** A message of these ranges, whatever they are. */
export function encode(ranges: readonly NaiveRange[]): Uint8Array {
  let before = 0;
  const parts = ranges.map(({ time, prefix, mode, payload }) => {
    const step = time === Number.POSITIVE_INFINITY ? 0 : time - before + 1;
    before = time;
    const count = mode === 2 ? varint(payload.length / 64) : "";
    return varint(Math.max(0, step)) + varint(prefix.length / 2) + prefix + varint(mode) + count + payload;
  });
  return hexToBytes(`61${parts.join("")}`);
}

export function varint(value: number): string {
  const groups = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift((rest % 128) + 128);
  return bytesToHex(Uint8Array.from(groups));
}

/** R-05-46: the order of a set. */
export function sorted(pairs: readonly Pair[]): Pair[] {
  return [...pairs].sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1));
}

/** R-05-47. */
function fingerprint(pairs: readonly Pair[]): string {
  const reversed = (hex: string) => hexToBytes(hex).reverse();
  const sum = pairs.reduce((total, [, id]) => total + BigInt(`0x${bytesToHex(reversed(id))}`), 0n) % 2n ** 256n;
  const input = bytesToHex(reversed(sum.toString(16).padStart(64, "0"))) + varint(pairs.length);
  return bytesToHex(sha256(hexToBytes(input))).slice(0, 32);
}

/** R-05-49. */
export function split(pairs: readonly Pair[], end: Place): NaiveRange[] {
  if (pairs.length < 32) return [{ ...end, mode: 2, payload: pairs.map(([, id]) => id).join("") }];
  const ranges: NaiveRange[] = [];
  for (let bucket = 0, from = 0; bucket < 16; bucket++) {
    const to = from + Math.floor(pairs.length / 16) + (bucket < pairs.length % 16 ? 1 : 0);
    const bound = bucket === 15 ? end : boundBetween(pairs[to - 1] as Pair, pairs[to] as Pair);
    ranges.push({ ...bound, mode: 1, payload: fingerprint(pairs.slice(from, to)) });
    from = to;
  }
  return ranges;
}

function boundBetween([timeBefore, before]: Pair, [time, id]: Pair): Place {
  if (time !== timeBefore) return { time, prefix: "" };
  let bytes = 0;
  while (before.slice(0, 2 * bytes + 2) === id.slice(0, 2 * bytes + 2)) bytes++;
  return { time, prefix: id.slice(0, 2 * bytes + 2) };
}

/** R-05-48, as if there were no limit to an answer. */
export function answer(pairs: readonly Pair[], ranges: readonly NaiveRange[]): Uint8Array {
  const out: NaiveRange[] = [];
  let pending: NaiveRange | undefined;
  let before: Place = { time: 0, prefix: "" };
  for (const range of ranges) {
    const own = pairs.filter(([time, id]) => {
      const place = { time, prefix: id };
      return !isBelow(place, before) && isBelow(place, range);
    });
    const bound = { time: range.time, prefix: range.prefix };
    const isSettled = range.mode === 0 || (range.mode === 1 && range.payload === fingerprint(own));
    if (isSettled) {
      pending = { ...bound, mode: 0, payload: "" };
    } else {
      if (pending !== undefined) out.push(pending);
      pending = undefined;
      const list = { ...bound, mode: 2, payload: own.map(([, id]) => id).join("") };
      out.push(...(range.mode === 2 ? [list] : split(own, bound)));
    }
    before = bound;
  }
  return encode(out);
}
