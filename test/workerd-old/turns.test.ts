import { expect, test } from "vitest";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import type { Clock } from "../../src/relay/ports.ts";
import { Turns } from "../../src/relay/turns.ts";
import { Random } from "../support/random.ts";

/** Turns of an object whose timers ring when they are told to. */
function bench() {
  const timers: (() => void | Promise<void>)[] = [];
  const clock: Clock = {
    nowSeconds: () => 0,
    soon: (_delayMs, task) => void timers.push(task),
    pause: async () => {},
    breathe: async () => {},
  };
  const turns = new Turns(clock);
  const begun: string[] = [];
  return {
    turns,
    begun,
    ring: async () => {
      for (const task of timers.splice(0)) await task();
      await sleep(0);
    },
    /** As the line does with the frames of a connection: one after the other, each when it is its turn. */
    send: async (connection: Connection, name: string, count: number, work = 1): Promise<void> => {
      for (let n = 0; n < count; n++) {
        if (!turns.take(connection, work, n === 0)) await turns.next(connection, work);
        begun.push(name);
      }
    },
  };
}

function connect(): Connection {
  const socket = { send() {}, close() {}, pingedMs: () => 0, attach() {} };
  return new Connection(socket, newAttachment(0), new Set(), undefined);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("R-01-10 who asks for little is served at once, whatever waits", async () => {
  const { begun, ring, send } = bench();
  const light = connect();
  for (const name of ["a", "b", "c"]) void send(connect(), name, 1000);
  await ring();
  for (let n = 0; n < 5; n++) {
    const count = begun.length;
    void send(light, "light", 1);
    expect(begun.slice(count)).toEqual(["light"]);
    await ring();
    await sleep(50);
  }
});

test("R-01-10 who asks for more waits with the others, until there was nothing for 40 ms", async () => {
  const { begun, ring, send } = bench();
  const busy = connect();
  void send(connect(), "other", 1000);
  await ring();
  void send(busy, "busy", 1);
  void send(busy, "busy", 1);
  expect(begun.filter((name) => name === "busy")).toHaveLength(1);
  await ring();
  expect(begun.filter((name) => name === "busy")).toHaveLength(2);
  await sleep(50);
  void send(busy, "busy", 1);
  expect(begun.at(-1)).toBe("busy");
});

test("R-01-10 the busy ones are served in turn, at most 16 EVENTs at a time while others are served", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const { begun, ring, send } = bench();
  const light = connect();
  const names = Array.from({ length: random.int(2, 20) }, (_, n) => `busy ${n}`);
  for (const name of names) void send(connect(), name, 1000);
  // What was free of the first, long slice.
  await ring();
  begun.length = 0;
  for (let turn = 0; turn < 50; turn++) {
    await sleep(random.int(0, 3) * 20);
    void send(light, "light", 1);
    const count = begun.length;
    await ring();
    expect(begun.length - count).toBeLessThanOrEqual(16);
  }
  const shares = names.map((name) => begun.filter((other) => other === name).length);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  expect(Math.min(...shares)).toBeGreaterThan(10);
});

test("R-01-10 reads count as eight EVENTs, and in a flood hardly anything that waits is begun", async () => {
  const { begun, turns, ring, send } = bench();
  void send(connect(), "read", 100, 8);
  await ring();
  for (const expected of [2, 2]) {
    void send(connect(), "light", 1);
    begun.length = 0;
    await ring();
    expect(begun).toEqual(Array(expected).fill("read"));
  }
  const flooder = connect();
  for (let n = 0; n < 200; n++) turns.take(flooder, 1, false);
  begun.length = 0;
  await ring();
  expect(begun).toEqual(["read"]);
});
