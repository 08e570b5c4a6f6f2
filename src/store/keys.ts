import { sha256 } from "@noble/hashes/sha2.js";
import type { Address } from "../protocol/kind.ts";
import { isHex64 } from "../protocol/text.ts";

/** Values longer than this many bytes are indexed by their hash, so that an index row stays small. */
const MAX_PLAIN_BYTES = 31;

/**
 * Index key of a tag, as hex: the letter, then 32 bytes for a hex id or key, the UTF-8 bytes of a short value, or a
 * marker and the SHA-256 of a long one. The lengths differ, so two values never share a key.
 */
export function tagKey(letter: string, value: string): string {
  const prefix = letter.charCodeAt(0).toString(16);
  if (value.length === 64 && isHex64(value)) return prefix + value;
  const bytes = encoder.encode(value);
  return prefix + (bytes.length <= MAX_PLAIN_BYTES ? hexOf(bytes) : `00${hexOf(sha256(bytes))}`);
}

/** A longer `d` stands in its address key as its hash. Stores that kept every `d` as it is have none above this length. */
const MAX_PLAIN_D_BYTES = 4096;

/**
 * Index key of an address, as hex: pubkey, kind in two bytes, then the bytes of `d`, or a marker and the SHA-256 of a long
 * one. No UTF-8 text has the byte of the marker, so two addresses never share a key.
 */
export function addressKey({ kind, pubkey, d }: Address): string {
  const bytes = encoder.encode(d);
  const name = bytes.length <= MAX_PLAIN_D_BYTES ? hexOf(bytes) : `ff${hexOf(sha256(bytes))}`;
  return pubkey + kind.toString(16).padStart(4, "0") + name;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DIGITS = encoder.encode("0123456789abcdef");
const room = new Uint8Array(2 * MAX_PLAIN_D_BYTES);

/** At most {@link MAX_PLAIN_D_BYTES} bytes as hex. A text that is joined from its digits takes ten times as long to sort. */
function hexOf(bytes: Uint8Array): string {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    room[2 * i] = DIGITS[byte >> 4] as number;
    room[2 * i + 1] = DIGITS[byte & 15] as number;
  }
  return decoder.decode(room.subarray(0, 2 * bytes.length));
}
