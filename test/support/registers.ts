import { key } from "./keys.ts";

// What COUNT says with registers of HyperLogLog (R-05-36).

export const KEYS = [1, 2, 3, 4, 5].map(key);
export const PUBKEY = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const ADDRESS = "30023:c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5:abc";

/** V-4: value, filter, non-zero registers of the authors of keys 1 to 5. */
export const V4: [string, string, Record<number, number>][] = [
  [PUBKEY, "p", { 48: 2, 73: 3, 85: 1, 88: 4 }],
  [ADDRESS, "a", { 11: 4, 92: 2, 135: 5, 157: 2, 192: 2 }],
  ["bitcoin", "t", { 10: 2, 147: 5, 149: 1, 206: 1, 248: 1 }],
];

export const hexOf = (registers: Record<number, number>): string =>
  Array.from({ length: 256 }, (_, i) => (registers[i] ?? 0).toString(16).padStart(2, "0")).join("");
