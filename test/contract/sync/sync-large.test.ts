import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { putRandom } from "../../support/sync/neg-records.ts";

// Sets that take many turns to collect.

const EMPTY = "6100000200";
const COUNT = 100_000;
const AUTHORS = 50;

async function largeRelay(count = COUNT): Promise<TestRelay> {
  const relay = freshRelay();
  await relay.database((sql) => putRandom(sql, count, 3, AUTHORS));
  return relay;
}

const hexKey = (n: number) => n.toString(16).padStart(64, "0");
const BY_AUTHORS = { authors: Array.from({ length: AUTHORS }, (_, i) => hexKey(i + 1)) };

/** Milliseconds that answers to another connection take until `done`: the longest. */
async function longestWait(other: Client, done: Promise<unknown>): Promise<number> {
  let longest = 0;
  let isDone = false;
  void done.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const start = performance.now();
    expect(await other.ask(["PING"])).toEqual(["PONG"]);
    longest = Math.max(longest, performance.now() - start);
    // Sockets within one process never let timers in by themselves.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return longest;
}

test.each([
  ["one range", { kinds: [1] }],
  [`${AUTHORS} ranges`, BY_AUTHORS],
])(`R-05-42 ${COUNT} records of %s are collected while others are served`, async (name, filter) => {
  const relay = await largeRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const start = performance.now();
  a.send(["NEG-OPEN", "n", filter, EMPTY]);
  const answer = a.next(20_000);
  const wait = await longestWait(b, answer);
  const [verb, , hex] = await answer;
  expect(verb).toBe("NEG-MSG");
  expect((hex as string).length).toBeGreaterThan(900_000);
  console.log(`${COUNT} records of ${name}: ${performance.now() - start} ms, others waited ${wait} ms at most`);
  expect(wait).toBeLessThan(3000);
});

test("R-01-09 R-05-41 while a set is collected: NEG-MSG and a new NEG-OPEN wait, NEG-CLOSE discards it", async () => {
  const relay = await largeRelay();
  const a = await relay.login(alice);
  const verbs = (frames: Frame[]) => frames.map(([verb, id]) => `${verb} ${id}`);
  // Both answer in their order, and the new one is open.
  a.send(["NEG-OPEN", "n", { kinds: [1] }, EMPTY]);
  a.send(["NEG-OPEN", "n", { kinds: [2] }, EMPTY]);
  expect(((await a.next(20_000))[2] as string).length).toBeGreaterThan(900_000);
  expect(await a.next()).toEqual(["NEG-MSG", "n", EMPTY]);
  expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-MSG", "n", EMPTY]);
  a.send(["NEG-OPEN", "n", { kinds: [1] }, EMPTY]);
  a.send(["NEG-CLOSE", "n"]);
  expect(await a.ask(["NEG-MSG", "n", EMPTY])).toEqual(["NEG-ERR", "n", expect.stringMatching(/^closed: /)]);
  // The answers come in order.
  a.send(["NEG-OPEN", "n", { kinds: [1] }, "62"]);
  a.send(["NEG-MSG", "n", EMPTY]);
  a.send(["NEG-MSG", "n", "62"]);
  const frames = [await a.next(20_000), await a.next(), await a.next()];
  expect(frames.map((frame) => (frame[2] as string).length)).toEqual([2, expect.any(Number), 2]);
  expect(JSON.stringify(frames[1]).length).toBeGreaterThan(900_000);
  expect(verbs(await a.settled())).toEqual([]);
});

test("R-05-43 a message that waits for a set that is refused gets an answer of its own", async () => {
  const relay = await largeRelay();
  const a = await relay.login(alice);
  a.send(["NEG-OPEN", "n", { kinds: [1] }, "50"]);
  a.send(["NEG-MSG", "n", "61"]);
  expect(await a.next(20_000)).toEqual(["NEG-ERR", "n", expect.stringMatching(/^invalid: /)]);
  expect(await a.next()).toEqual(["NEG-ERR", "n", expect.stringMatching(/^closed: /)]);
  expect(await a.settled()).toEqual([]);
});

test("R-01-10 more sets than are collected at a time: all are answered, also when a waiting connection leaves", async () => {
  const relay = await largeRelay(30_000);
  const clients = await Promise.all(Array.from({ length: 8 }, () => relay.login(alice)));
  for (const client of clients) for (const id of ["1", "2"]) client.send(["NEG-OPEN", id, { kinds: [1] }, EMPTY]);
  clients.pop()?.close();
  for (const client of clients) {
    const frames = [await client.next(20_000), await client.next(20_000)];
    expect(frames.map(([verb]) => verb)).toEqual(["NEG-MSG", "NEG-MSG"]);
    expect(frames.map(([, id]) => id).sort()).toEqual(["1", "2"]);
  }
});
