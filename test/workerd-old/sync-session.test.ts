import { expect, test } from "vitest";
import { RecordsBuilder } from "../../src/protocol/negentropy/builder.ts";
import type { Reason } from "../../src/protocol/reason.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import type { Clock, EventLog } from "../../src/relay/ports.ts";
import { Syncs } from "../../src/relay/read/sync.ts";

// Time and memory of syncs, with a clock and a log in the hands of the test.

const EMPTY = "6100000200";

/** A clock that stands until it is told; `timers` are the calls that are pending. */
function clockInHand() {
  const timers: { at: number; task: () => void | Promise<void> }[] = [];
  let nowMs = 1_700_000_000_000;
  const clock: Clock = {
    nowSeconds: () => Math.floor(nowMs / 1000),
    soon: (delayMs, task) => void timers.push({ at: nowMs + delayMs, task }),
    pause: () => Promise.resolve(),
    breathe: async () => {},
  };
  const advance = async (seconds: number): Promise<void> => {
    const end = nowMs + seconds * 1000;
    for (;;) {
      timers.sort((a, b) => a.at - b.at);
      const next = timers[0];
      if (next === undefined || next.at > end) break;
      timers.shift();
      nowMs = next.at;
      await next.task();
    }
    nowMs = end;
  };
  return { clock, timers, advance };
}

type RecordsOf = EventLog["records"];

const nothing: RecordsOf = async () => new RecordsBuilder().build();

/** Finds so many records, and keeps none. */
const finding =
  (count: number): RecordsOf =>
  async (_filter, _reader, admit) =>
    admit(count) ?? new RecordsBuilder().build();

function bench(records: RecordsOf = nothing) {
  const { clock, timers, advance } = clockInHand();
  const reports: string[] = [];
  // Of the log, a sync uses nothing else.
  const log = { records } as EventLog;
  const syncs = new Syncs({ config: parseConfig({}), log, clock, report: (message) => void reports.push(message) });
  const connect = () => {
    const sent: unknown[][] = [];
    const socket = {
      send: (text: string) => void sent.push(JSON.parse(text)),
      close() {},
      pingedMs: () => 0,
      attach() {},
    };
    return { connection: new Connection(socket, newAttachment(0), new Set(), undefined), sent };
  };
  const open = async (connection: Connection, id: string): Promise<void> => {
    await syncs.open(connection, id, [{}, EMPTY]);
    await settle();
  };
  return { syncs, open, connect, timers, advance, reports };
}

/** Lets everything run that waits for no clock. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

const closed = (id: string) => ["NEG-ERR", id, expect.stringMatching(/^closed: /)];

test("R-05-44 a sync ends when it was idle for 60 s, not before; each message starts the time anew", async () => {
  const { syncs, open, connect, timers, advance } = bench();
  const { connection, sent } = connect();
  await open(connection, "a");
  await open(connection, "b");
  await advance(50);
  await syncs.receive(connection, "b", [EMPTY]);
  await advance(10);
  expect(sent).toEqual(["a", "b", "b"].map((id) => ["NEG-MSG", id, EMPTY]));
  await advance(6);
  expect(sent.slice(3)).toEqual([closed("a")]);
  await advance(44);
  expect(sent.length).toBe(4);
  await advance(6);
  expect(sent.slice(4)).toEqual([closed("b")]);
  // No timer outlives the last one.
  await advance(5);
  expect(timers).toEqual([]);
});

test("R-05-44 one timer for all syncs, which ends within 5 s of the last, however it ended", async () => {
  const { syncs, open, connect, timers, advance } = bench();
  const [a, b] = [connect(), connect()];
  for (const { connection } of [a, b]) for (const id of ["1", "2"]) await open(connection, id);
  expect(timers.length).toBe(1);
  await advance(20);
  expect(timers.length).toBe(1);
  syncs.close(a.connection, "1");
  syncs.close(a.connection, "2");
  syncs.drop(b.connection);
  await advance(5);
  expect(timers).toEqual([]);
  await syncs.receive(b.connection, "1", ["61"]);
  expect(b.sent.at(-1)).toEqual(closed("1"));
  await open(b.connection, "1");
  expect(timers.length).toBe(1);
});

test("R-05-43 too many records: blocked:, with the number, and the session is gone", async () => {
  const { syncs, open, connect } = bench(finding(500_001));
  const { connection, sent } = connect();
  await open(connection, "n");
  expect(sent).toEqual([["NEG-ERR", "n", "blocked: this query is too big", 500_000]]);
  await syncs.receive(connection, "n", ["61"]);
  expect(sent[1]).toEqual(closed("n"));
});

test("R-01-18 1,000,000 records in all: beyond, rate-limited:; a sync that ends makes room", async () => {
  const { syncs, open, connect } = bench(finding(400_000));
  const [a, b, c] = [connect(), connect(), connect()];
  const full = ["NEG-ERR", "n", expect.stringMatching(/^rate-limited: /)];
  await open(a.connection, "n");
  await open(b.connection, "n");
  await open(c.connection, "n");
  expect(c.sent).toEqual([full]);
  syncs.drop(a.connection);
  await open(c.connection, "n");
  expect(c.sent[1]).toEqual(["NEG-MSG", "n", EMPTY]);
  await open(a.connection, "n");
  expect(a.sent[1]).toEqual(full);
});

test("R-06-14 R-06-15 a log that fails: error: with the id, a NOTICE, and nothing of the cause", async () => {
  const { open, connect, reports, timers, advance } = bench(() => Promise.reject(new Error("secret detail")));
  const { connection, sent } = connect();
  for (const id of ["1", "2", "3", "4", "5", "6"]) await open(connection, id);
  expect(sent.filter(([verb]) => verb === "NOTICE").length).toBe(6);
  expect(sent).toContainEqual(["NEG-ERR", "6", "error: internal error"]);
  expect(JSON.stringify(sent)).not.toContain("secret");
  expect(reports.length).toBe(6);
  await advance(5);
  expect(timers).toEqual([]);
});

test("R-01-10 four sets are collected at a time; who closes or leaves while waiting is not collected for", async () => {
  const waiting: (() => void)[] = [];
  const asked: (Reason | undefined)[] = [];
  const { syncs, connect } = bench(async (_filter, _reader, admit) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    asked.push(admit(1));
    return asked.at(-1) ?? new RecordsBuilder().build();
  });
  const clients = Array.from({ length: 7 }, connect);
  for (const { connection } of clients) void syncs.open(connection, "n", [{}, EMPTY]);
  await settle();
  const [first, second, , , fifth, sixth, seventh] = clients as ReturnType<typeof connect>[];
  expect(waiting.length).toBe(4);
  if (!first || !second || !fifth || !sixth || !seventh) throw new Error("seven clients");
  syncs.drop(first.connection);
  syncs.close(fifth.connection, "n");
  syncs.drop(sixth.connection);
  for (const resume of waiting.splice(0)) resume();
  await settle();
  // Of the three that waited, two are gone.
  expect(waiting.length).toBe(1);
  expect(asked).toEqual([expect.stringMatching(/^closed: /), undefined, undefined, undefined]);
  for (const resume of waiting.splice(0)) resume();
  await settle();
  expect([first.sent, fifth.sent, sixth.sent]).toEqual([[], [], []]);
  expect([second.sent, seventh.sent]).toEqual([[["NEG-MSG", "n", EMPTY]], [["NEG-MSG", "n", EMPTY]]]);
});
