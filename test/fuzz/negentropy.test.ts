import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { nip77 } from "nostr-tools";
import { expect } from "vitest";
import {
  initiate,
  messageFromHex,
  messageToHex,
  reconcile,
  respond,
} from "../../src/protocol/negentropy/negentropy.ts";
import { RangeReader } from "../../src/protocol/negentropy/reader.ts";
import { fuzz } from "../support/fuzz.ts";
import { oddText } from "../support/json-text.ts";
import { otherStorage, recordsOf } from "../support/sync/neg-pairs.ts";
import type { Pair } from "../support/sync/neg-records.ts";
import { answer, decode, encode, type NaiveRange, sorted, split } from "./naive-negentropy.ts";

/** Bytes of an answer that the relay keeps free (R-05-50). */
const RESERVE = 200;
const MIN_LIMIT = 4096;
const END = { time: Number.POSITIVE_INFINITY, prefix: "" };

/** By number. */
const HASHES = new Map<number, string>();

/**
 * Few times, and ids of which many are alike at their beginning, so that bounds fall between them. Their ends are hashes: the
 * fingerprint is one of a sum (R-05-47), and sums of numbers that are all small are often equal.
 */
const pair: fc.Arbitrary<Pair> = fc.tuple(fc.nat({ max: 0xffff }), fc.boolean()).map(([n, isAlike]) => {
  const hex = n.toString(16).padStart(4, "0");
  const hash = HASHES.get(n) ?? bytesToHex(sha256(hexToBytes(hex)));
  HASHES.set(n, hash);
  return [(n % 7) * 1000, (isAlike ? "ff".repeat(22) : hex) + hash.slice(isAlike ? 44 : 4)];
});

const setOf = (maxLength: number) =>
  fc
    .array(pair, { maxLength, size: "max" })
    .map((pairs) => [...new Map(pairs.map((one) => [String(one), one])).values()]);

const hexBytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" }).map(bytesToHex);

const range: fc.Arbitrary<NaiveRange> = fc
  .record({
    time: fc.oneof(
      pair.map(([time]) => time),
      fc.constantFrom(1, END.time, 2 ** 53 - 1, 2 ** 53, 2 ** 60),
    ),
    prefix: fc.oneof(
      pair.chain(([, id]) => fc.nat({ max: 32 }).map((bytes) => id.slice(0, 2 * bytes))),
      hexBytes(34),
    ),
    mode: fc.constantFrom(0, 1, 1, 1, 2, 2, 3),
    ids: fc.array(pair, { maxLength: 3 }),
    other: hexBytes(40),
    isOther: fc.nat({ max: 9 }),
  })
  .map(({ time, prefix, mode, ids, other, isOther }) => {
    const list = ids.map(([, id]) => id).join("");
    const usual = mode === 1 ? "ab".repeat(16) : mode === 2 ? list : "";
    return { time, prefix, mode, payload: isOther === 0 ? other : usual };
  });

/** Ranges in ascending order, so that most messages are right; or as they come. */
const ranges = fc.tuple(fc.array(range, { maxLength: 12 }), fc.nat({ max: 4 })).map(([list, disorder]) => {
  const place = ({ time, prefix }: NaiveRange) => prefix.padEnd(64, "0") + time;
  return disorder === 0 ? list : [...list].sort((a, b) => a.time - b.time || (place(a) < place(b) ? -1 : 1));
});

const damage = fc.record({
  at: fc.nat({ max: 2000 }),
  remove: fc.nat({ max: 3 }),
  insert: fc.uint8Array({ maxLength: 3 }),
});

const message: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: ranges.map(encode) },
  {
    weight: 3,
    arbitrary: fc.tuple(ranges.map(encode), fc.array(damage, { maxLength: 3 })).map(([bytes, all]) =>
      all.reduce((now, { at, remove, insert }) => {
        const place = at % (now.length + 1);
        return Uint8Array.from([...now.slice(0, place), ...insert, ...now.slice(place + remove)]);
      }, bytes),
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Uint8Array.from([0x61, ...bytes])) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
);

/** The message as hex, which is how it is printed. */
interface Answered {
  pairs: Pair[];
  hex: string;
  limit: number;
}

function answersAsTheRules({ pairs, hex, limit }: Answered): void {
  const bytes = messageFromHex(hex) as Uint8Array;
  const result = respond(recordsOf(pairs), bytes, limit);
  const [version] = bytes;
  if (version === undefined || version < 0x60 || version > 0x6f) return expectFault(result);
  if (version !== 0x61) return expect(result).toEqual(Uint8Array.of(0x61));

  const read = readAll(bytes);
  const wanted = decode(bytes);
  if (wanted === "unsure") {
    if (read === undefined) expectFault(result);
    return;
  }
  expect(read).toEqual(wanted);
  if (wanted === undefined) return expectFault(result);
  expect(read).toEqual(decode(encode(wanted)));
  if ("error" in result) throw new Error(result.error);
  expect(result.length).toBeLessThanOrEqual(limit);
  const whole = answer(sorted(pairs), wanted);
  if (whole.length <= limit - RESERVE) expect(bytesToHex(result)).toBe(bytesToHex(whole));
  else expect(decode(result)).toBeInstanceOf(Array);
}

function expectFault(result: Uint8Array | { error: string }): void {
  expect(result).toEqual({ error: expect.stringMatching(/^invalid: negentropy: [a-z0-9 ]+$/) });
}

/** What the reader makes of a message; undefined if it refuses it. Nothing may be copied out of the message (R-05-51). */
function readAll(bytes: Uint8Array): NaiveRange[] | undefined {
  const reader = new RangeReader(bytes);
  const found: NaiveRange[] = [];
  for (let range = reader.next(); range !== undefined; range = reader.next()) {
    const { bound, mode, payload } = range;
    for (const part of [bound.prefix, payload]) if (part.length > 0) expect(part.buffer).toBe(bytes.buffer);
    found.push({ time: bound.timestamp, prefix: bytesToHex(bound.prefix), mode, payload: bytesToHex(payload) });
  }
  expect(reader.next()).toBe(undefined);
  return reader.fault === undefined ? found : undefined;
}

fuzz(
  "R-05-46 R-05-48 R-05-49 R-05-51 any message is refused or answered as the rules say",
  fc.record({
    pairs: setOf(200),
    hex: message.map(bytesToHex),
    limit: fc.oneof(fc.constant(500_000), fc.integer({ min: MIN_LIMIT, max: 2 * MIN_LIMIT })),
  }),
  answersAsTheRules,
);

/** R-05-41. */
function readsHex(text: string): void {
  const isHex = /^([0-9a-f][0-9a-f])*$/i.test(text) && !text.includes("\n");
  const bytes = messageFromHex(text);
  expect(bytes !== undefined).toBe(isHex);
  if (bytes !== undefined) expect(messageToHex(bytes)).toBe(text.toLowerCase());
}

fuzz(
  "R-05-41 a text is hex or refused",
  fc.oneof(fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEFgG \n"), maxLength: 12 }), oddText),
  readsHex,
);

interface Parties {
  client: Pair[];
  relay: Pair[];
  common: Pair[];
  limits: { client: number; relay: number };
  isOther: boolean;
}

/** More rounds than any sync of so few records takes. */
const MAX_ROUNDS = 100;

function converges({ client, relay, common, limits, isOther }: Parties): void {
  const own = new Map([...client, ...common].map((one) => [String(one), one]));
  const theirs = new Map([...relay, ...common].map((one) => [String(one), one]));
  const records = recordsOf(theirs.values());
  const side = isOther ? otherSide([...own.values()]) : thisSide([...own.values()], limits.client);
  let next: Uint8Array | undefined = side.first;
  for (let rounds = 0; next !== undefined; rounds++) {
    expect(rounds).toBeLessThan(MAX_ROUNDS);
    if (!isOther) expect(next.length).toBeLessThanOrEqual(limits.client);
    const reply = respond(records, next, limits.relay);
    if ("error" in reply) throw new Error(reply.error);
    expect(reply.length).toBeLessThanOrEqual(limits.relay);
    next = side.next(reply);
  }
  const idsOnly = (a: typeof own, b: typeof own) =>
    new Set([...a].filter(([name]) => !b.has(name)).map(([, [, id]]) => id));
  expect(side.have).toEqual(idsOnly(own, theirs));
  expect(side.need).toEqual(idsOnly(theirs, own));
}

interface Side {
  first: Uint8Array;
  next(reply: Uint8Array): Uint8Array | undefined;
  have: Set<string>;
  need: Set<string>;
}

function thisSide(pairs: Pair[], limit: number): Side {
  const records = recordsOf(pairs);
  const [have, need] = [new Set<string>(), new Set<string>()];
  const first = initiate(records);
  expect(bytesToHex(first)).toBe(bytesToHex(encode(split(sorted(pairs), END))));
  const next = (reply: Uint8Array) => {
    const learned = reconcile(records, reply, limit);
    if ("error" in learned) throw new Error(learned.error);
    for (const id of learned.have) have.add(id);
    for (const id of learned.need) need.add(id);
    return learned.reply;
  };
  return { first, next, have, need };
}

/** An independent library. */
function otherSide(pairs: Pair[]): Side {
  const client = new nip77.Negentropy(otherStorage(pairs, nip77.NegentropyStorageVector));
  const [have, need] = [new Set<string>(), new Set<string>()];
  const next = (reply: Uint8Array) => {
    const message = client.reconcile(
      bytesToHex(reply),
      (id: string) => have.add(id),
      (id: string) => need.add(id),
    );
    return message === null ? undefined : hexToBytes(message);
  };
  return { first: hexToBytes(client.initiate()), next, have, need };
}

const limit = fc.integer({ min: MIN_LIMIT, max: 3 * MIN_LIMIT });

fuzz(
  "R-05-48 R-05-50 two parties find their differences, whatever fits one message",
  fc.record({
    client: setOf(300),
    relay: setOf(300),
    common: setOf(600),
    limits: fc.record({ client: limit, relay: limit }),
    isOther: fc.boolean(),
  }),
  converges,
);
