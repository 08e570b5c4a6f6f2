import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import * as reference from "../../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import { type Fault, initiate, messageToHex, reconcile, respond } from "../../../src/protocol/negentropy/negentropy.ts";
import { RangeReader } from "../../../src/protocol/negentropy/reader.ts";
import {
  answerOf,
  bytes,
  compact,
  FRAME_LIMIT,
  otherStorage,
  recordsOf,
  vectorPairs,
} from "../../support/sync/neg-pairs.ts";

// Single messages of NIP-77, from either side.

const INFINITY = Number.POSITIVE_INFINITY;

describe("relay side", () => {
  const pairs = vectorPairs(3);
  const three = recordsOf(pairs);
  const [first, second, third] = pairs.map(([, id]) => id);
  const fingerprint = "5fa8325ac1981d67039205be427ea7ab";

  const answers: [string, string, string][] = [
    ["T-124 V-5 the empty set is answered with all ids", "6100000200", `6100000203${first}${second}${third}`],
    ["T-124 R-05-51 an equal set is answered with the bare version", `61000001${fingerprint}`, "61"],
    ["T-124 R-05-48 version 2 is answered with version 1", "62", "61"],
    ["R-05-48 version 15 is answered with version 1, whatever follows", "6fffff", "61"],
    ["R-05-48 version 0 is answered with version 1", "60", "61"],
    ["R-05-48 a message without ranges skips everything", "61", "61"],
    ["R-05-48 a Skip to infinity is not repeated", "61000000", "61"],
    [
      "R-05-48 a pending Skip is written before what follows it",
      "61 86aacfe2020000 00000200",
      `61 86aacfe2020000 00000202 ${second} ${third}`,
    ],
    [
      "R-05-48 two Skips in a row become one",
      "61 86aacfe2020000 020000 00000200",
      `61 86aacfe2030000 00000201 ${third}`,
    ],
    [
      "R-05-48 a Skip to infinity behind a list is not repeated",
      "61 86aacfe202 00 0200 000000",
      `61 86aacfe202 00 0201 ${first}`,
    ],
    ["R-05-48 an empty own range is answered with an empty list", "61 86aacfe201 00 0200", "61 86aacfe201 00 0200"],
    [
      "R-05-51 equal bounds are not backwards: the range between them is empty",
      "61 05000200 01000200 00000200",
      `61 05000200 01000200 00000203 ${first} ${second} ${third}`,
    ],
    [
      "R-05-46 missing prefix bytes are zeros: ab00 and ab are equal bounds",
      "61 0502ab0000 0101ab0200",
      "61 0502ab0000 0101ab0200",
    ],
    [
      "R-05-48 the relay does not need a list's ids, but takes them",
      `6100000201${"ab".repeat(32)}`,
      `6100000203${first}${second}${third}`,
    ],
    [
      "R-05-49 a different fingerprint over fewer than 32 records is answered with their ids",
      `61000001${"00".repeat(16)}`,
      `6100000203${first}${second}${third}`,
    ],
  ];
  test.each(answers)("%s", (_, message, expected) => {
    expect(answerOf(three, compact(message))).toBe(compact(expected));
    expect(answerOf(three, compact(message).toUpperCase())).toBe(compact(expected));
  });

  const faults: [string, string][] = [
    ["an empty message", ""],
    ["T-125 a first byte that is no version", "50"],
    ["a first byte above the versions", "70"],
    ["T-125 an unknown mode", "6100000300"],
    ["T-125 2^40 ids announced", "61000002a08080808000"],
    ["2^64 ids announced", "6100000281ffffffffffffffff7f"],
    ["one id more announced than sent", `6100000202${"ab".repeat(32)}`],
    ["an id cut short", `6100000201${"ab".repeat(31)}`],
    ["T-125 a prefix of 33 bytes", `610021${"00".repeat(33)}0000`],
    ["a prefix of 2^60 bytes", "610090808080808080800000"],
    ["a prefix cut short", "610102ab"],
    ["a fingerprint cut short", `61000001${"00".repeat(15)}`],
    ["a bound without a prefix length", "6100"],
    ["a bound without a mode", "610000"],
    ["a list without a count", "61000002"],
    ["a number without an end", "6181"],
    ["a number that is not minimal", "6180010000"],
    ["zero in two bytes", "6180000000"],
    ["a number of 11 bytes", "61818080808080808080800000000000"],
    ["prefixes that go backwards in one second", "61 0502abcd00 0101ab00"],
    ["a prefix below one padded with zeros", "61 0503ab000100 0102ab0000"],
    ["bytes behind the last range", "6100000000"],
  ];
  test.each(faults)("R-05-51 %s is refused", (_, message) => {
    const answer = respond(three, bytes(compact(message)), FRAME_LIMIT) as Fault;
    expect(answer.error).toMatch(/^invalid: /);
    const reconciled = reconcile(three, bytes(compact(message)), FRAME_LIMIT) as Fault;
    expect(reconciled.error).toMatch(/^invalid: /);
  });

  test("R-05-51 a fault is found behind the point where the answer is full", () => {
    const records = recordsOf(vectorPairs(1000));
    expect(respond(records, bytes("6100000200000002"), 4096)).toHaveProperty("error");
    expect(respond(records, bytes("6100000200"), 4096)).not.toHaveProperty("error");
  });

  test("R-05-49 the split has 16 buckets, larger ones first, with minimal bounds", () => {
    // 35 records: 3 buckets of 3, then 13 of 2; records 3 and 2 differ only in their last byte.
    const near = "ab".repeat(31);
    const many = vectorPairs(35);
    many[2] = [1700000002, `${near}01`];
    many[3] = [1700000002, `${near}02`];
    const reader = new RangeReader(initiate(recordsOf(many)));
    const bounds = [];
    for (let range = reader.next(); range !== undefined; range = reader.next()) bounds.push(range.bound);
    expect(bounds.length).toBe(16);
    expect(bounds[0]).toEqual({ timestamp: 1700000002, prefix: bytes(`${near}02`) });
    const times = bounds.slice(1).map(({ timestamp, prefix }) => [timestamp - 1700000000, prefix.length]);
    expect(times).toEqual([
      ...[6, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33].map((t) => [t, 0]),
      [INFINITY, 0],
    ]);
  });

  test("R-05-50 a list without room ends at the first record not sent, then one fingerprint", async () => {
    const many = vectorPairs(1000);
    const records = recordsOf(many);
    const answer = answerOf(records, "6100000200", 4096);
    const reader = new RangeReader(bytes(answer));
    const list = reader.next();
    const sent = (list?.payload.length ?? 0) / 32;
    expect(list?.bound).toEqual(records.exactBound(sent));
    const rest = reader.next();
    expect(rest?.bound.timestamp).toBe(INFINITY);
    expect(rest?.payload).toEqual(records.fingerprint(sent, 1000));
    expect(reader.next()).toBeUndefined();
    expect(answer.length / 2).toBeGreaterThan(4096 - 200);
    expect(answer.length / 2).toBeLessThanOrEqual(4096);
    const library = new reference.Negentropy(otherStorage(many, reference.NegentropyStorageVector), 4096);
    expect(answer).toBe((await library.reconcile<string>("6100000200"))[0]);
  });

  test("R-05-50 a frame limit below 4096 is a bug and throws", () => {
    expect(() => respond(three, bytes("61"), 4095)).toThrow(RangeError);
  });
});

describe("initiator", () => {
  test("V-7 32 records start with 16 fingerprints, 31 with one list", () => {
    const message = initiate(recordsOf(vectorPairs(32)));
    expect(message.length).toBe(309);
    expect(bytesToHex(sha256(utf8ToBytes(messageToHex(message))))).toBe(
      "fe8456d6835ac4b3b5ab7ebbc4b679e22fc3f2882bdafc040b1a1d1fca365609",
    );
    const list = new RangeReader(initiate(recordsOf(vectorPairs(31)))).next();
    expect([list?.mode, list?.payload.length]).toEqual([2, 31 * 32]);
  });

  test("R-05-51 the bare version completes the sync; another version is an error", () => {
    const records = recordsOf(vectorPairs(3));
    expect(reconcile(records, bytes("61"), FRAME_LIMIT)).toEqual({ reply: undefined, have: [], need: [] });
    expect(reconcile(records, bytes("60"), FRAME_LIMIT)).toHaveProperty("error");
    expect(reconcile(records, bytes(""), FRAME_LIMIT)).toHaveProperty("error");
  });

  test("R-05-48 an id sent twice is needed once", () => {
    const id = "ab".repeat(32);
    expect(reconcile(recordsOf([]), bytes(`6100000202${id}${id}`), FRAME_LIMIT)).toEqual({
      reply: undefined,
      have: [],
      need: [id],
    });
  });
});
