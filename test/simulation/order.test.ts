import { describe, expect, test } from "vitest";
import { unsigned } from "../support/events.ts";
import { alice, bob, carol } from "../support/keys.ts";
import { Bench, brief } from "./bench.ts";

// In what order the messages of one connection take effect, and what is refused does not get ahead of what came before.

const MIB = 1024 * 1024;
/** Asks for all ids. */
const OPENING = "6100000200";

const [FIRST, SECOND] = [{ kinds: [1], limit: 1 }, { kinds: [2] }];
/** So long that little more has room to wait. */
const LONG = ["COUNT", "long", { kinds: [9], "#t": ["x".repeat(4 * MIB - 2000)] }];

describe("a message that finds no room to wait", () => {
  test.each([
    ["REQ", ["REQ", "s", FIRST], ["REQ", "s", { ...SECOND, "#t": ["x".repeat(2000)] }], "CLOSED"],
    [
      "NEG-OPEN",
      ["NEG-OPEN", "s", FIRST, OPENING],
      ["NEG-OPEN", "s", { "#t": ["x".repeat(2000)] }, OPENING],
      "NEG-ERR",
    ],
    ["NEG-MSG", ["NEG-OPEN", "s", FIRST, OPENING], ["NEG-MSG", "s", OPENING.padEnd(2000, "0")], "NEG-ERR"],
  ])("R-01-09 R-03-25 R-05-43 a %s ends what waits of its id", (_verb, waiting, refused, verb) => {
    const bench = new Bench({ MAX_MESSAGE_LENGTH: "524288" });
    const a = bench.login(alice);
    const [answer, ...rest] = a.ask(["PING"], waiting, LONG, refused).filter(([, id]) => id === "s");
    expect(answer).toEqual([verb, "s", expect.stringMatching(/^rate-limited: /)]);
    expect(rest).toEqual([]);
  });

  test("R-01-09 CLOSE, which would have to wait, ends the connection instead of being lost", () => {
    const bench = new Bench();
    const a = bench.connect();
    // Before the login a CLOSE waits like anything else.
    const empty = JSON.stringify(["COUNT", "long", { "#t": [""] }]);
    a.say(["COUNT", "long", { "#t": ["x".repeat(4 * MIB - 4 - empty.length)] }], ["CLOSE", "s"]);
    expect(a.closed?.code).toBe(1008);
  });
});

describe("a refused message", () => {
  test("R-01-09 a refused REQ ends the older one after what was published before", () => {
    const bench = new Bench({ LIMIT_REQ: "connection:1/1" });
    const [a, b] = [bench.login(alice), bench.login(bob)];
    const event = bench.event(alice);
    a.ask(["REQ", "s", { kinds: [1] }]);
    b.say(["EVENT", bench.event(bob)]);
    a.say(["EVENT", event], ["REQ", "s", { kinds: [1] }]);
    bench.run();
    expect(brief(a.take())).toEqual([
      ["EVENT", "s", expect.any(String)],
      ["OK", event.id, true, ""],
      ["EVENT", "s", event.id],
      ["CLOSED", "s", "rate-limited"],
    ]);
  });

  test.each([
    ["refused by a limit", { LIMIT_EVENT: "connection:1/1" }, (event: object) => event],
    ["malformed", {}, (event: object) => ({ ...event, tags: 1 })],
  ])("R-01-09 of two OKs about one id the first is about the first EVENT: %s", (_name, variables, second) => {
    const bench = new Bench(variables);
    const a = bench.login(alice);
    const event = bench.event(alice);
    const frames = a.ask(["EVENT", event], ["EVENT", second(event)]);
    expect(frames.map(([verb, , accepted]) => [verb, accepted])).toEqual([
      ["OK", true],
      ["OK", false],
    ]);
  });

  test("R-01-09 R-05-43 a NEG-OPEN is answered before a malformed NEG-MSG", () => {
    const stock = Array.from({ length: 200 }, () => unsigned({}));
    const a = new Bench({}, { stock, scale: 100 }).login(alice);
    const frames = a.ask(["NEG-OPEN", "n", { kinds: [1] }, OPENING], ["NEG-MSG", "n", "zz"]);
    expect(frames.map(([verb]) => verb)).toEqual(["NEG-MSG", "NEG-ERR"]);
    expect(a.ask(["NEG-MSG", "n", OPENING])[0]?.[2]).toMatch(/^closed: /);
  });
});

describe("what comes while an answer is under way", () => {
  test("R-03-20 a stored event comes once, whenever it comes", () => {
    for (let turns = 0; turns < 40; turns++) {
      const stock = Array.from({ length: 20 }, () => unsigned({}));
      const bench = new Bench({}, { stock, scale: 100 });
      const [a, b] = [bench.login(alice), bench.login(bob)];
      const event = bench.event(bob);
      a.say(["REQ", "s", {}]);
      for (let turn = 0; turn < turns; turn++) bench.running.relay.run();
      b.say(["EVENT", event]);
      bench.run();
      const frames = a.take();
      expect(frames).toHaveLength(22);
      expect(frames.filter(([, , sent]) => (sent as { id?: string })?.id === event.id)).toHaveLength(1);
      expect(frames.findIndex(([verb]) => verb === "EOSE")).toBeGreaterThanOrEqual(20);
    }
  });

  test("R-05-42 a key that is added after a NEG-OPEN does not count", () => {
    const wrap = unsigned({ kind: 1059, pubkey: "2".repeat(64), tags: [["p", bob.pubkey]] });
    const bench = new Bench(
      {},
      { stock: [wrap, ...Array.from({ length: 50 }, () => unsigned({ kind: 7 }))], scale: 100 },
    );
    const a = bench.login(alice);
    const frames = a.ask(["NEG-OPEN", "n", { kinds: [7, 1059] }, OPENING], a.authOf(bob));
    expect(frames.map(([verb]) => verb)).toEqual(["NEG-MSG", "OK"]);
    expect(String(frames[0]?.[2])).not.toContain(wrap.id);
  });

  test("R-05-42 R-04-03 of an address that is replaced meanwhile one version is in the set", () => {
    const kind = 30_000;
    for (let turns = 1; turns < 30; turns++) {
      const older = unsigned({ kind, pubkey: alice.pubkey, created_at: 1_500_000_000, tags: [["d", "v"]] });
      const others = Array.from({ length: 100 }, (_, n) => unsigned({ kind, tags: [["d", `${n}`]] }));
      const bench = new Bench({}, { stock: [...others, older], scale: 100 });
      const [a, b] = [bench.login(carol), bench.login(alice)];
      const newer = bench.event(alice, { kind, created_at: 1_500_000_001, tags: [["d", "v"]] });
      a.say(["NEG-OPEN", "n", { kinds: [kind] }, OPENING]);
      for (let turn = 0; turn < turns; turn++) bench.running.relay.run();
      b.say(["EVENT", newer]);
      bench.run();
      const ids = String(a.take().find(([verb]) => verb === "NEG-MSG")?.[2]);
      expect(ids.includes(older.id) !== ids.includes(newer.id)).toBe(true);
    }
  });

  test("R-01-09 R-05-34 a COUNT of many turns is answered before what its connection sends after it, and without that", () => {
    const bench = new Bench({}, { stock: Array.from({ length: 300 }, () => unsigned({})), scale: 100 });
    const a = bench.login(alice);
    const count = ["COUNT", "c", { kinds: [1] }, { kinds: [0] }];
    const event = bench.event(alice);
    expect(a.ask(count, ["EVENT", event], ["PING"], count, ["PING"])).toEqual([
      ["COUNT", "c", { count: 300 }],
      ["OK", event.id, true, ""],
      ["PONG"],
      ["COUNT", "c", { count: 301 }],
      ["PONG"],
    ]);
  });
});

test("R-01-09 R-01-16 on a busy relay, too, what was held is served before what comes after AUTH", () => {
  const bench = new Bench({ AUTH_GRACE_MS: "10000" });
  const [busy, client] = [bench.login(bob), bench.connect()];
  client.say(["REQ", "s", { limit: 0 }]);
  bench.run();
  busy.say(...Array.from({ length: 200 }, () => ["EVENT", bench.event(bob)]));
  client.say(client.authOf(alice));
  client.say(["CLOSE", "s"], ["COUNT", "last", { kinds: [9] }]);
  bench.run();
  const verbs = client.take().map(([verb]) => verb);
  expect(verbs).toEqual(["OK", "EOSE", "COUNT"]);
  busy.ask(["EVENT", bench.event(bob)]);
  expect(client.take()).toEqual([]);
});
