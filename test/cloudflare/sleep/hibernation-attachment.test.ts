import { describe, expect, test } from "vitest";
import type { Frame } from "../../support/client.ts";
import { alice, bob, key, unique } from "../../support/keys.ts";
import { attachmentOf, expectEose, inspectedRelay, type Metadata, socketOf } from "../inspect.ts";

describe.concurrent("metadata of a connection", () => {
  test("T-034 R-06-11 has its five members, before and after AUTH", async () => {
    const { connect, metadataOf, evict } = inspectedRelay();
    const a = await connect();
    const before = await metadataOf(a);
    expect(before).toMatchObject({ pubkey: null, challenge: a.challenge, authenticated: false, pubkeys: [] });
    expect(before.conn_id).toMatch(/^[^:]+$/);
    await a.auth(alice, "wss://relay.example.com");
    expect(await metadataOf(a)).toMatchObject({ pubkey: null, authenticated: false, pubkeys: [] });
    await a.auth(alice);
    const known = { conn_id: before.conn_id, challenge: a.challenge, pubkey: alice.pubkey, authenticated: true };
    expect(await metadataOf(a)).toMatchObject({ ...known, pubkeys: [alice.pubkey] });
    await a.auth(bob);
    await a.auth(alice);
    expect(await metadataOf(a)).toMatchObject({ ...known, pubkeys: [alice.pubkey, bob.pubkey] });
    await evict();
    await a.settled();
    expect(await metadataOf(a)).toMatchObject({ ...known, pubkeys: [alice.pubkey, bob.pubkey] });
  });

  test("R-06-11 conn_id is unique", async () => {
    const { connect, metadataOf } = inspectedRelay();
    const clients = await Promise.all(Array.from({ length: 10 }, connect));
    const ids = await Promise.all(clients.map(async (client) => (await metadataOf(client)).conn_id));
    expect(new Set(ids).size).toBe(10);
  });

  test.each([
    ["ASCII", "x"],
    ["CJK", "\u6f22"],
    ["emoji", "\u{1F600}"],
  ])("R-06-11 stays below 2,048 bytes with 16 keys and subscriptions in %s", async (_name, letter) => {
    const { login, metadataOf } = inspectedRelay();
    const a = await login(...Array.from({ length: 16 }, (_, n) => key(n + 101)));
    for (let n = 0; n < 12; n++) {
      await expectEose(a, `${n % 10}${letter.repeat(63)}`, { "#t": [letter.repeat(20)] });
      const size = new TextEncoder().encode(JSON.stringify(await metadataOf(a))).length;
      expect(size).toBeLessThan(2048);
    }
  });
});

/** What a socket may carry that is not an attachment of this relay; `own` is the one that was there. */
const UNREADABLE: [string, (own: Metadata) => unknown][] = [
  ["null", () => null],
  ["a string", () => "authenticated"],
  ["an empty object", () => ({})],
  ["a list", (own) => [own]],
  ["one without challenge", ({ challenge: _, ...own }) => own],
  ["one whose challenge is a number", (own) => ({ ...own, challenge: 1 })],
  ["one whose challenge is empty", (own) => ({ ...own, challenge: "" })],
  ["one without conn_id", ({ conn_id: _, ...own }) => own],
  ["one whose conn_id has a colon", (own) => ({ ...own, conn_id: "a:b" })],
  ["one whose pubkeys are no list", (own) => ({ ...own, pubkeys: alice.pubkey })],
  ["one with a pubkey that is none", (own) => ({ ...own, pubkeys: [alice.pubkey, "x"] })],
];

test.concurrent.for(UNREADABLE)("R-06-13 %s is never taken for an authenticated connection's", async ([, forge]) => {
  const relay = inspectedRelay();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  await expectEose(a, "s", { kinds: [1] });
  await relay.expectRows(`${await relay.prefixOf(a)}s`);
  await relay.inside((state) => {
    const socket = socketOf(state, a);
    socket.serializeAttachment(forge(attachmentOf(socket)));
  });
  await relay.evict();
  await b.publish(unique(bob));
  let frame: Frame;
  try {
    frame = await a.next();
  } catch {
    // The other way to treat it.
    return expect(a.closed?.code).toBe(1011);
  }
  expect(frame).toEqual(["AUTH", expect.stringMatching(/^[\x21-\x7e]{22,}$/)]);
  expect(frame[1]).not.toBe(a.challenge);
  expect((await a.auth(alice))[2]).toBe(false);
  expect(await a.ask(["REQ", "s", {}])).toEqual(["CLOSED", "s", "auth-required: authentication required"]);
  a.challenge = String(frame[1]);
  expect((await a.auth(alice))[2]).toBe(true);
  await expectEose(a, "s", { kinds: [1], limit: 0 });
  const event = unique(bob);
  await b.publish(event);
  expect(await a.next()).toEqual(["EVENT", "s", event]);
});
