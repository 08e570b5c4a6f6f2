import { describe, expect, test } from "vitest";
import type { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import type { Event } from "../../src/protocol/event.ts";
import { FairQueue } from "../../src/relay/fair-queue.ts";
import { Subscription } from "../../src/relay/read/subscription.ts";
import { unsigned } from "../support/events.ts";
import { alice, bob, carol } from "../support/keys.ts";
import { Random } from "../support/random.ts";
import { Bench } from "./bench.ts";
import { ADDED, joining, LIST, leaving, memberBench, membersOf } from "./members.ts";

// A relay that has much to do.

const KIB = 1024;
const OPENING = "6100000200";

/** What one run may take, in units. */
const MOST = 5000;

describe("R-01-10 who is served next", () => {
  test("who asks for little is served in the next run, whatever waits of others", () => {
    const bench = new Bench({}, { stock: Array.from({ length: 2000 }, () => unsigned({})) });
    const busy = [alice, bob, carol].map((by) => bench.login(by));
    const light = bench.login(alice);
    for (const peer of busy) {
      peer.say(...Array.from({ length: 50 }, () => ["REQ", "s", { limit: 500 }]));
      peer.say(...Array.from({ length: 500 }, () => ["EVENT", bench.event(bob)]));
      peer.say(...Array.from({ length: 50 }, (_, n) => ["NEG-OPEN", `${n}`, {}, OPENING]));
    }
    // At first nobody has done more than another.
    for (let turn = 0; turn < 10; turn++) bench.running.relay.run();
    for (let n = 0; n < 30; n++) {
      light.say(["PING"]);
      bench.running.relay.run();
      expect(light.take()).toEqual([["PONG"]]);
      for (let turn = 0; turn < 3; turn++) bench.running.relay.run();
    }
  });

  test.each([
    ["REQ", "s", { limit: 500 }],
    ["REQ", "s", {}],
    ["REQ", "s", { search: "word", limit: 10 }],
    ["COUNT", "s", { "#t": ["x"] }],
    ["NEG-OPEN", "s", {}, OPENING],
  ])("fifty that come at once, each with %s %s %j, do not go before one REQ for an event", (...read) => {
    const stock = Array.from({ length: 2000 }, (_, n) => unsigned({ tags: [["t", "x"]], content: `word ${n}` }));
    const bench = new Bench({ ENABLE_SEARCH: "true" }, { stock });
    const light = bench.login(alice);
    const small = ["REQ", "small", { ids: ["0".repeat(64)], limit: 1 }];
    // It has had more than those who come now.
    for (let n = 0; n < 100; n++) light.ask(small);
    for (const peer of Array.from({ length: 50 }, () => bench.login(bob))) peer.say(read, read, read);
    light.say(small);
    const before = bench.sql.meter.spent;
    while (light.take().length === 0) bench.running.relay.run();
    const waited = bench.sql.meter.spent - before;
    expect(waited).toBeLessThan(2 * MOST);
  });

  test("reads that go on in step with each other do not go before one REQ for an event, all of them in turn", () => {
    const stock = Array.from({ length: 4000 }, () => unsigned({}));
    const bench = new Bench({ MAX_LIMIT: "5000" }, { stock });
    const light = bench.login(alice);
    const readers = Array.from({ length: 30 }, () => bench.login(bob));
    for (const reader of readers) reader.say(["REQ", "all", { limit: 4000 }]);
    const small = ["REQ", "small", { ids: ["0".repeat(64)], limit: 1 }];
    let [longest, asked] = [0, 0];
    for (; bench.running.relay.run(); asked++) {
      // In a round of the readers it asks for more than the head start of who comes after a silence.
      light.say(small, small, small);
      const before = bench.sql.meter.spent;
      for (let answers = 0; answers < 3; answers += light.take().length) bench.running.relay.run();
      longest = Math.max(longest, bench.sql.meter.spent - before);
    }
    console.log(`asked ${asked} times, waited ${longest.toFixed(0)} units at most`);
    expect(asked).toBeGreaterThan(30);
    expect(longest).toBeLessThan(2 * MOST);
  });

  test("R-04-03 a REQ that waits behind small ones finds one version, however many replace it meanwhile", () => {
    const version = (n: number) => bench.event(alice, { kind: 10002, created_at: bench.time.nowSeconds() - 500 + n });
    const bench = new Bench();
    const writers = Array.from({ length: 10 }, () => bench.login(alice));
    writers[0]?.ask(["EVENT", version(0)]);
    const reader = bench.login(bob);
    for (const [w, writer] of writers.entries()) {
      reader.say(["REQ", `${w}`, { kinds: [10002] }]);
      writer.say(...Array.from({ length: 30 }, (_, n) => ["EVENT", version(10 * n + w + 1)]));
    }
    bench.run();
    const frames = reader.take();
    for (const w of writers.keys()) {
      const own = frames.filter(([, id]) => id === `${w}`).map(([verb]) => verb);
      expect(own.slice(0, 2)).toEqual(["EVENT", "EOSE"]);
    }
  });

  test("those that are busy get the same", () => {
    const bench = new Bench({}, { stock: Array.from({ length: 500 }, () => unsigned({})) });
    const peers = Array.from({ length: 6 }, () => bench.login(alice));
    for (const peer of peers) peer.say(...Array.from({ length: 100 }, (_, n) => ["COUNT", `${n}`, { kinds: [n] }, {}]));
    for (let turn = 0; turn < 120; turn++) bench.running.relay.run();
    const shares = peers.map((peer) => peer.take().length);
    expect(Math.min(...shares)).toBeGreaterThan(10);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
  });

  test("any mix: the one for which the least has been done is next, and nobody saves up", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const queue = new FairQueue<{ virtualTime: number; isQueued: boolean; nextWork: number; done: number }>();
      const items = Array.from({ length: random.int(2, 30) }, () => ({
        virtualTime: 0,
        isQueued: false,
        nextWork: 0,
        done: 0,
      }));
      const late = { virtualTime: 0, isQueued: false, nextWork: 0, done: 0 };
      for (const item of items) queue.add(item);
      for (let step = 0; step < 3000; step++) {
        if (step === 2000) queue.add(late);
        const next = queue.next();
        if (next === undefined) throw new Error("nobody is left");
        const work = random.int(1, 500);
        next.virtualTime += work;
        next.done += work;
        queue.add(next);
      }
      const shares = items.map(({ done }) => done);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1000);
      // What it did not use before it came is lost, but for a head start.
      expect(late.done).toBeLessThanOrEqual((1000 * 500) / (items.length + 1) + 4000);
    }
  });
});

describe("R-01-10 what waits is bounded", () => {
  test("a socket is read until there is enough, and again when there is room; nothing is lost", () => {
    const bench = new Bench({}, { canPause: true });
    const a = bench.login(alice);
    const frames = Array.from({ length: 40 }, (_, n) => ["COUNT", `${n}`, { kinds: [9] }]);
    a.say(...frames);
    expect(a.socket.isPaused).toBe(true);
    bench.run();
    expect(a.socket.isPaused).toBe(false);
    expect(a.take().map(([, id]) => id)).toEqual(frames.map(([, id]) => id));
  });

  test("4 MiB of one connection wait, and 64 MiB of all; what is not let in is refused, and all room comes back", () => {
    const bench = new Bench();
    const large = (id: string) => ["COUNT", id, { "#t": ["x".repeat(500_000)] }];
    const refused = (frames: unknown[][]) => frames.filter(([, , text]) => String(text).startsWith("rate-limited:"));
    const peers = Array.from({ length: 18 }, () => bench.login(alice));
    for (const peer of peers) peer.say(...Array.from({ length: 10 }, (_, n) => large(`${n}`)));
    const counts = peers.map((peer) => refused(peer.take()).length);
    // Eight have room of each, until there is none for all.
    expect(counts.slice(0, 16)).toEqual(Array(16).fill(2));
    expect(counts[17]).toBeGreaterThan(2);
    bench.run();
    for (const peer of peers) peer.take();
    const [first] = peers as [(typeof peers)[0]];
    first.say(["PING"], large("again"));
    bench.run();
    expect(refused(first.take())).toEqual([]);
  });

  test("live events that wait for a stored answer are bounded in number and in characters", () => {
    const live = (raw: string) => ({ verified: { raw } as VerifiedEvent, position: undefined });
    const { connection } = new Bench().connect();
    const large = live("x".repeat(100 * KIB));
    const subscription = new Subscription(connection, "s", []);
    for (let n = 0; n < 81; n++) expect(subscription.keep(large)).toBe(true);
    expect(subscription.keep(large)).toBe(false);
    const small = new Subscription(connection, "s", []);
    for (let n = 0; n < 10_000; n++) expect(small.keep(live("{}"))).toBe(true);
    expect(small.keep(live("{}"))).toBe(false);
  });

  test("a run takes no more than a bounded step, with many events that erase, replace and are heard by many", () => {
    const bench = new Bench();
    const hearers = Array.from({ length: 50 }, () => bench.login(carol));
    for (const hearer of hearers) hearer.ask(["REQ", "all", {}]);
    const a = bench.login(alice);
    const events: Event[] = Array.from({ length: 100 }, (_, n) =>
      bench.event(alice, {
        kind: n % 3 === 0 ? 30023 : 1,
        tags: [
          ["d", `${n % 5}`],
          ["t", "x"],
          ["p", bob.pubkey],
        ],
      }),
    );
    const deletions = events
      .filter((_, n) => n % 10 === 0)
      .map(({ id }) => bench.event(alice, { kind: 5, tags: [["e", id]] }));
    a.say(...[...events, ...deletions].map((event) => ["EVENT", event]));
    let longest = 0;
    for (let isBusy = true; isBusy; ) {
      const before = bench.sql.meter.spent;
      isBusy = bench.running.relay.run();
      longest = Math.max(longest, bench.sql.meter.spent - before);
    }
    console.log(`longest run ${longest.toFixed(0)} units`);
    expect(longest).toBeLessThanOrEqual(2 * MOST);
    expect(a.take().filter(([verb]) => verb === "OK")).toHaveLength(110);
  });
});

test("R-01-09 what a client has sent before it left is published, unless the relay has closed it", () => {
  const bench = new Bench();
  const [a, b, c] = [bench.login(alice), bench.login(bob), bench.login(carol)];
  c.ask(["REQ", "live", {}]);
  const [left, closed] = [bench.event(alice), bench.event(bob)];
  a.say(["EVENT", left], ["REQ", "s", {}]);
  b.say(["EVENT", closed]);
  bench.running.relay.leave(a.connection);
  bench.running.relay.close(b.connection, 1008, "blocked: test");
  bench.run();
  expect(c.take()).toEqual([["EVENT", "live", left]]);
  expect(b.take()).toEqual([["NOTICE", "blocked: test"]]);
});

describe("members come and go", () => {
  test("R-05-58 R-05-65 a REQ of who leaves in the same run opens nothing", () => {
    const { bench, boss, admit } = memberBench({ READ_ACCESS: "members" });
    const [one, b] = [admit(alice), admit(bob)];
    const two = bench.login(alice);
    b.say(["EVENT", leaving(bench, bob)]);
    two.say(["EVENT", leaving(bench, alice)]);
    one.say(["REQ", "s", { limit: 0 }]);
    bench.run();
    expect(two.take().find(([verb]) => verb === "OK")?.[2]).toBe(true);
    boss.ask(["EVENT", bench.event(carol)]);
    const frames = one.take();
    const closed = frames.findIndex(([verb]) => verb === "CLOSED");
    expect(closed).toBeGreaterThanOrEqual(0);
    expect(frames.slice(closed + 1)).toEqual([]);
  });

  test("R-05-66 what is owed is published once, however many ask at the same time", () => {
    const { bench, boss, code } = memberBench();
    const [a, others] = [bench.login(alice), Array.from({ length: 5 }, () => bench.login(carol))];
    boss.ask(["REQ", "live", { kinds: [ADDED, LIST], limit: 0 }]);
    a.say(["EVENT", joining(bench, alice, code())]);
    for (const peer of others) peer.say(["REQ", "s", { limit: 0 }]);
    bench.run();
    bench.pass(1000);
    for (const peer of others) expect(peer.take().map(([verb]) => verb)).toContain("EOSE");
    expect(membersOf(a)).toEqual([alice.pubkey]);
    const live = boss.take().filter(([, id]) => id === "live");
    expect(live.map(([, , event]) => (event as Event).kind).sort((x, y) => x - y)).toEqual([ADDED, LIST]);
  });
});
