import { describe, expect, test } from "vitest";
import { alice, bob, carol, key, unique } from "../../support/keys.ts";
import { expectEose, inspectedRelay } from "../inspect.ts";

// Evictions wait for timers: the tests wait side by side, each with an object of its own.

test.concurrent.for([
  ["before", false],
  ["after", true],
] as const)(
  "T-028 T-029 R-06-12 a session, evicted at every step %s its rows are written",
  { timeout: 90_000 },
  async ([, isWritten]) => {
    const relay = inspectedRelay();
    const a = await relay.connect();
    const b = await relay.login(bob);
    const prefix = await relay.prefixOf(a);
    const step = async (...open: string[]): Promise<void> => {
      if (!isWritten) return relay.evictUnwritten();
      await relay.expectRows(...open.map((id) => prefix + id));
      await relay.evict();
    };
    await step();
    expect((await a.auth(alice))[2]).toBe(true);
    await step();
    expect((await a.auth(carol))[2]).toBe(true);
    await step();
    await expectEose(a, "s:1", { kinds: [1] });
    await step("s:1");
    const first = unique(bob);
    expect((await b.publish(first))[2]).toBe(true);
    expect(await a.next()).toEqual(["EVENT", "s:1", first]);
    await step("s:1");
    await expectEose(a, "wraps", { kinds: [1059] });
    await step("s:1", "wraps");
    const wraps = [alice, carol, key(9)].map(({ pubkey }) => unique(bob, { kind: 1059, tags: [["p", pubkey]] }));
    for (const wrap of wraps) expect((await b.publish(wrap))[2]).toBe(true);
    expect(await a.next()).toEqual(["EVENT", "wraps", wraps[0]]);
    expect(await a.next()).toEqual(["EVENT", "wraps", wraps[1]]);
    await step("s:1", "wraps");
    await expectEose(a, "s:1", { kinds: [7] });
    await step("s:1", "wraps");
    const [note, reaction] = [unique(bob), unique(bob, { kind: 7 })];
    await b.publish(note);
    await b.publish(reaction);
    expect(await a.next()).toEqual(["EVENT", "s:1", reaction]);
    await step("s:1", "wraps");
    a.send(["CLOSE", "s:1"]);
    expect(await a.settled()).toEqual([]);
    await step("wraps");
    await b.publish(unique(bob, { kind: 7 }));
    expect(await a.settled()).toEqual([]);
    await step("wraps");
    expect((await a.query({ kinds: [1] })).map(({ id }) => id).sort()).toEqual([first.id, note.id].sort());
    await step("wraps");
    await expectEose(a, "s:1", { kinds: [7], limit: 0 });
    await step("s:1", "wraps");
    const last = unique(bob, { kind: 7 });
    await b.publish(last);
    expect(await a.next()).toEqual(["EVENT", "s:1", last]);
    expect(await b.settled()).toEqual([]);
  },
);

describe.concurrent("after an eviction", { timeout: 90_000 }, () => {
  test("T-028 R-06-12 the challenge of before, and no other, is accepted", async () => {
    const { connect, evict } = inspectedRelay();
    const [a, other] = [await connect(), await connect()];
    const { challenge } = a;
    await evict();
    a.challenge = other.challenge;
    expect((await a.auth(alice))[2]).toBe(false);
    await evict();
    expect((await a.ask(["REQ", "s", {}]))[2]).toBe("auth-required: authentication required");
    await evict();
    a.challenge = challenge;
    expect((await a.auth(alice))[2]).toBe(true);
    await expectEose(a, "s", {});
  });

  test("T-029 R-06-12 what a client sends first wakes the object: CLOSE, REQ, COUNT, EVENT", async () => {
    const { login, evictUnwritten } = inspectedRelay();
    const a = await login(alice);
    await expectEose(a, "closed", { kinds: [1] });
    await expectEose(a, "open", { kinds: [1] });
    await evictUnwritten();
    a.send(["CLOSE", "closed"]);
    await evictUnwritten();
    await expectEose(a, "new", { kinds: [1] });
    await evictUnwritten();
    expect(await a.ask(["COUNT", "c", {}])).toEqual(["COUNT", "c", { count: 0 }]);
    await evictUnwritten();
    const event = unique(alice);
    a.send(["EVENT", event]);
    const frames = [await a.next(), await a.next(), await a.next()];
    expect(frames).toContainEqual(["OK", event.id, true, ""]);
    expect(frames).toContainEqual(["EVENT", "open", event]);
    expect(frames).toContainEqual(["EVENT", "new", event]);
    expect(await a.settled()).toEqual([]);
  });

  test("R-06-12 R-05-62 failed attempts are still counted", async () => {
    const { connect, evict } = inspectedRelay();
    const a = await connect();
    const attempt = () => a.auth(alice, "wss://relay.example.com");
    for (let count = 0; count < 10; count++) {
      expect((await attempt())[3]).toMatch(/^(invalid|auth-required): ./);
      if (count % 3 === 1) await evict();
    }
    await evict();
    expect((await attempt())[3]).toMatch(/^rate-limited: ./);
  });

  test("R-06-12 R-05-56 the 17th key is still one too many", async () => {
    const { login, evict } = inspectedRelay();
    const a = await login(...Array.from({ length: 16 }, (_, n) => key(n + 101)));
    await evict();
    expect((await a.auth(key(117)))[3]).toMatch(/^restricted: ./);
    expect((await a.auth(key(116)))[2]).toBe(true);
  });

  test("R-06-11 R-06-12 a key that was added when the attachment was full of subscriptions is still authed", async () => {
    const afterOpening = async (count: number): Promise<void> => {
      const { login, evictUnwritten } = inspectedRelay();
      const [a, b] = [await login(alice), await login(bob)];
      for (let n = 0; n < count; n++) await expectEose(a, String(n).padStart(64, "x"), { kinds: [7] });
      expect((await a.auth(carol))[2]).toBe(true);
      await evictUnwritten();
      const wrap = unique(bob, { kind: 1059, tags: [["p", carol.pubkey]] });
      await b.publish(wrap);
      expect(await a.query({ kinds: [1059] })).toEqual([wrap]);
    };
    // Where exactly it is full is not the protocol's business.
    await Promise.all(Array.from({ length: 13 }, (_, n) => afterOpening(n + 12)));
  });

  test("R-06-12 R-03-26 the 201st subscription is still one too many", async () => {
    const { login, evict } = inspectedRelay();
    const a = await login(alice);
    for (let n = 0; n < 200; n++) await expectEose(a, `s${n}`, { kinds: [1] });
    await evict();
    const { end } = await a.req("one more", { kinds: [1] });
    expect(end).toEqual(["CLOSED", "one more", expect.stringMatching(/^rate-limited: ./)]);
    await evict();
    await expectEose(a, "s7", { kinds: [1] });
    a.send(["CLOSE", "s8"]);
    await expectEose(a, "one more", { kinds: [1] });
    await evict();
    a.send(["EVENT", unique(alice)]);
    const reached: unknown[] = [];
    while (reached.length < 200) {
      const [verb, id] = await a.next();
      if (verb === "EVENT") reached.push(id);
    }
    const open = Array.from({ length: 200 }, (_, n) => `s${n}`).filter((id) => id !== "s8");
    expect(reached.sort()).toEqual([...open, "one more"].sort());
  });
});
