import { expect, test } from "vitest";
import { HyperLogLog } from "../../src/protocol/hyperloglog.ts";
import { hexOf, KEYS, PUBKEY, V4 } from "../support/registers.ts";

test.each(V4)("V-4 R-05-36 registers of %s", (value, _letter, registers) => {
  const sketch = new HyperLogLog(value);
  for (const { pubkey } of KEYS) sketch.add(pubkey);
  expect(sketch.toHex()).toBe(hexOf(registers));
  for (const { pubkey } of KEYS) sketch.add(pubkey.toUpperCase());
  expect(sketch.toHex()).toBe(hexOf(registers));
});

test("R-05-36 a key without a bit set has the highest rank, and only a whole address gives its key", () => {
  const sketch = new HyperLogLog("bitcoin");
  sketch.add("0".repeat(64));
  expect(sketch.toHex()).toBe(hexOf({ 0: 1 + 8 * (31 - 12) }));
  const registersOf = (value: string): string => {
    const sketch = new HyperLogLog(value);
    for (const { pubkey } of KEYS) sketch.add(pubkey);
    return sketch.toHex();
  };
  expect(registersOf(`30023:${PUBKEY}:`)).toBe(registersOf(PUBKEY));
  // These are hashed, and hashes differ.
  const hashed = [`30023:${PUBKEY}`, `x:${PUBKEY}:`, PUBKEY.toUpperCase(), ""].map(registersOf);
  for (const hex of hashed) expect(hex).toMatch(/^[0-9a-f]{512}$/);
});
