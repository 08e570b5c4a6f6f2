import { nip77 } from "nostr-tools";
import { expect, test } from "vitest";
import * as library from "../../../node_modules/applesauce-relay/dist/lib/negentropy.js";
import type { Client } from "../../support/client.ts";
import { alice } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { type Pair, putRecords } from "../../support/sync/neg-records.ts";

// Syncs of independent clients with the relay, over sockets.

const SEED = 126;

function randomPairs(random: Random, count: number): Pair[] {
  const id = () => Array.from({ length: 32 }, () => random.int(0, 255).toString(16).padStart(2, "0")).join("");
  return Array.from({ length: count }, () => [1_700_000_000 + random.int(0, 500_000), id()]);
}

/** What a client does with the relay's messages: the next message, or nothing when it is done. */
interface Side {
  first(): string | Promise<string>;
  next(message: string): Promise<string | undefined>;
  have: Set<string>;
  need: Set<string>;
}

function filled<S extends { insert(at: number, id: string): void; seal(): void }>(storage: S, pairs: Pair[]): S {
  for (const [createdAt, id] of pairs) storage.insert(createdAt, id);
  storage.seal();
  return storage;
}

/** Hoyte's reference library, as applesauce-relay carries it. */
function reference(pairs: Pair[]): Side {
  const engine = new library.Negentropy(filled(new library.NegentropyStorageVector(), pairs), 60_000);
  const [have, need] = [new Set<string>(), new Set<string>()];
  return {
    first: () => engine.initiate<string>(),
    async next(message) {
      const [reply, newHave, newNeed] = await engine.reconcile<string>(message);
      for (const id of newHave) have.add(id);
      for (const id of newNeed) need.add(id);
      return reply ?? undefined;
    },
    have,
    need,
  };
}

function nostrTools(pairs: Pair[]): Side {
  const engine = new nip77.Negentropy(filled(new nip77.NegentropyStorageVector(), pairs), 60_000);
  const [have, need] = [new Set<string>(), new Set<string>()];
  return {
    first: () => engine.initiate(),
    async next(message) {
      const reply = engine.reconcile(
        message,
        (id) => have.add(id),
        (id) => need.add(id),
      );
      return reply ?? undefined;
    },
    have,
    need,
  };
}

async function sync(client: Client, side: Side): Promise<{ rounds: number; bytes: number; longest: number }> {
  const totals = { rounds: 0, bytes: 0, longest: 0 };
  let message: string | undefined = await side.first();
  while (message !== undefined) {
    const open = totals.rounds++ === 0;
    const frame = await client.ask(open ? ["NEG-OPEN", "n", { kinds: [1] }, message] : ["NEG-MSG", "n", message]);
    expect(frame.slice(0, 2)).toEqual(["NEG-MSG", "n"]);
    const answer = frame[2] as string;
    totals.bytes += (message.length + answer.length) / 2;
    totals.longest = Math.max(totals.longest, answer.length / 2);
    message = await side.next(answer);
  }
  client.send(["NEG-CLOSE", "n"]);
  expect(await client.settled()).toEqual([]);
  return totals;
}

/** A relay that holds these records as events of kind 1. */
async function holding(pairs: Pair[]): Promise<TestRelay> {
  const relay = freshRelay();
  await relay.database((sql) => putRecords(sql, pairs));
  return relay;
}

const CASES: [onlyClient: number, onlyRelay: number][] = [
  [0, 0],
  [10, 0],
  [500, 490],
];

test.each(CASES)("T-126 R-05-51 10,000 and 9,990 records, %i + %i of them different", async (onlyClient, onlyRelay) => {
  const random = new Random(SEED);
  const common = randomPairs(random, 10_000 - onlyClient);
  const [ours, theirs] = [randomPairs(random, onlyClient), randomPairs(random, onlyRelay)];
  const ids = (pairs: Pair[]) => pairs.map(([, id]) => id).sort();
  const a = await (await holding([...theirs, ...common])).login(alice);
  for (const [name, make] of [
    ["reference library", reference],
    ["nostr-tools", nostrTools],
  ] as const) {
    const side = make([...common, ...ours]);
    const result = await sync(a, side);
    console.log(
      `seed ${SEED}, ${onlyClient} + ${onlyRelay} different, ${name}: ${result.rounds} rounds, ` +
        `${result.bytes} bytes, longest answer ${result.longest}`,
    );
    expect([...side.have].sort()).toEqual(ids(ours));
    expect([...side.need].sort()).toEqual(ids(theirs));
    expect(result.longest).toBeLessThanOrEqual(500_000);
    if (onlyClient + onlyRelay === 0) expect(result).toMatchObject({ rounds: 1, longest: 1 });
    else expect(result.rounds).toBeLessThanOrEqual(4);
  }
});
