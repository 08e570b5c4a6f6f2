import { describe, expect, test } from "vitest";
import { RecordsBuilder } from "../../src/protocol/negentropy/builder.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { Connection, newIdentity } from "../../src/relay/connection.ts";
import { MORTAL } from "../../src/relay/ports.ts";
import { Syncs } from "../../src/relay/read/sync.ts";
import type { EventLog } from "../../src/store/event-log.ts";
import { unsigned } from "../support/events.ts";
import { alice, bob, carol } from "../support/keys.ts";
import { Bench } from "./bench.ts";
import { ScaledMeter } from "./machine/scaled-meter.ts";
import { SimulatedSocket } from "./machine/simulated-socket.ts";
import { SimulatedTime } from "./machine/simulated-time.ts";

// Time and memory of syncs.

const EMPTY = "6100000200";
const open = (id: string) => ["NEG-OPEN", id, {}, EMPTY];
const closed = (id: string) => ["NEG-ERR", id, expect.stringMatching(/^closed: /)];

test("R-05-44 a sync ends when it was idle for 60 s, not before; each message starts the time anew", () => {
  const bench = new Bench();
  const a = bench.login(alice);
  a.ask(open("a"), open("b"));
  bench.pass(50_000);
  expect(a.ask(["NEG-MSG", "b", EMPTY])).toEqual([["NEG-MSG", "b", EMPTY]]);
  bench.pass(10_000);
  expect(a.take()).toEqual([]);
  bench.pass(6000);
  expect(a.take()).toEqual([closed("a")]);
  bench.pass(44_000);
  expect(a.take()).toEqual([]);
  bench.pass(6000);
  expect(a.take()).toEqual([closed("b")]);
  expect(a.ask(["NEG-MSG", "b", EMPTY])).toEqual([closed("b")]);
});

test("R-05-44 a sync whose answer waits for a socket with room is not idle for that", () => {
  const bench = new Bench({}, { stock: Array.from({ length: 50 }, () => unsigned({})), scale: 100 });
  const a = bench.login(alice);
  a.ask(open("a"), open("a"));
  a.socket.isCrowded = true;
  a.ask(["NEG-MSG", "a", EMPTY]);
  bench.pass(50_000);
  a.socket.isCrowded = false;
  bench.pass(1000);
  expect(a.take()).toEqual([["NEG-MSG", "a", expect.any(String)]]);
});

describe("a log that finds what it is told to", () => {
  /** Finds so many records, and keeps none. */
  function syncsOf(count: number) {
    const time = new SimulatedTime(1_700_000_000);
    const log = {
      // biome-ignore lint/correctness/useYield: it is done at once
      *records(_filter: unknown, _reader: unknown, refuse: (found: number) => unknown) {
        return refuse(count) ?? new RecordsBuilder().build();
      },
    } as unknown as EventLog;
    const host = {
      clock: time,
      survival: MORTAL,
      report() {},
      randomHex: (bytes: number) => "0".repeat(2 * bytes),
      wake() {},
      isSyncing: false,
      gatherMs: 0,
    };
    const syncs = new Syncs({ config: parseConfig({}), log, host, meter: new ScaledMeter(1) });
    const connect = () => {
      const sent: unknown[][] = [];
      const line = { sent: (_: unknown, text: string) => void sent.push(JSON.parse(text)), closed() {} };
      const identity = newIdentity(0, (bytes) => "1".repeat(2 * bytes));
      const connection = new Connection(new SimulatedSocket(line, false), identity, new Set(), undefined);
      const ask = (...frames: [verb: "open" | "receive", id: string, parts: unknown[]][]) => {
        for (const [verb, id, parts] of frames) for (const _ of syncs[verb](connection, id, parts) ?? []);
      };
      return { connection, sent, ask };
    };
    return { syncs, connect };
  }

  test("R-05-43 too many records: blocked:, with the number, and the session is gone", () => {
    const { connect } = syncsOf(500_001);
    const { sent, ask } = connect();
    ask(["open", "n", [{}, EMPTY]], ["receive", "n", ["61"]]);
    expect(sent).toEqual([["NEG-ERR", "n", "blocked: this query is too big", 500_000], closed("n")]);
  });

  test("R-01-18 1,000,000 records in all: beyond, rate-limited:; a sync that ends makes room", () => {
    const { syncs, connect } = syncsOf(400_000);
    const [a, b, c] = [connect(), connect(), connect()];
    const full = ["NEG-ERR", "n", expect.stringMatching(/^rate-limited: /)];
    for (const { ask } of [a, b, c]) ask(["open", "n", [{}, EMPTY]]);
    expect(c.sent).toEqual([full]);
    syncs.drop(a.connection);
    c.ask(["open", "n", [{}, EMPTY]]);
    expect(c.sent[1]).toEqual(["NEG-MSG", "n", EMPTY]);
    a.ask(["open", "n", [{}, EMPTY]]);
    expect(a.sent[1]).toEqual(full);
  });
});

test("R-06-14 R-06-15 a log that fails: error: with the id, a NOTICE, and nothing of the cause", () => {
  const bench = new Bench({}, { stock: [unsigned({})] });
  const a = bench.login(alice);
  const frames = bench.whileBroken(/FROM event/, () => a.ask(...["1", "2", "3", "4", "5", "6"].map(open)));
  expect(frames).toEqual(
    ["1", "2", "3", "4", "5", "6"].flatMap((id) => [
      ["NEG-ERR", id, "error: internal error"],
      ["NOTICE", "internal error"],
    ]),
  );
  expect(bench.reports).toHaveLength(6);
  expect(a.ask(open("1"))).toEqual([["NEG-MSG", "1", expect.any(String)]]);
});

test("R-01-10 who closes or leaves while its set is collected is not collected for", () => {
  const bench = new Bench({}, { stock: Array.from({ length: 300 }, () => unsigned({})), scale: 100 });
  const [a, b, c] = [bench.login(alice), bench.login(bob), bench.login(carol)];
  for (const peer of [a, b, c]) peer.say(open("n"));
  bench.running.relay.run();
  a.say(["NEG-CLOSE", "n"]);
  bench.running.relay.leave(b.connection);
  bench.run();
  expect([a.take(), b.take(), c.take().map(([verb]) => verb)]).toEqual([[], [], ["NEG-MSG"]]);
});
