import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import * as reference from "../../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import { RecordsBuilder } from "../../../src/protocol/negentropy/builder.ts";
import { START, writeVarint } from "../../../src/protocol/negentropy/codec.ts";
import { messageFromHex, messageToHex } from "../../../src/protocol/negentropy/negentropy.ts";
import { RangeReader } from "../../../src/protocol/negentropy/reader.ts";
import { MessageWriter } from "../../../src/protocol/negentropy/writer.ts";
import {
  bytes,
  compact,
  otherStorage,
  randomId,
  randomPairs,
  recordsOf,
  seeded,
  vectorPairs,
} from "../../support/sync/neg-pairs.ts";
import type { Pair } from "../../support/sync/neg-records.ts";

// Codec and records of NIP-77.

const INFINITY = Number.POSITIVE_INFINITY;

function byOrderOfQuery(a: Pair, b: Pair): number {
  return b[0] - a[0] || (a[1] < b[1] ? -1 : 1);
}

describe("codec", () => {
  const varints: [number, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "8100"],
    [255, "817f"],
    [16384, "818000"],
    [1700000000, "86aacfe200"],
    [2 ** 53, "9080808080808000"],
  ];
  test.each(varints)("V-6 varint %d is %s", (value, hex) => {
    const target = new Uint8Array(10);
    expect(bytesToHex(target.subarray(0, writeVarint(target, 0, value)))).toBe(hex);
    if (value === 0) return;
    // As the timestamp of a bound, which is sent as one more.
    const range = new RangeReader(bytes(`61${hex}0000`)).next();
    expect(range?.bound.timestamp).toBe(value - 1);
  });

  test("V-6 R-05-46 bounds are written and read as differences, the last as infinity", () => {
    const out = new MessageWriter();
    out.skip({ timestamp: 1700000000, prefix: new Uint8Array(0) });
    out.skip({ timestamp: 1700000000, prefix: bytes("abcd") });
    out.skip({ timestamp: INFINITY, prefix: new Uint8Array(0) });
    const message = out.finish();
    expect(bytesToHex(message)).toBe("6186aacfe20100000102abcd00000000");
    const reader = new RangeReader(message);
    expect(reader.next()?.bound).toEqual({ timestamp: 1700000000, prefix: new Uint8Array(0) });
    expect(reader.next()?.bound).toEqual({ timestamp: 1700000000, prefix: bytes("abcd") });
    expect(reader.next()?.bound.timestamp).toBe(INFINITY);
    expect(reader.next()).toBeUndefined();
    expect(reader.fault).toBeUndefined();
  });

  const infinite: [string, string][] = [
    ["a number of 2^53+1", "9080808080808001"],
    ["the largest of 64 bits", "81ffffffffffffffff7f"],
    ["a sum above 2^53−1", "9080808080808000 0000 02"],
  ];
  test.each(infinite)("R-05-46 %s is infinity, and so is what follows", (_, hex) => {
    const reader = new RangeReader(bytes(compact(`61 ${hex} 0000 050000`)));
    let last = reader.next();
    for (let range = last; range !== undefined; range = reader.next()) last = range;
    expect(reader.fault).toBeUndefined();
    expect(last?.bound.timestamp).toBe(INFINITY);
  });

  test("R-05-41 hex is read in either case and written in lower case", () => {
    expect(messageFromHex("61AbcD")).toEqual(Uint8Array.of(0x61, 0xab, 0xcd));
    expect(messageToHex(Uint8Array.of(0x61, 0xab, 0xcd))).toBe("61abcd");
    for (const bad of ["610", "6g", "0x61", " 61 ", "é1", 61, null, undefined, ["61"]]) {
      expect(messageFromHex(bad)).toBeUndefined();
    }
  });
});

describe("records", () => {
  const three = recordsOf(vectorPairs(3));

  test("V-5 R-05-47 fingerprints of three records, of none, and of a sum that wraps to zero", () => {
    expect(bytesToHex(three.fingerprint(0, 3))).toBe("5fa8325ac1981d67039205be427ea7ab");
    expect(bytesToHex(three.fingerprint(1, 1))).toBe("7f9c9e31ac8256ca2f258583df262dbc");
    const wrapping = recordsOf([
      [1, "ff".repeat(32)],
      [2, `01${"00".repeat(31)}`],
    ]);
    expect(bytesToHex(wrapping.fingerprint(0, 2))).toBe("58cc2f44d3a27866874701fbad573da9");
  });

  const orders: [string, (pairs: Pair[]) => Pair[]][] = [
    ["as a query answers", (pairs) => pairs.sort(byOrderOfQuery)],
    ["oldest first", (pairs) => pairs.sort(byOrderOfQuery).reverse()],
    ["in no order", (pairs) => pairs],
    ["with every record twice", (pairs) => [...pairs, ...pairs]],
  ];
  for (const [name, arrange] of orders) {
    for (const [count, span] of [
      [0, 1],
      [1, 1],
      [3, 1],
      [1000, 50],
      [40_000, 1],
      [40_000, 1_000_000],
    ] as const) {
      test(`R-05-46 ${count} records within ${span} s, added ${name}, are sorted`, () => {
        const pairs = randomPairs(seeded(count + span), count, span);
        const records = recordsOf(arrange([...pairs]));
        expect(records.size).toBe(count);
        const expected = pairs.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
        const wrong = expected.findIndex(
          ([createdAt, id], i) => records.exactBound(i).timestamp !== createdAt || records.idHex(i) !== id,
        );
        expect(wrong).toBe(-1);
      });
    }
  }

  test("R-05-46 R-05-47 bounds and fingerprints of random ranges are those of the independent library", async () => {
    const random = seeded(46);
    const pairs = randomPairs(random, 700, 20);
    const records = recordsOf(pairs);
    const other = otherStorage(pairs, reference.NegentropyStorageVector);
    for (let i = 0; i < 300; i++) {
      const from = random() % 701;
      const to = from + (random() % (701 - from));
      expect(bytesToHex(records.fingerprint(from, to))).toBe(bytesToHex(await other.fingerprint(from, to)));
      const bound = { timestamp: 1700000000 + (random() % 21), id: randomId(random).subarray(0, random() % 33) };
      const found = records.lowerBound(from, { timestamp: bound.timestamp, prefix: bound.id });
      expect(found).toBe(other.findLowerBound(from, 700, bound));
    }
    expect(records.lowerBound(0, START)).toBe(0);
    expect(records.lowerBound(3, { timestamp: INFINITY, prefix: new Uint8Array(0) })).toBe(700);
  });

  const bad: [string, number, string | Uint8Array][] = [
    ["an id of 31 bytes", 1, "00".repeat(31)],
    ["an id of 33 bytes", 1, new Uint8Array(33)],
    ["an id that is not hex", 1, "zz".repeat(32)],
    ["a negative time", -1, "00".repeat(32)],
    ["a time with a fraction", 1.5, "00".repeat(32)],
    ["a time above 2^53−1", 2 ** 53, "00".repeat(32)],
  ];
  test.each(bad)("R-05-42 a record with %s is a bug and throws", (_, createdAt, id) => {
    expect(() => new RecordsBuilder().add(createdAt, id)).toThrow();
  });
});
