import { describe, expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import { alice, bob, carol } from "../support/keys.ts";
import { Bench, type Peer } from "./bench.ts";
import { ADDED, joining, LIST, leaving, memberBench, membersOf } from "./members.ts";

// A write that fails in the middle of something leaves neither half of it, and keeps nobody from being served.

const READS = [{ kinds: [1] }, { authors: [alice.pubkey] }];
const idsOf = (events: readonly Event[]) => events.map(({ id }) => id).sort();
const ERROR = "error: internal error";

function publish(bench: Bench, peer: Peer): Event {
  const event = bench.event(alice);
  expect(peer.ask(["EVENT", event])[0]).toEqual(["OK", event.id, true, ""]);
  return event;
}

describe("a commit", () => {
  test("R-02-14 R-06-15 of which nothing can be read or written: each of its events is answered", () => {
    const bench = new Bench();
    const a = bench.login(alice);
    const [one, wrong, other] = [bench.event(alice), bench.event(alice), bench.event(alice)];
    wrong.sig = "0".repeat(128);
    const frames = bench.whileBroken(/./, () => a.ask(...[one, wrong, other].map((event) => ["EVENT", event])));
    const oks = new Map(frames.filter(([verb]) => verb === "OK").map(([, id, ...rest]) => [id, rest]));
    expect(oks.get(one.id)).toEqual([false, ERROR]);
    expect(oks.get(wrong.id)).toEqual([false, "invalid: signature does not verify"]);
    expect(oks.get(other.id)).toEqual([false, ERROR]);
    expect(frames.filter(([verb]) => verb === "NOTICE")).toHaveLength(2);
    expect(a.query({})).toEqual([]);
  });

  test("R-06-17 one event that cannot be stored does not take the others with it", () => {
    for (let after = 0; after < 30; after++) {
      const bench = new Bench();
      const [a, b] = [bench.login(alice), bench.login(bob)];
      b.ask(["REQ", "live", {}]);
      const events = Array.from({ length: 4 }, () => bench.event(alice));
      bench.sql.failsIn = after;
      bench.sql.failures = 2;
      const oks = a.ask(...events.map((event) => ["EVENT", event])).filter(([verb]) => verb === "OK");
      bench.sql.failsIn = undefined;
      const stored = oks.filter(([, , accepted]) => accepted === true).map(([, id]) => id as string);
      expect(oks).toHaveLength(4);
      expect(idsOf(a.query({}))).toEqual(stored.sort());
      const live = b.take().filter(([verb]) => verb === "EVENT");
      expect(idsOf(live.map(([, , event]) => event as Event))).toEqual(stored);
    }
  });
});

describe("a change of access", () => {
  test("R-06-17 R-05-72 a ban of an event that cannot be recorded is undone in memory too", () => {
    const bench = new Bench();
    const a = bench.login(alice);
    const ids = [publish(bench, a).id, publish(bench, a).id].sort();
    bench.whileBroken(/INSERT INTO audit/, () => expect(() => bench.call("banevent", ids[0])).toThrow());
    expect(bench.call("listbannedevents")).toEqual([]);
    for (const filter of [...READS, { ids }]) {
      expect(idsOf(a.query(filter))).toEqual(ids);
      expect(a.ask(["COUNT", "c", filter])).toEqual([["COUNT", "c", expect.objectContaining({ count: 2 })]]);
    }
  });

  test("R-05-72 a banned event that cannot be removed is hidden, and removed later", () => {
    const bench = new Bench({ BAN_ERASE_AFTER: "0" });
    const a = bench.login(alice);
    const { id } = publish(bench, a);
    bench.whileBroken(/DELETE FROM event/, () => {
      bench.call("banevent", id);
      bench.pass(1000);
    });
    expect(bench.sql.hasEvent(id)).toBe(true);
    expect(a.query({ ids: [id] })).toEqual([]);
    bench.restart();
    expect(bench.login(alice).query({ ids: [id] })).toEqual([]);
    bench.pass(70_000);
    expect(bench.sql.hasEvent(id)).toBe(false);
  });

  test("R-06-17 the lists are what they were before a change that failed, also where nothing can be read", () => {
    const bench = new Bench();
    const listed = () => [bench.call("listbannedpubkeys"), bench.call("listallowedpubkeys")];
    bench.call("allowpubkey", bob.pubkey);
    bench.call("banpubkey", carol.pubkey);
    const before = listed();
    bench.whileBroken(/INSERT INTO audit|SELECT list, subject/, () => {
      expect(() => bench.call("banpubkey", bob.pubkey)).toThrow();
    });
    expect(listed()).toEqual(before);
    bench.restart();
    expect(listed()).toEqual(before);
  });

  test("R-05-74 R-06-17 a ban of a member that cannot be recorded ends nothing", () => {
    const { bench, boss, admit } = memberBench({ READ_ACCESS: "members" });
    const a = admit(alice);
    a.ask(["REQ", "s", { kinds: [1] }]);
    bench.whileBroken(/INSERT INTO audit/, () => expect(() => bench.call("banpubkey", alice.pubkey)).toThrow());
    const event = bench.event(carol);
    bench.call("allowpubkey", carol.pubkey);
    boss.ask(["EVENT", event]);
    expect(a.take()).toEqual([["EVENT", "s", event]]);
  });
});

describe("a member", () => {
  test("R-05-64 a join whose code cannot be taken off is none", () => {
    const { bench, boss, code } = memberBench();
    const a = bench.login(alice);
    const claim = code();
    const refused = bench.whileBroken(/INSERT INTO access.*-- invite/s, () =>
      a.ask(["EVENT", joining(bench, alice, claim)]),
    );
    expect(refused[0]?.slice(2)).toEqual([false, ERROR]);
    expect(membersOf(boss)).toEqual([]);
    expect(a.ask(["EVENT", joining(bench, alice, claim)])[0]?.[3]).toMatch(/^info: welcome/);
    expect(membersOf(boss)).toEqual([alice.pubkey]);
  });

  test("R-05-65 a leave is done or not done: the list, and what may be read", () => {
    const { bench, boss, admit } = memberBench({ READ_ACCESS: "members" });
    const a = admit(alice);
    a.ask(["REQ", "s", { kinds: [1] }]);
    const refused = bench.whileBroken(/INSERT INTO access.*-- owed/s, () => a.ask(["EVENT", leaving(bench, alice)]));
    expect(refused[0]?.slice(2)).toEqual([false, ERROR]);
    const event = bench.event(carol);
    boss.ask(["EVENT", event]);
    expect(a.take()).toEqual([["EVENT", "s", event]]);
    const frames = a.ask(["EVENT", leaving(bench, alice)]);
    expect(frames.find(([verb]) => verb === "OK")?.slice(2)).toEqual([true, "info: you have left this relay"]);
    expect(frames).toContainEqual(["CLOSED", "s", expect.stringMatching(/^restricted: /)]);
    expect(membersOf(boss)).toEqual([]);
  });

  test("R-06-17 while something cannot be announced everybody is served; it is announced later", () => {
    const { bench, boss, code } = memberBench();
    const [a, b, late] = [bench.login(alice), bench.login(bob), bench.connect()];
    boss.ask(["REQ", "live", { kinds: [ADDED, LIST], limit: 0 }]);
    expect(a.ask(["EVENT", joining(bench, alice, code())])[0]?.[2]).toBe(true);
    boss.take();
    bench.whileBroken(/^\s*(INSERT|UPDATE|DELETE)/i, () => {
      expect(b.ask(["REQ", "r", { kinds: [1] }], ["PING"]).map(([verb]) => verb)).toEqual(["EOSE", "PONG"]);
      expect(late.ask(late.authOf(bob))[0]?.[2]).toBe(true);
      // By now it would have been done without a read.
      expect(() => bench.pass(500)).toThrow();
    });
    // Nobody asks for anything.
    bench.pass(40_000);
    const kinds = boss.take().map(([, , event]) => (event as Event).kind);
    expect(kinds.sort((x, y) => x - y)).toEqual([ADDED, LIST]);
  });

  test.each([1, 2, 3])("R-06-17 %i who read do not keep each other from it while nothing can be stored", (count) => {
    const { bench, boss, code } = memberBench();
    const a = bench.login(alice);
    const readers = [boss, bench.login(bob), bench.login(bob)].slice(0, count);
    a.ask(["EVENT", joining(bench, alice, code())]);
    bench.whileBroken(/INSERT INTO event/, () => {
      for (const reader of readers) reader.say(["REQ", "r", { kinds: [1] }]);
      bench.run();
    });
    for (const reader of readers) expect(reader.take().map(([verb]) => verb)).toContain("EOSE");
  });
});
