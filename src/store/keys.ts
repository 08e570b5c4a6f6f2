import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Address } from "../protocol/kind.ts";
import { isHex64 } from "../protocol/text.ts";

/** Values longer than this many bytes are indexed by their hash, so that an index row stays small. */
const MAX_PLAIN_BYTES = 31;

/**
 * Index key of a tag, as hex: the letter, then 32 bytes for a hex id or key, the UTF-8 bytes of a short value, or a
 * marker and the SHA-256 of a long one. The lengths differ, so two values never share a key.
 */
export function tagKey(letter: string, value: string): string {
  const prefix = HEX[letter.charCodeAt(0)] as string;
  if (value.length === 64 && isHex64(value)) return prefix + value;
  const plain = value.length <= MAX_PLAIN_BYTES ? asciiHex(value) : undefined;
  if (plain !== undefined) return prefix + plain;
  const bytes = utf8ToBytes(value);
  if (bytes.length <= MAX_PLAIN_BYTES) return prefix + bytesToHex(bytes);
  return `${prefix}00${bytesToHex(sha256(bytes))}`;
}

/** Every ASCII character as two digits. */
const HEX = Array.from({ length: 128 }, (_, code) => code.toString(16).padStart(2, "0"));

/** The bytes of an ASCII text as hex; undefined if it is another. */
function asciiHex(text: string): string | undefined {
  let hex = "";
  for (let i = 0; i < text.length; i++) {
    const digits = HEX[text.charCodeAt(i)];
    if (digits === undefined) return undefined;
    hex += digits;
  }
  return hex;
}

/** A longer `d` stands in its address key as its hash. Stores that kept every `d` as it is have none above this length. */
const MAX_PLAIN_D_BYTES = 4096;

/**
 * Index key of an address, as hex: pubkey, kind in two bytes, then the bytes of `d`, or a marker and the SHA-256 of a long
 * one. No UTF-8 text has the byte of the marker, so two addresses never share a key.
 */
export function addressKey({ kind, pubkey, d }: Address): string {
  const bytes = utf8ToBytes(d);
  const name = bytes.length <= MAX_PLAIN_D_BYTES ? bytesToHex(bytes) : `ff${bytesToHex(sha256(bytes))}`;
  return pubkey + kind.toString(16).padStart(4, "0") + name;
}
