import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Filter } from "./filter.ts";
import { isHex64, leadingZeroBits } from "./text.ts";

const REGISTERS = 256;

/**
 * The value whose registers a COUNT comes with: the one value of the one tag condition of the one filter, undefined for
 * any other COUNT (R-05-36).
 */
export function sketchedValue(filters: readonly Filter[]): string | undefined {
  const [filter] = filters;
  if (filters.length !== 1 || filter === undefined || filter.allOf.length > 0 || filter.anyOf.length !== 1) {
    return undefined;
  }
  const [, values] = filter.anyOf[0] ?? [];
  return values?.size === 1 ? [...values][0] : undefined;
}

/** The HyperLogLog of NIP-45: 256 registers that estimate how many authors were added, and that clients may merge. */
export class HyperLogLog {
  readonly #registers = new Uint8Array(REGISTERS);
  /** Which byte of a pubkey chooses the register: 8 to 23. */
  readonly #offset: number;

  /** `value` is the tag value asked for; it decides which bytes of a pubkey are looked at. */
  constructor(value: string) {
    this.#offset = Number.parseInt(hashOf(value).charAt(32), 16) + 8;
  }

  /** Adds the author of one match: 64 hex digits, of either case. */
  add(pubkey: string): void {
    const end = 2 * this.#offset + 2;
    const register = Number.parseInt(pubkey.slice(end - 2, end), 16);
    const rank = 1 + leadingZeroBits(pubkey.slice(end));
    if (rank > (this.#registers[register] ?? 0)) this.#registers[register] = rank;
  }

  /** All registers, two lowercase hex digits each: 512 characters. */
  toHex(): string {
    return bytesToHex(this.#registers);
  }
}

/** 64 hex digits: an id or key itself, the key inside an address, the hash of anything else. */
function hashOf(value: string): string {
  if (isHex64(value)) return value;
  const [, pubkey] = /^\d+:([0-9a-f]{64}):/.exec(value) ?? [];
  return pubkey ?? bytesToHex(sha256(utf8ToBytes(value)));
}
