import { expect, test, vi } from "vitest";
import type { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import { type Frame, Line } from "../../src/relay/line.ts";
import type { Clock } from "../../src/relay/ports.ts";
import { Subscription } from "../../src/relay/read/subscription.ts";
import type { Turn } from "../../src/relay/turn.ts";
import { Turns } from "../../src/relay/turns.ts";
import { Random } from "../support/random.ts";

const KIB = 1024;

const clock: Clock = {
  nowSeconds: () => 0,
  soon: (delayMs, task) => void setTimeout(task, delayMs),
  pause: (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms)),
  breathe: async () => {},
};

function connect(): Connection {
  const socket = { send() {}, close() {}, pingedMs: () => 0, attach() {} };
  return new Connection(socket, newAttachment(0), new Set(), undefined);
}

/** A line whose frames name their turn and themselves; each is held until it is ended. */
function bench() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const begin = (connection: Connection, { text: frame }: Frame): Promise<void> => {
    begun.push(frame);
    const work = new Promise<void>((resolve) => ends.set(frame, resolve));
    line.hold(connection, frame.split(" ")[0] as Turn, work);
    return Promise.resolve();
  };
  const line = new Line(new Turns(clock), begin);
  return {
    line,
    begun,
    end: (frame: string) => {
      ends.get(frame)?.();
      ends.delete(frame);
    },
    underWay: () => [...ends.keys()].filter((frame) => !/^(other|free)/.test(frame)),
    /** As the relay does with a frame that arrives. */
    arrive: (connection: Connection, text: string): boolean => {
      const turn = text.split(" ")[0] as Turn;
      if (line.isBusy(connection, turn)) return line.enter(connection, turn, { text });
      begin(connection, { text });
      return true;
    },
  };
}

test("R-01-10 eight reads at a time; the ninth waits, and what comes after it", async () => {
  const { begun, end, arrive } = bench();
  const [a, b] = [connect(), connect()];
  for (let n = 0; n < 8; n++) arrive(a, `read ${n}`);
  arrive(a, "other 8");
  expect(begun).toHaveLength(9);
  for (const frame of ["read 9", "other 10", "read 11"]) arrive(a, frame);
  arrive(b, "read of another");
  expect(begun.slice(9)).toEqual(["read of another"]);
  end("read 3");
  await vi.waitFor(() => expect(begun.slice(10)).toEqual(["read 9"]));
  end("read 9");
  await vi.waitFor(() => expect(begun.slice(11)).toEqual(["other 10", "read 11"]));
});

test("R-01-09 nothing is begun while what has to be alone is under way", async () => {
  const { begun, end, arrive } = bench();
  const a = connect();
  for (const frame of ["read 0", "alone 1", "other 2", "alone 3", "read 4"]) arrive(a, frame);
  expect(begun).toEqual(["read 0", "alone 1"]);
  end("alone 1");
  await vi.waitFor(() => expect(begun).toEqual(["read 0", "alone 1", "other 2", "alone 3"]));
  end("alone 3");
  await vi.waitFor(() => expect(begun.at(-1)).toBe("read 4"));
});

test("R-01-10 4 MiB of one connection wait, a short frame as 1 KiB, and 64 MiB of all", async () => {
  const { line, begun, end, arrive } = bench();
  const a = connect();
  arrive(a, "alone");
  for (let n = 0; n < 4 * KIB; n++) expect(arrive(a, `other ${n}`)).toBe(true);
  expect(arrive(a, "other")).toBe(false);
  end("alone");
  await vi.waitFor(() => expect(begun).toHaveLength(1 + 4 * KIB));
  expect(begun.slice(1)).toEqual(Array.from({ length: 4 * KIB }, (_, n) => `other ${n}`));
  // All room is free again.
  const others = Array.from({ length: 17 }, connect);
  const fits = others.map((connection, n) => {
    arrive(connection, `alone ${n}`);
    return [1, 2, 3, 4].map((part) => arrive(connection, `other ${part}`.padEnd(KIB * KIB)));
  });
  expect(fits.slice(0, 16).flat().every(Boolean)).toBe(true);
  expect(fits[16]).toEqual([false, false, false, false]);
  line.drop(others[4] as Connection, true);
  expect(arrive(others[16] as Connection, "other".padEnd(KIB * KIB))).toBe(true);
});

test("R-01-09 R-01-10 what waits only for the turns of others is begun rather than refused, one after the other", async () => {
  const begun: string[] = [];
  let underWay = 0;
  const line = new Line(new Turns(clock), async (_connection, { text }) => {
    expect(++underWay).toBe(1);
    begun.push(text.trimEnd());
    for (let step = 0; step < 10; step++) await undefined;
    underWay--;
  });
  const a = connect();
  const sent = Array.from({ length: 210 }, (_, n) => `${n}`);
  for (const [n, frame] of sent.entries()) {
    const text = n < 200 ? frame : frame.padEnd(KIB * KIB);
    if (!line.isBusy(a, "other")) begun.push(text);
    else expect(line.enter(a, "other", { text })).toBe(true);
    // Between two frames the runtime lets all run that can.
    for (let step = 0; step < 10_000; step++) await undefined;
  }
  expect(begun).toHaveLength(206);
  await vi.waitFor(() => expect(begun).toHaveLength(210));
  expect(begun).toEqual(sent);
});

test("R-01-10 a read beyond what may wait for the turns of others is refused, and an EVENT is not", async () => {
  const { begun, arrive } = bench();
  const [a, busy] = [connect(), connect()];
  for (let n = 0; n < 200; n++) arrive(busy, "other");
  for (let n = 0; n < 5; n++) expect(arrive(a, `other ${n}`.padEnd(KIB * KIB - 1))).toBe(true);
  for (const turn of ["read", "alone"]) expect(arrive(a, turn.padEnd(KIB * KIB))).toBe(false);
  expect(arrive(a, "other 5".padEnd(KIB * KIB))).toBe(true);
  await vi.waitFor(() => expect(begun.some((frame) => frame.startsWith("other 5"))).toBe(true));
});

test("R-01-09 what goes first goes before all that waits", async () => {
  const { line, begun, end, arrive } = bench();
  const a = connect();
  for (const frame of ["alone", "other 3", "other 4"]) arrive(a, frame);
  line.enterFirst(
    a,
    ["read 1", "other 2"].map((text) => ({ turn: text.split(" ")[0] as Turn, frame: { text } })),
  );
  end("alone");
  await vi.waitFor(() => expect(begun).toEqual(["alone", "read 1", "other 2", "other 3", "other 4"]));
});

test("R-01-09 what a client has sent before it left is begun, unless that is lost", async () => {
  const { line, begun, arrive } = bench();
  const [a, b, busy] = [connect(), connect(), connect()];
  for (let n = 0; n < 200; n++) arrive(busy, "other");
  const of = ({ id }: Connection) => begun.filter((frame) => frame.endsWith(id));
  for (const n of [1, 2, 3]) for (const connection of [a, b]) arrive(connection, `other ${n} ${connection.id}`);
  // One that asks for little.
  expect([of(a).length, of(b).length]).toEqual([1, 1]);
  line.drop(a, false);
  line.drop(b, true);
  await vi.waitFor(() => expect(of(a)).toHaveLength(3));
  await clock.pause(50);
  expect(of(b)).toHaveLength(1);
});

test("R-01-09 R-01-10 any mix of frames is begun in order, within the bounds", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const { begun, end, arrive, underWay } = bench();
  const a = connect();
  const waited: number[] = [];
  for (let n = 0; n < 3000; n++) {
    const frame = `${random.pick(["read", "read", "read", "alone", "other", "free"])} ${n}`;
    const count = begun.length;
    expect(arrive(a, frame)).toBe(true);
    if (begun.length === count) waited.push(n);
    for (const held of underWay()) if (random.chance(0.25)) end(held);
    if (random.chance(0.3)) await clock.pause();
    const held = underWay();
    expect(held.length).toBeLessThanOrEqual(8);
    if (held.filter((frame) => frame.startsWith("alone")).length > 1) expect.fail(`${held}`);
  }
  for (let turn = 0; turn < 3000 && begun.length < 3000; turn++) {
    for (const held of underWay()) end(held);
    await clock.pause();
  }
  expect(waited.length).toBeGreaterThan(100);
  expect(begun.map((frame) => Number(frame.split(" ")[1]))).toEqual(Array.from({ length: 3000 }, (_, n) => n));
});

test("R-01-10 live events that wait for a stored answer are bounded in characters too", () => {
  const subscription = new Subscription(connect(), "s", [], []);
  const live = (raw: string) => ({ verified: { raw } as VerifiedEvent, position: undefined });
  const large = live("x".repeat(100 * KIB));
  for (let n = 0; n < 81; n++) expect(subscription.sendLive(large)).toBe(true);
  expect(subscription.sendLive(large)).toBe(false);
  const small = new Subscription(connect(), "s", [], []);
  for (let n = 0; n < 10_000; n++) expect(small.sendLive(live("{}"))).toBe(true);
  expect(small.sendLive(live("{}"))).toBe(false);
});
