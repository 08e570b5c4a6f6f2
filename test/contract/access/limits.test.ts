import { afterEach, expect, test, vi } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, carol, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const LIMITED = /^rate-limited: .*, retry=[1-9]\d*$/;
const limited = expect.stringMatching(LIMITED);
/** So slow that nothing comes back while a test runs. */
const SLOW = "0.001";

afterEach(() => void vi.restoreAllMocks());

test("R-01-23 each class is refused on its own answer, with whole seconds to wait", async () => {
  const relay = freshRelay({
    LIMIT_EVENT: `key:${SLOW}/1`,
    LIMIT_REQ: `key:${SLOW}/1`,
    LIMIT_COUNT: `key:${SLOW}/1`,
    LIMIT_SYNC: `key:${SLOW}/1`,
  });
  const a = await relay.login(alice);
  const [first, second] = [unique(alice), unique(alice)];
  expect((await a.publish(first))[2]).toBe(true);
  expect(await a.publish(second)).toEqual(["OK", second.id, false, limited]);
  expect((await a.req("r", {})).end[0]).toBe("EOSE");
  expect((await a.req("other", {})).end).toEqual(["CLOSED", "other", limited]);
  expect((await a.ask(["COUNT", "c", {}]))[0]).toBe("COUNT");
  expect(await a.ask(["COUNT", "c", {}])).toEqual(["CLOSED", "c", limited]);
  expect((await a.ask(["NEG-OPEN", "n", {}, "6100000200"]))[0]).toBe("NEG-MSG");
  expect(await a.ask(["NEG-OPEN", "m", {}, "6100000200"])).toEqual(["NEG-ERR", "m", limited]);
  expect(await a.ask(["NEG-MSG", "n", "6100000200"])).toEqual(["NEG-ERR", "n", limited]);
});

test("R-01-23 AUTH attempts of a connection", async () => {
  const client = await freshRelay({ LIMIT_AUTH: `connection:${SLOW}/2` }).login(alice, bob);
  expect(await client.auth(carol)).toEqual(["OK", expect.any(String), false, limited]);
  expect((await client.req("s", {})).end[0]).toBe("EOSE");
});

test("R-03-25 a REQ that is refused for its rate ends the older subscription of its id, and no other", async () => {
  const relay = freshRelay({ LIMIT_REQ: `key:${SLOW}/2` });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await a.req("x", { kinds: [1] });
  await a.req("y", { kinds: [1] });
  expect((await a.req("x", {})).end).toEqual(["CLOSED", "x", limited]);
  const event = unique(bob);
  await b.publish(event);
  expect(await a.next()).toEqual(["EVENT", "y", event]);
  expect(await a.ask(["COUNT", "c", { ids: [event.id] }])).toEqual(["COUNT", "c", { count: 1 }]);
});

test("R-01-23 a key has one rate on all its connections; another key has its own", async () => {
  const relay = freshRelay({ LIMIT_EVENT: `key:${SLOW}/2` });
  const [first, second] = [await relay.login(alice), await relay.login(alice)];
  expect((await first.publish(unique(alice)))[2]).toBe(true);
  expect((await second.publish(unique(alice)))[2]).toBe(true);
  expect((await first.publish(unique(alice)))[3]).toMatch(LIMITED);
  expect((await second.publish(unique(alice)))[3]).toMatch(LIMITED);
  // A second key on the connection wins nothing.
  await second.auth(bob);
  expect((await second.publish(unique(bob)))[3]).toMatch(LIMITED);
  expect((await (await relay.login(bob)).publish(unique(bob)))[2]).toBe(true);
});

test("R-01-23 kinds with a rate of their own do not use up the others'", async () => {
  const relay = freshRelay({ LIMIT_EVENT: `key:${SLOW}/1,5000-5999:key:${SLOW}/2` });
  const a = await relay.login(alice);
  const kinds = [5000, 5999, 5500, 1, 4999, 1];
  const accepted: unknown[] = [];
  for (const kind of kinds) accepted.push((await a.publish(unique(alice, { kind })))[2]);
  expect(accepted).toEqual([true, true, false, true, false, false]);
});

test("R-01-23 invalid traffic counts, and `ping` does not", async () => {
  const relay = freshRelay({ LIMIT_REQ: `connection:${SLOW}/4`, LIMIT_EVENT: `connection:${SLOW}/1` });
  const a = await relay.login(alice);
  const forged = { ...unique(alice), sig: "0".repeat(128) };
  expect((await a.publish(forged))[3]).toMatch(/^invalid: /);
  expect((await a.publish(unique(alice)))[3]).toMatch(LIMITED);
  for (let i = 0; i < 20; i++) a.send("ping");
  for (let i = 0; i < 20; i++) expect(await a.nextText()).toBe("pong");
  for (let i = 0; i < 20; i++) expect(await a.ask(["PING"])).toEqual(["PONG"]);
  expect((await a.ask("{"))[1]).toMatch(/^invalid: /);
  expect((await a.ask(new Uint8Array(5)))[1]).toMatch(/^invalid: /);
  expect((await a.ask(["FOO"]))[1]).toMatch(/^unsupported: /);
  expect((await a.ask(["REQ", "bad", 1]))[0]).toBe("CLOSED");
  expect((await a.req("s", {})).end).toEqual(["CLOSED", "s", limited]);
  expect(await a.ask("{")).toEqual(["NOTICE", limited]);
  expect(await a.ask(new Uint8Array(5))).toEqual(["NOTICE", limited]);
});

test("R-01-23 before AUTH too", async () => {
  const client = await freshRelay({ LIMIT_REQ: `connection:${SLOW}/1` }).connect();
  expect(await client.ask(["REQ", "s", {}])).toEqual(["CLOSED", "s", "auth-required: authentication required"]);
  expect(await client.ask(["REQ", "s", {}])).toEqual(["CLOSED", "s", limited]);
  expect((await client.auth(alice))[2]).toBe(true);
});

test("R-05-22 a request to vanish is served whatever the rate of events; CLOSE is never refused", async () => {
  const relay = freshRelay({ LIMIT_EVENT: `key:${SLOW}/1`, LIMIT_BYTES: `connection:${SLOW}/5000` });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await a.req("s", { kinds: [1] });
  expect((await a.publish(unique(alice)))[2]).toBe(true);
  await a.next();
  expect((await a.publish(unique(alice)))[3]).toMatch(LIMITED);
  const vanishing = (size: number) =>
    unique(alice, { kind: 62, created_at: now(), tags: [["relay", "ALL_RELAYS"]], content: "y".repeat(size) });
  // Its bytes count as those of any frame: that rate is no class.
  expect((await a.publish(vanishing(4500)))[3]).toMatch(LIMITED);
  expect((await a.publish(vanishing(1000)))[2]).toBe(true);
  a.send(["CLOSE", "s"]);
  await b.publish(unique(bob));
  expect(await a.ask(["PING"])).toEqual(["PONG"]);
});

test("R-01-23 characters of all frames", async () => {
  const a = await freshRelay({ LIMIT_BYTES: `connection:${SLOW}/3000` }).login(alice);
  expect((await a.ask(["COUNT", "c", {}]))[0]).toBe("COUNT");
  const large = unique(alice, { content: "x".repeat(2500) });
  expect(await a.publish(large)).toEqual(["OK", large.id, false, limited]);
});

/** Everything that comes until the relay closes. */
async function untilClosed(client: Client): Promise<unknown[]> {
  const frames: unknown[] = [];
  for (;;) {
    try {
      frames.push(await client.next());
    } catch {
      return frames;
    }
  }
}

test("R-01-07 whoever goes on is cut off with a NOTICE and 1008, and kept out for a minute; others are not", async () => {
  const relay = freshRelay({ ABUSE_CUTOFF: "20", LIMIT_EVENT: `connection:${SLOW}/1,key:${SLOW}/1` });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const events = Array.from({ length: 40 }, () => unique(alice));
  for (const event of events) a.send(["EVENT", event]);
  const frames = await untilClosed(a);
  expect(a.closed?.code).toBe(1008);
  // The OK of the one that was accepted may come after it.
  expect(frames.slice(-2)).toContainEqual(["NOTICE", "rate-limited: too many refused messages"]);
  expect(frames.length).toBeGreaterThanOrEqual(21);
  expect(frames.length).toBeLessThan(35);
  const again = await relay.connect();
  const [answer, notice] = [await again.auth(alice), await again.next()];
  expect(answer.slice(2)).toEqual([
    false,
    expect.stringMatching(/^rate-limited: too many refused messages, retry=\d+$/),
  ]);
  expect(notice).toEqual(["NOTICE", "rate-limited: too many refused messages"]);
  await untilClosed(again);
  expect(again.closed?.code).toBe(1008);
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + 61_000);
  expect((await (await relay.login(alice)).req("s", {})).end[0]).toBe("EOSE");
  expect((await b.publish(unique(bob)))[2]).toBe(true);
});

test("R-01-07 without a cut-off nobody is closed, however much is refused", async () => {
  const a = await freshRelay({ LIMIT_EVENT: `connection:${SLOW}/1` }).login(alice);
  const event = unique(alice);
  for (let i = 0; i < 3000; i++) a.send(["EVENT", event]);
  expect((await a.req("s", {})).end[0]).toBe("EOSE");
});
