import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { RecordsBuilder } from "../../../src/protocol/negentropy/builder.ts";
import { messageFromHex, messageToHex, respond } from "../../../src/protocol/negentropy/negentropy.ts";
import type { Records } from "../../../src/protocol/negentropy/records.ts";
import type { Pair } from "./neg-records.ts";

// Sets of records for the tests of the algorithm of NIP-77.

export const FRAME_LIMIT = 500_000;

/** Records 0 to count−1 of the vectors: id = SHA-256 of the decimal number. */
export function vectorPairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, i) => [1700000000 + i, bytesToHex(sha256(utf8ToBytes(String(i))))]);
}

export function recordsOf(pairs: Iterable<Pair>): Records {
  const builder = new RecordsBuilder();
  for (const [createdAt, id] of pairs) builder.add(createdAt, id);
  return builder.build();
}

export function bytes(hex: string): Uint8Array {
  const message = messageFromHex(hex);
  if (message === undefined) throw new Error(`not hex: ${hex}`);
  return message;
}

/** Hex without the spaces that make it readable. */
export function compact(hex: string): string {
  return hex.replaceAll(" ", "");
}

export function answerOf(records: Records, hex: string, limit = FRAME_LIMIT): string {
  const answer = respond(records, bytes(hex), limit);
  if ("error" in answer) throw new Error(answer.error);
  return messageToHex(answer);
}

/** Random 32-bit numbers, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export function randomId(random: () => number): Uint8Array {
  const words = new Uint32Array(8);
  for (let k = 0; k < 8; k++) words[k] = random();
  return new Uint8Array(words.buffer);
}

/** `count` random pairs within `span` seconds; a narrow span makes many records of one second, alike in their ids. */
export function randomPairs(random: () => number, count: number, span: number): Pair[] {
  return Array.from({ length: count }, () => {
    const id = randomId(random);
    if (random() % 4 === 0) id.fill(7, 0, 1 + (random() % 28));
    return [1700000000 + (random() % span), bytesToHex(id)];
  });
}

interface OtherStorage<S> {
  new (): S & { insert(timestamp: number, id: string): void; seal(): void };
}

/** The same records as an independent library keeps them. */
export function otherStorage<S>(pairs: Iterable<Pair>, Storage: OtherStorage<S>): S {
  const storage = new Storage();
  for (const [createdAt, id] of pairs) storage.insert(createdAt, id);
  storage.seal();
  return storage;
}
