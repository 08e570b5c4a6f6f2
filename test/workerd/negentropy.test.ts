import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { nip77 } from "nostr-tools";
import { describe, expect, test } from "vitest";
import * as reference from "../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import {
  type Fault,
  initiate,
  messageFromHex,
  messageToHex,
  reconcile,
  respond,
} from "../../src/protocol/negentropy.ts";
import { RecordsBuilder } from "../../src/protocol/negentropy-builder.ts";
import { START, writeVarint } from "../../src/protocol/negentropy-codec.ts";
import { RangeReader } from "../../src/protocol/negentropy-reader.ts";
import type { Records } from "../../src/protocol/negentropy-records.ts";
import { MessageWriter } from "../../src/protocol/negentropy-writer.ts";

type Pair = [createdAt: number, id: string];
const FRAME_LIMIT = 500_000;
const INFINITY = Number.POSITIVE_INFINITY;

/** Records 0 to count−1 of the vectors: id = SHA-256 of the decimal number. */
function vectorPairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, i) => [1700000000 + i, bytesToHex(sha256(utf8ToBytes(String(i))))]);
}

function recordsOf(pairs: Iterable<Pair>): Records {
  const builder = new RecordsBuilder();
  for (const [createdAt, id] of pairs) builder.add(createdAt, id);
  return builder.build();
}

function bytes(hex: string): Uint8Array {
  const message = messageFromHex(hex);
  if (message === undefined) throw new Error(`not hex: ${hex}`);
  return message;
}

/** Hex without the spaces that make it readable. */
function compact(hex: string): string {
  return hex.replaceAll(" ", "");
}

function answerOf(records: Records, hex: string, limit = FRAME_LIMIT): string {
  const answer = respond(records, bytes(hex), limit);
  if ("error" in answer) throw new Error(answer.error);
  return messageToHex(answer);
}

/** Random 32-bit numbers, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function randomId(random: () => number): Uint8Array {
  const words = new Uint32Array(8);
  for (let k = 0; k < 8; k++) words[k] = random();
  return new Uint8Array(words.buffer);
}

/** `count` random pairs within `span` seconds; a narrow span makes many records of one second, alike in their ids. */
function randomPairs(random: () => number, count: number, span: number): Pair[] {
  return Array.from({ length: count }, () => {
    const id = randomId(random);
    if (random() % 4 === 0) id.fill(7, 0, 1 + (random() % 28));
    return [1700000000 + (random() % span), bytesToHex(id)];
  });
}

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

/** One side of a sync: takes a message in hex, returns the next, or nothing when it is done. */
type Side = (message: string) => Promise<string | undefined>;
interface Sync {
  rounds: number;
  bytes: number;
  /** Bytes of the longest message of each side. */
  longestSent: number;
  longestAnswer: number;
  have: string[];
  need: string[];
}
interface OtherStorage<S> {
  new (): S & { insert(timestamp: number, id: string): void; seal(): void };
}
interface Client {
  first: string;
  next: Side;
  have: string[];
  need: string[];
}

function otherStorage<S>(pairs: Iterable<Pair>, Storage: OtherStorage<S>): S {
  const storage = new Storage();
  for (const [createdAt, id] of pairs) storage.insert(createdAt, id);
  storage.seal();
  return storage;
}

function ourServer(pairs: Pair[], limit: number): Side {
  const records = recordsOf(pairs);
  return async (message) => answerOf(records, message, limit);
}

function ourClient(pairs: Pair[], limit: number): Client {
  const records = recordsOf(pairs);
  const have: string[] = [];
  const need: string[] = [];
  const next: Side = async (message) => {
    const result = reconcile(records, bytes(message), limit);
    if ("error" in result) throw new Error(result.error);
    have.push(...result.have);
    need.push(...result.need);
    return result.reply && messageToHex(result.reply);
  };
  return { first: messageToHex(initiate(records)), next, have, need };
}

/** Hoyte's library, as applesauce-relay carries it: both sides. */
function libraryServer(pairs: Pair[], limit: number): Side {
  const library = new reference.Negentropy(otherStorage(pairs, reference.NegentropyStorageVector), limit);
  return async (message) => (await library.reconcile<string>(message))[0] ?? undefined;
}

async function libraryClient(pairs: Pair[], limit: number): Promise<Client> {
  const library = new reference.Negentropy(otherStorage(pairs, reference.NegentropyStorageVector), limit);
  const have: string[] = [];
  const need: string[] = [];
  const next: Side = async (message) => {
    const [reply, newHave, newNeed] = await library.reconcile<string>(message);
    have.push(...newHave);
    need.push(...newNeed);
    return reply ?? undefined;
  };
  return { first: await library.initiate<string>(), next, have, need };
}

/** nostr-tools: a client only; it never answers a list with its own. */
function nostrToolsClient(pairs: Pair[], limit: number): Client {
  const client = new nip77.Negentropy(otherStorage(pairs, nip77.NegentropyStorageVector), limit);
  const have: string[] = [];
  const need: string[] = [];
  const next: Side = async (message) =>
    client.reconcile(
      message,
      (id) => have.push(id),
      (id) => need.push(id),
    ) ?? undefined;
  return { first: client.initiate(), next, have, need };
}

async function sync(client: Client, server: Side): Promise<Sync> {
  const totals = { rounds: 0, bytes: 0, longestSent: 0, longestAnswer: 0 };
  for (let message: string | undefined = client.first; message !== undefined; ) {
    if (++totals.rounds > 2000) throw new Error("does not converge");
    const answer: string = (await server(message)) ?? "";
    totals.bytes += (message.length + answer.length) / 2;
    totals.longestSent = Math.max(totals.longestSent, message.length / 2);
    totals.longestAnswer = Math.max(totals.longestAnswer, answer.length / 2);
    message = await client.next(answer);
  }
  return { ...totals, have: client.have, need: client.need };
}

/** Two sets with `common` records in both. */
function twoSets(seed: number, common: number, onlyClient: number, onlyServer: number, span: number) {
  const random = seeded(seed);
  const shared = randomPairs(random, common, span);
  const clientOnly = randomPairs(random, onlyClient, span);
  const serverOnly = randomPairs(random, onlyServer, span);
  const ids = (pairs: Pair[]): string[] => pairs.map(([, id]) => id).sort();
  return {
    client: [...shared, ...clientOnly],
    server: [...serverOnly, ...shared],
    have: ids(clientOnly),
    need: ids(serverOnly),
  };
}

/** Exactly the differences, each once. */
function expectExact(result: Sync, sets: { have: string[]; need: string[] }): void {
  expect([...result.have].sort()).toEqual(sets.have);
  expect([...result.need].sort()).toEqual(sets.need);
}

/** Exactly the differences, some perhaps again: a cut answer covers ranges behind the cut that were settled before. */
function expectComplete(result: Sync, sets: { have: string[]; need: string[] }): void {
  expectExact({ ...result, have: [...new Set(result.have)], need: [...new Set(result.need)] }, sets);
}

describe("sync", () => {
  const cases: [common: number, onlyClient: number, onlyServer: number, span: number][] = [
    [0, 0, 0, 1],
    [0, 0, 500, 100],
    [0, 500, 0, 100],
    [10, 5, 5, 5],
    [40, 1, 0, 1],
    [31, 1, 1, 100_000],
    [300, 300, 300, 20],
    [2000, 3, 0, 100_000],
    [2000, 0, 3, 1],
    [1000, 700, 50, 300],
    [5000, 40, 60, 2_000_000],
  ];
  for (const [number, [common, onlyClient, onlyServer, span]] of cases.entries()) {
    const name = `${common} common, ${onlyClient} + ${onlyServer} not, within ${span} s`;
    const sets = twoSets(number + 1, common, onlyClient, onlyServer, span);

    test(`R-05-48 our relay side and the library's client: ${name}`, async () => {
      const { client, server } = sets;
      expectExact(await sync(await libraryClient(client, FRAME_LIMIT), ourServer(server, FRAME_LIMIT)), sets);
      expectExact(await sync(nostrToolsClient(client, FRAME_LIMIT), ourServer(server, FRAME_LIMIT)), sets);
    });

    test(`R-05-48 our initiator and the library's relay side: ${name}`, async () => {
      const { client, server } = sets;
      expectExact(await sync(ourClient(client, FRAME_LIMIT), libraryServer(server, FRAME_LIMIT)), sets);
    });

    test(`R-05-48 R-05-49 without a cap, both sides give the library's bytes: ${name}`, async () => {
      const { client, server } = sets;
      const [our, other] = [ourServer(server, FRAME_LIMIT), libraryServer(server, FRAME_LIMIT)];
      const [ours, others] = [ourClient(client, FRAME_LIMIT), await libraryClient(client, FRAME_LIMIT)];
      expect(ours.first).toBe(others.first);
      for (let message: string | undefined = ours.first; message !== undefined; ) {
        const answer: string = (await other(message)) ?? "";
        expect(await our(message)).toBe(answer);
        message = await ours.next(answer);
        expect(await others.next(answer)).toBe(message);
      }
    });

    test(`R-05-50 frames of 4096 bytes are never exceeded, and still converge: ${name}`, async () => {
      const { client, server } = sets;
      const own = await sync(ourClient(client, 4096), ourServer(server, 4096));
      const relaySide = await sync(await libraryClient(client, 60_000), ourServer(server, 4096));
      const initiator = await sync(ourClient(client, 4096), libraryServer(server, 60_000));
      for (const result of [own, relaySide, initiator]) expectComplete(result, sets);
      for (const length of [own.longestSent, own.longestAnswer, relaySide.longestAnswer, initiator.longestSent]) {
        expect(length).toBeLessThanOrEqual(4096);
      }
    });
  }

  const unequal: [onlyClient: number, onlyServer: number][] = [
    [10, 0],
    [500, 490],
  ];
  test.each(unequal)("T-126 10,000 and 9,990 records, %d + %d of them different", async (onlyClient, onlyServer) => {
    const sets = twoSets(126, 10_000 - onlyClient, onlyClient, onlyServer, 500_000);
    const { client, server } = sets;
    for (const limit of [FRAME_LIMIT, 4096]) {
      const relay = ourServer(server, limit);
      const syncs: [name: string, result: Sync][] = [
        ["ours to ours", await sync(ourClient(client, limit), relay)],
        ["library to ours", await sync(await libraryClient(client, FRAME_LIMIT), relay)],
        ["nostr-tools to ours", await sync(nostrToolsClient(client, FRAME_LIMIT), relay)],
        ["ours to library", await sync(ourClient(client, limit), libraryServer(server, FRAME_LIMIT))],
      ];
      for (const [name, result] of syncs) {
        console.log(
          `10,000 and 9,990, ${onlyClient} + ${onlyServer} different, ${name}, frames of ${limit}: ` +
            `${result.rounds} rounds, ${result.bytes} bytes, longest ${result.longestSent} + ${result.longestAnswer}`,
        );
        if (limit === FRAME_LIMIT) expectExact(result, sets);
        else expectComplete(result, sets);
        expect(result.rounds).toBeLessThan(limit === FRAME_LIMIT ? 5 : 200);
        if (!name.startsWith("ours")) continue;
        expect(result.longestSent).toBeLessThanOrEqual(limit);
        if (name === "ours to ours") expect(result.longestAnswer).toBeLessThanOrEqual(limit);
      }
    }
  });

  test("T-124 R-05-51 equal sets cost one round and the bare version", async () => {
    const { client } = twoSets(1, 10_000, 0, 0, 1000);
    const server = ourServer(client, FRAME_LIMIT);
    const result = await sync(ourClient(client, FRAME_LIMIT), server);
    expect(result).toMatchObject({ rounds: 1, longestAnswer: 1, have: [], need: [] });
  });

  const fills: [name: string, ids: number][] = [
    ["no room at all", 122],
    ["no room for the 16 fingerprints of a split", 118],
  ];
  test.each(fills)("R-05-50 with %s, the closing range still tells of the rest", (_, ids) => {
    // The initiator asks for the first ids as a list, and has nothing behind them.
    const records = recordsOf(vectorPairs(1000));
    const writer = new MessageWriter();
    writer.idList({ timestamp: 1700000000 + ids, prefix: new Uint8Array(0) }, new Uint8Array(0));
    writer.fingerprint({ timestamp: INFINITY, prefix: new Uint8Array(0) }, records.fingerprint(0, 0));
    const reader = new RangeReader(bytes(answerOf(records, messageToHex(writer.finish()), 4096)));
    expect(reader.next()?.payload).toEqual(records.ids(0, ids));
    const rest = reader.next();
    expect(rest?.bound.timestamp).toBe(INFINITY);
    expect(rest?.payload).toEqual(records.fingerprint(ids, 1000));
    expect(reader.next()).toBeUndefined();
  });
});

/** The clock of workerd stands still between events; after this it is right. */
async function clock(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return performance.now();
}

describe("500,000 records", () => {
  const COUNT = 500_000;

  /** Builds from random records of random or descending times; returns them with the times it took, in ms. */
  async function build(sorted: boolean): Promise<{ records: Records; add: number; all: number; longest: number }> {
    const random = seeded(500);
    const builder = new RecordsBuilder();
    const start = await clock();
    for (let i = 0; i < COUNT; i++) {
      builder.add(sorted ? 1_800_000_000 - i * 7 : 1_700_000_000 + (random() % 9_000_000), randomId(random));
    }
    const added = await clock();
    let longest = 0;
    const steps = builder.building();
    for (let before = added; ; ) {
      const { done, value } = steps.next();
      const after = await clock();
      longest = Math.max(longest, after - before);
      before = after;
      if (done) return { records: value, add: added - start, all: after - added, longest };
    }
  }

  async function timed(records: Records, message: Uint8Array): Promise<[milliseconds: number, answer: Uint8Array]> {
    const start = await clock();
    const answer = respond(records, message, FRAME_LIMIT);
    if ("error" in answer) throw new Error(answer.error);
    return [(await clock()) - start, answer];
  }

  for (const sorted of [true, false]) {
    test(`R-05-42 R-05-47 in short stretches, ${sorted ? "newest first" : "in no order"}`, async () => {
      const { records, add, all, longest } = await build(sorted);
      expect(records.size).toBe(COUNT);
      const smaller = recordsOf([[1_700_000_000, "ab".repeat(32)]]);
      const [first] = await timed(records, initiate(records));
      const [full, ids] = await timed(records, initiate(smaller));
      // As many ranges as 256 KiB hold, each with one record and its own fingerprint.
      const writer = new MessageWriter();
      for (let i = 1; writer.length < 262_000; i++) {
        writer.fingerprint(records.exactBound(i), records.fingerprint(i - 1, i));
      }
      const narrow = writer.finish();
      const [worst] = await timed(records, narrow);
      // The smallest ranges: Skips of one second each.
      const skips = new Uint8Array(262_000);
      skips[0] = 0x61;
      for (let i = 1; i + 3 <= skips.length; i += 3) skips[i] = 2;
      const [skipped] = await timed(records, skips);
      console.log(
        `500,000 records, ${sorted ? "newest first" : "in no order"}: added in ${add} ms, built in ${all} ms, ` +
          `longest stretch ${longest} ms; equal sets in ${first} ms, ${ids.length} bytes of ids in ${full} ms, ` +
          `${narrow.length} bytes of narrow fingerprints in ${worst} ms, 87,333 skips in ${skipped} ms`,
      );
      expect(longest).toBeLessThan(1500);
      for (const milliseconds of [first, full]) expect(milliseconds).toBeLessThan(1500);
      for (const milliseconds of [worst, skipped]) expect(milliseconds).toBeLessThan(8000);
    });
  }
});
