import { describe, expect, test } from "vitest";
import { differences, type Responder } from "../../../cli/sync/differences.ts";
import * as reference from "../../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import { messageToHex, respond } from "../../../src/protocol/negentropy/negentropy.ts";
import { bytes, otherStorage, randomPairs, recordsOf, seeded } from "../../support/sync/neg-pairs.ts";
import type { Pair } from "../../support/sync/neg-records.ts";

// Two sets that only answer, compared from outside.

interface Counted extends Responder {
  questions: number;
  longest: number;
}

function responder(pairs: readonly Pair[], answerLimit: number, maxMessage: number): Counted {
  const records = recordsOf(pairs);
  return {
    maxMessage,
    questions: 0,
    longest: 0,
    async ask(message) {
      this.questions++;
      this.longest = Math.max(this.longest, message.length);
      const answer = respond(records, message, answerLimit);
      if ("error" in answer) throw new Error(answer.error);
      return answer;
    },
  };
}

async function compare(a: readonly Pair[], b: readonly Pair[], limits: [number, number], maxMessage = 5000) {
  const sets = [responder(a, limits[0], maxMessage), responder(b, limits[1], maxMessage)] as const;
  const found: [string[], string[]] = [[], []];
  for await (const [first, second] of differences(sets)) {
    found[0].push(...first);
    found[1].push(...second);
  }
  return { found: found.map((ids) => ids.sort()), sets };
}

const idsWithout = (all: readonly Pair[], others: readonly Pair[]) => {
  const known = new Set(others.map(([, id]) => id));
  return [...new Set(all.map(([, id]) => id).filter((id) => !known.has(id)))].sort();
};

describe.each([
  [500_000, 500_000],
  [4096, 4096],
  [4096, 500_000],
  [500_000, 4096],
] as [number, number][])("answers of %i and %i bytes", (...limits) => {
  test.each([
    ["both empty", 0, 0, 0],
    ["one empty", 0, 1500, 0],
    ["the other empty", 0, 0, 1500],
    ["equal", 2000, 0, 0],
    ["nothing in common", 0, 900, 1100],
    ["few differences", 5000, 20, 30],
    ["many differences", 3000, 1500, 900],
  ])("%s: each difference is found once", async (_, common, onlyA, onlyB) => {
    for (const span of [3, 100_000]) {
      const random = seeded(common + onlyA + onlyB + span);
      const shared = randomPairs(random, common, span);
      const a = [...shared, ...randomPairs(random, onlyA, span)];
      const b = [...shared, ...randomPairs(random, onlyB, span)];
      const { found, sets } = await compare(a, b, limits);
      expect(found).toEqual([idsWithout(a, b), idsWithout(b, a)]);
      for (const { longest } of sets) expect(longest).toBeLessThanOrEqual(5000);
    }
  });
});

test("few differences of large sets take few questions", async () => {
  const random = seeded(5);
  const shared = randomPairs(random, 50_000, 1_000_000);
  const b = [...shared, ...randomPairs(random, 5, 1_000_000)];
  const { found, sets } = await compare(shared, b, [500_000, 500_000]);
  expect(found).toEqual([[], idsWithout(b, shared)]);
  expect(sets[0].questions + sets[1].questions).toBeLessThanOrEqual(10);
});

test.each([500_000, 4096])(
  "the library that strfry's is, with answers of %i bytes, is compared as well",
  async (limit) => {
    const random = seeded(limit);
    const shared = randomPairs(random, 4000, 50_000);
    const a = [...shared, ...randomPairs(random, 300, 50_000)];
    const b = [...shared, ...randomPairs(random, 700, 50_000)];
    for (const [ours, theirs] of [
      [a, b],
      [a, []],
      [[], b],
    ] as [Pair[], Pair[]][]) {
      const library = new reference.Negentropy(otherStorage(theirs, reference.NegentropyStorageVector), limit);
      const ask = async (message: Uint8Array) => {
        const [answer] = await library.reconcile<string>(messageToHex(message));
        return bytes(answer as string);
      };
      for (const order of [
        [0, 1],
        [1, 0],
      ] as const) {
        const sets = [responder(ours, limit, 5000), { maxMessage: 5000, ask }] as const;
        const found: [string[], string[]] = [[], []];
        for await (const pair of differences([sets[order[0]], sets[order[1]]])) {
          found[0].push(...pair[order[0]]);
          found[1].push(...pair[order[1]]);
        }
        expect(found.map((ids) => ids.sort())).toEqual([idsWithout(ours, theirs), idsWithout(theirs, ours)]);
      }
    }
  },
);

test("sets that never agree come to an end", async () => {
  let byte = 0;
  const restless = (): Responder => ({
    maxMessage: 5000,
    ask: async (message) => message.fill(++byte, message.length - 1),
  });
  const compared = differences([restless(), restless()]);
  await expect(compared.next()).rejects.toThrow("comes to no end");
});
