/** First byte of every negentropy message: protocol version 1. */
export const VERSION = 0x61;
export const ID_BYTES = 32;
export const FINGERPRINT_BYTES = 16;

export const Mode = { Skip: 0, Fingerprint: 1, IdList: 2 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/** Where a range ends. The timestamp `Infinity` lies above every record; missing prefix bytes are zeros (R-05-46). */
export interface Bound {
  /** Seconds, a whole number from 0 to 2^53−1, or `Infinity`. */
  timestamp: number;
  /** The first 0 to 32 bytes of an id. */
  prefix: Uint8Array;
}

/** One range of a message: from the bound before it up to `bound`, which it does not hold. */
export interface Range {
  bound: Bound;
  mode: Mode;
  /** Nothing, a fingerprint of 16 bytes, or ids of 32 bytes each; a view of the message. */
  payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
export const START: Bound = { timestamp: 0, prefix: NOTHING };
export const END: Bound = { timestamp: Number.POSITIVE_INFINITY, prefix: NOTHING };

/** Bytes of the longest varint that is written: 2^53. */
export const MAX_WRITTEN_VARINT_BYTES = 8;

/** Writes `value`, 0 to 2^53, at `offset` as a varint of minimal length; returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let groups = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) groups++;
  let rest = value;
  for (let i = offset + groups - 1; i >= offset; i--) {
    target[i] = (rest % 128) | (i === offset + groups - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return offset + groups;
}

/** Order of two bounds: negative, zero or positive. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  if (a.timestamp === Number.POSITIVE_INFINITY) return 0;
  for (let i = 0; i < Math.max(a.prefix.length, b.prefix.length); i++) {
    const difference = (a.prefix[i] ?? 0) - (b.prefix[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
