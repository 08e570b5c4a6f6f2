import { nip77 } from "nostr-tools";
import { describe, expect, test } from "vitest";
import * as reference from "../../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import { initiate, messageToHex, reconcile } from "../../../src/protocol/negentropy/negentropy.ts";
import { RangeReader } from "../../../src/protocol/negentropy/reader.ts";
import { MessageWriter } from "../../../src/protocol/negentropy/writer.ts";
import {
  answerOf,
  bytes,
  FRAME_LIMIT,
  otherStorage,
  randomPairs,
  recordsOf,
  seeded,
  vectorPairs,
} from "../../support/sync/neg-pairs.ts";
import type { Pair } from "../../support/sync/neg-records.ts";

// Whole syncs, with independent libraries on the other side.

const INFINITY = Number.POSITIVE_INFINITY;

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
interface Client {
  first: string;
  next: Side;
  have: string[];
  need: string[];
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
