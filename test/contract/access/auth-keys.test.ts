import { describe, expect, test } from "vitest";
import type { Frame } from "../../support/client.ts";
import { alice, bob, carol, type Key, key, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** R-05-54: a refused AUTH may carry either prefix. */
const REFUSAL = /^(invalid|auth-required): ./;

const wrapFor = (to: Key) => unique(carol, { kind: 1059, tags: [["p", to.pubkey]] });
const idsOf = (events: { id: string }[]): string[] => events.map(({ id }) => id).sort();

describe("several keys on one connection", () => {
  test("T-021 R-05-56 a second key is added: what is for either key is visible", async () => {
    const { login } = freshRelay();
    const sender = await login(carol);
    const [forAlice, forBob] = [wrapFor(alice), wrapFor(bob)];
    await sender.publish(forAlice);
    await sender.publish(forBob);
    const client = await login(alice);
    expect(await client.query({ kinds: [1059] })).toEqual([forAlice]);
    expect((await client.req("live", { kinds: [1059], limit: 0 })).end[0]).toBe("EOSE");
    expect((await client.auth(bob))[2]).toBe(true);
    expect(idsOf(await client.query({ kinds: [1059] }))).toEqual(idsOf([forAlice, forBob]));
    // R-05-33: subscriptions that are open see more from now on.
    const later = wrapFor(bob);
    await sender.publish(later);
    expect(await client.next()).toEqual(["EVENT", "live", later]);
  });

  test("T-022 R-05-54 a failed AUTH as another key takes nothing away and adds nothing", async () => {
    const { login } = freshRelay();
    const sender = await login(carol);
    const [forAlice, forBob] = [wrapFor(alice), wrapFor(bob)];
    await sender.publish(forAlice);
    await sender.publish(forBob);
    const client = await login(alice);
    const event = client.authEvent(bob);
    const ok = await client.ask(["AUTH", { ...event, sig: "0".repeat(128) }]);
    expect(ok).toEqual(["OK", event.id, false, expect.stringMatching(REFUSAL)]);
    expect(await client.query({ kinds: [1059] })).toEqual([forAlice]);
  });

  test("R-05-56 16 keys may be authenticated, the 17th is restricted, and known ones still pass", async () => {
    const { login } = freshRelay();
    const keys = Array.from({ length: 16 }, (_, index) => key(index + 101));
    const client = await login(...keys);
    expect(await client.auth(key(117))).toEqual([
      "OK",
      expect.any(String),
      false,
      expect.stringMatching(/^restricted: ./),
    ]);
    expect((await client.auth(keys[15]))[2]).toBe(true);
    const wraps = [wrapFor(keys[0]), wrapFor(keys[15]), wrapFor(key(117))];
    for (const wrap of wraps) await client.publish(wrap);
    expect(
      idsOf(await client.query({ "#p": [keys[0].pubkey, keys[15].pubkey, key(117).pubkey], kinds: [1059] })),
    ).toEqual(idsOf(wraps.slice(0, 2)));
  });
});

test("R-05-54 whoever has logged in is not asked to log in again by the answer to an AUTH that fails", async () => {
  const { connect } = freshRelay();
  const client = await connect();
  const astray = () => client.auth(bob, "wss://relay.example.com");
  expect((await astray())[3]).toMatch(/^auth-required: relay tag must be /);
  expect((await client.auth(alice))[2]).toBe(true);
  expect((await astray())[3]).toMatch(/^invalid: relay tag must be /);
});

describe("an AUTH event is no event of the relay", () => {
  test("T-024 R-05-60 kind 22242 inside EVENT is refused, reaches nobody and authenticates nobody", async () => {
    const { login } = freshRelay();
    const [a, b] = [await login(alice), await login(bob)];
    await b.req("all", {});
    const event = a.authEvent(carol);
    expect(await a.publish(event)).toEqual(["OK", event.id, false, expect.stringMatching(/^invalid: ./)]);
    const wrap = wrapFor(carol);
    await b.publish(wrap);
    expect(await a.query({ kinds: [1059, 22242] })).toEqual([]);
    expect(await a.query({ ids: [event.id] })).toEqual([]);
    expect(await b.settled()).toEqual([]);
  });

  test("R-05-60 before authentication it authenticates nobody either", async () => {
    const client = await freshRelay().connect();
    const event = client.authEvent(alice);
    const refusal: Frame = ["OK", event.id, false, "auth-required: authentication required"];
    expect(await client.publish(event)).toEqual(refusal);
    expect(await client.publish(event)).toEqual(refusal);
  });

  test("R-05-59 nothing of an accepted AUTH is stored or sent on", async () => {
    const { login, connect } = freshRelay();
    const b = await login(bob);
    await b.req("all", {});
    const a = await connect();
    const event = a.authEvent(alice);
    expect(await a.ask(["AUTH", event])).toEqual(["OK", event.id, true, ""]);
    expect(await a.query({ ids: [event.id] })).toEqual([]);
    expect(await a.query({})).toEqual([]);
    expect(await b.settled()).toEqual([]);
  });

  test("R-05-61 what was refused before AUTH is not done after it, and may be repeated", async () => {
    const client = await freshRelay().connect();
    const event = unique(alice);
    await client.publish(event);
    await client.ask(["REQ", "early", {}]);
    await client.auth(alice);
    expect(await client.query({})).toEqual([]);
    expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
    expect(await client.settled()).toEqual([]);
  });

  test("R-01-11 elements after the event are ignored", async () => {
    const client = await freshRelay().connect();
    const event = client.authEvent(alice);
    expect(await client.ask(["AUTH", event, "x", {}])).toEqual(["OK", event.id, true, ""]);
  });
});

test("R-05-62 after 10 failed attempts the connection is rate-limited, others and what it has are not", async () => {
  const { connect, login } = freshRelay();
  const client = await login(alice);
  const attempt = () => client.auth(bob, "wss://relay.example.com");
  for (let count = 0; count < 10; count++) expect((await attempt())[3]).toMatch(REFUSAL);
  expect(await attempt()).toEqual(["OK", expect.any(String), false, expect.stringMatching(/^rate-limited: ./)]);
  expect((await client.req("s", {})).end[0]).toBe("EOSE");
  const other = await connect();
  expect((await other.auth(bob))[2]).toBe(true);
});

test("R-05-62 a minute later it may try again", async () => {
  const relay = freshRelay();
  const start = now();
  relay.setTime(start);
  const client = await relay.connect();
  for (let count = 0; count < 10; count++) await client.auth(bob, "wss://relay.example.com");
  relay.setTime(start + 59);
  expect((await client.auth(bob))[3]).toMatch(/^rate-limited: ./);
  relay.setTime(start + 60);
  expect((await client.auth(bob))[2]).toBe(true);
});

test.each(["wss://xn--bcher-kva.example", "wss://b\u00fccher.example/", "ws://B\u00dcCHER.example:80"])(
  "R-05-55 an international name counts in every form: %s",
  async (url) => {
    const client = await freshRelay({ RELAY_URL_ALIASES: "wss://b\u00fccher.example" }).connect();
    expect((await client.auth(alice, url))[2]).toBe(true);
  },
);
