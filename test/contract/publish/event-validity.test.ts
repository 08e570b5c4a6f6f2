import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { expectServed, login } from "../../support/exchange.ts";
import { alice, bob, carol, type Key, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

function sign(id: string, by: Key): string {
  return bytesToHex(schnorr.sign(hexToBytes(id), by.secret));
}

/** An event of any shape, rightly hashed as what it is and rightly signed, so that only its shape is wrong. */
function forged(members: Record<string, unknown>, by = alice): { id: string; [member: string]: unknown } {
  const event = { pubkey: by.pubkey, created_at: now(), kind: 1, tags: [], content: "", ...members };
  const id = hash(JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]));
  return { id, sig: sign(id, by), ...event };
}

/** Sends an event; proves that the one answer is a refusal, that nothing is stored and that the connection works. */
async function expectRefused(client: Client, event: { id: string; sig?: unknown }): Promise<void> {
  client.send(["EVENT", event]);
  expect(await client.settled()).toEqual([["OK", event.id, false, expect.stringMatching(/^invalid: ./)]]);
  expect(await client.query({})).toEqual([]);
  await expectServed(client);
}

async function expectAccepted(client: Client, event: Event): Promise<void> {
  client.send(["EVENT", event]);
  expect(await client.settled()).toEqual([["OK", event.id, true, ""]]);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  await expectServed(client);
}

const V1: Event = {
  id: "8a61ea797daf102ca8943db08972bf89921e866af1b0d5a913002cdd6ae5259d",
  pubkey: alice.pubkey,
  created_at: 1700000000,
  kind: 1,
  tags: [["t", "x"]],
  content: 'line\nquote"back\\slash\rcr\ttab\bbs\fff /slash <>& é 日本 😀',
  sig: "8a0fc7d5fdd56d977edc5b0164cba5c87d858336f16329eaffd9e37b02210e70bb641d523ef3765e3daa2dd24912734074f53c83e845e8b943e880e76295f280",
};

describe("ids (2.2)", () => {
  test("T-056 V-1 is accepted and returned with identical members", async () => {
    const client = await login();
    await expectAccepted(client, V1);
    client.send(["REQ", "s", { ids: [V1.id] }]);
    const members = Object.keys((JSON.parse(await client.nextText()) as [string, string, Event])[2]);
    expect(members.sort()).toEqual(Object.keys(V1).sort());
  });

  test("R-02-07 any spelling of the same values is the same event", async () => {
    const client = await login();
    const text = JSON.stringify(["EVENT", V1])
      .replaceAll("/", "\\/")
      .replaceAll("<", "\\u003c")
      .replaceAll("é", "\\u00E9")
      .replace(",", " ,\r\n\t");
    client.send(text);
    expect(await client.settled()).toEqual([["OK", V1.id, true, ""]]);
    expect(await client.query({})).toEqual([V1]);
  });

  const V2_CONTENT = "\u0000\u0001\u000b\u001f\u007f\u2028\ufdd1";
  const V2 = (escaped: string) => hash(`[0,"${alice.pubkey}",1700000000,1,[],"${escaped}"]`);
  const v2 = (id: string): Event => {
    const rest = { pubkey: alice.pubkey, created_at: 1700000000, kind: 1, tags: [], content: V2_CONTENT };
    return { id, ...rest, sig: sign(id, alice) };
  };

  test("R-02-08 V-2a, C0 hashed as escapes, is accepted", async () => {
    const id = V2("\\u0000\\u0001\\u000b\\u001f\u007f\u2028\ufdd1");
    expect(id).toBe("8ba3ba137db7d2f01ea128f7f7a271f55b09fc0b2a8f6658a0ee79bf170d37d5");
    await expectAccepted(await login(), v2(id));
  });

  test.each([
    ["b, all raw", V2_CONTENT, "6b28b96057bcafa6aae1f592ee1b3d86a85bc11d6cc2ecaad02bbd16345f4ec5"],
    [
      "c, DEL escaped",
      "\\u0000\\u0001\\u000b\\u001f\\u007f\u2028\ufdd1",
      "70b85362fc9af99aeda0ff0c9a2fab38509cc2709e469c7ad5085997ee6ce925",
    ],
  ])("R-02-08 V-2%s, is refused", async (_name, hashed, id) => {
    expect(V2(hashed)).toBe(id);
    await expectRefused(await login(), v2(id));
  });

  test.each([
    ["\\/", "/"],
    ["\\u003c", "<"],
    ["\\u000A", "\n"],
    ["\\u000a", "\n"],
    ["\\u0008", "\b"],
    ["\\u001F", "\u001f"],
    ["\\u00e9", "é"],
    ["\\ud83d\\ude00", "😀"],
    ["\\u2028", "\u2028"],
  ])("R-02-07 an id over the escape %s is refused", async (spelling, content) => {
    const event = signed(alice, { content, created_at: 1700000000 });
    const id = V2(spelling);
    await expectRefused(await login(), { ...event, id, sig: sign(id, alice) });
  });

  test.each([
    ["spaces", (e: Event) => `[0, "${e.pubkey}", ${e.created_at}, 1, [], ""]`],
    ["no zero", (e: Event) => `["${e.pubkey}",${e.created_at},1,[],""]`],
    ["a number as string", (e: Event) => `[0,"${e.pubkey}","${e.created_at}",1,[],""]`],
  ])("R-02-06 an id over text with %s is refused", async (_name, text) => {
    const event = signed(alice);
    const id = hash(text(event));
    await expectRefused(await login(), { ...event, id, sig: sign(id, alice) });
  });
});

describe("id and signature must be true (R-02-09)", () => {
  const event = unique(alice);
  const other = unique(alice);
  const flipped = (hex: string) => (hex.startsWith("0") ? "1" : "0") + hex.slice(1);

  test.each<[string, Event]>([
    ["T-058 other content under the same id", { ...event, content: "altered" }],
    ["T-058 another tag", { ...event, tags: [["t", "x"]] }],
    ["T-058 another time", { ...event, created_at: event.created_at - 1 }],
    ["T-058 another kind", { ...event, kind: 2 }],
    ["T-058 another author", { ...event, pubkey: bob.pubkey }],
    ["T-058 id of another event", { ...event, id: other.id }],
    ["T-058 id and signature of another event", { ...event, id: other.id, sig: other.sig }],
    ["T-058 signature of another event", { ...event, sig: other.sig }],
    ["T-058 a flipped id", { ...event, id: flipped(event.id) }],
    ["T-058 a flipped signature", { ...event, sig: flipped(event.sig) }],
    ["T-058 signature by another key", { ...event, sig: sign(event.id, bob) }],
    ["T-058 signature of zeros", { ...event, sig: "0".repeat(128) }],
    [
      "T-058 signature with s = n",
      { ...event, sig: `${event.sig.slice(0, 64)}fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141` },
    ],
    [
      "T-058 signature with r = p",
      { ...event, sig: `fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f${event.sig.slice(64)}` },
    ],
  ])("%s is refused, and the true event accepted after it", async (_name, forgery) => {
    const client = await login();
    await client.req("live", {});
    client.send(["EVENT", forgery]);
    expect(await client.settled()).toEqual([["OK", forgery.id, false, expect.stringMatching(/^invalid: ./)]]);
    client.send(["CLOSE", "live"]);
    expect(await client.query({})).toEqual([]);
    await expectAccepted(client, event);
  });

  test.each([
    ["5", "5".padStart(64, "0")],
    ["0", "0".repeat(64)],
    ["p", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"],
    ["p + 1", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30"],
    ["all ones", "f".repeat(64)],
  ])("T-070 a pubkey with x = %s is no key: refused, no exception", async (_name, pubkey) => {
    await expectRefused(await login(), forged({ pubkey }));
  });

  test("T-071 an event is its author's, whoever brings it", async () => {
    await expectAccepted(await login(), unique(carol));
  });
});

describe("duplicates (R-02-13)", () => {
  test("T-067 the same event again is a duplicate and not sent on again", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", {});
    const event = unique(alice);
    expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
    const again = ["OK", event.id, true, expect.stringMatching(/^duplicate: ./)];
    expect(await a.publish(event)).toEqual(again);
    expect(await b.publish(event)).toEqual(again);
    expect(await b.settled()).toEqual([["EVENT", "s", event]]);
    await expectServed(a);
  });

  test("T-068 a copy with another valid signature is a duplicate; the stored one stays", async () => {
    const client = await login();
    const event = unique(alice);
    const copy = { ...event, sig: sign(event.id, alice) };
    expect(copy.sig).not.toBe(event.sig);
    await client.publish(event);
    expect(await client.publish(copy)).toEqual(["OK", event.id, true, expect.stringMatching(/^duplicate: ./)]);
    expect(await client.query({})).toEqual([event]);
    await expectServed(client);
  });

  test("R-02-12 a forgery under a stored id changes nothing, and its shape is still judged", async () => {
    const client = await login();
    const event = unique(alice);
    await client.publish(event);
    for (const forgery of [
      { ...event, content: "x" },
      { ...event, sig: "0".repeat(128) },
      { ...event, tags: [["t", "x"]] },
    ]) {
      const [, , accepted, text] = await client.publish(forgery);
      expect(text).toMatch(accepted === true ? /^duplicate: ./ : /^invalid: ./);
    }
    const { content: _content, ...misshapen } = event;
    expect(await client.publish(misshapen)).toEqual(["OK", event.id, false, expect.stringMatching(/^invalid: ./)]);
    expect(await client.query({})).toEqual([event]);
    expect(await client.query({ "#t": ["x"] })).toEqual([]);
  });

  test("R-01-14 R-02-13 pipelined copies and forgeries get one OK each; one copy is stored and sent on", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", {});
    const event = unique(alice);
    const forgery = { ...event, content: "forged" };
    for (const sent of [forgery, event, forgery, event]) a.send(["EVENT", sent]);
    b.send(["EVENT", event]);
    const oks = await a.settled();
    const duplicate = expect.stringMatching(/^duplicate: ./);
    expect(oks.length).toBe(4);
    expect(oks.every(([verb, id]) => verb === "OK" && id === event.id)).toBe(true);
    const own = (await b.settled()).filter(([verb]) => verb === "OK");
    const accepted = [...oks, ...own].filter(([, , isAccepted]) => isAccepted === true);
    expect(accepted.filter(([, , , text]) => text === "")).toEqual([["OK", event.id, true, ""]]);
    expect(accepted.length).toBeGreaterThanOrEqual(3);
    expect(accepted).toContainEqual(["OK", event.id, true, duplicate]);
    expect(await a.query({})).toEqual([event]);
    expect(await b.req("t", {})).toEqual({ events: [event], end: ["EOSE", "t", ["finish"]] });
  });

  test("R-02-14 what got its OK is there after the object was away", async () => {
    const relay = freshRelay();
    const client = await relay.login(alice);
    const events = [unique(alice), unique(bob)];
    for (const event of events) expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
    await relay.restart();
    for (const event of events) {
      expect(await client.query({ ids: [event.id] })).toEqual([event]);
      expect(await client.publish(event)).toEqual(["OK", event.id, true, expect.stringMatching(/^duplicate: ./)]);
    }
  });
});

describe("time (R-02-10, R-02-11)", () => {
  test.each([
    ["890 s ahead", () => now() + 890],
    ["now", () => now()],
    ["one week old", () => now() - 7 * 86400],
    ["one year old", () => now() - 365 * 86400],
    ["at 0", () => 0],
  ])("T-064 created_at %s is accepted", async (_name, time) => {
    await expectAccepted(await login(), unique(alice, { created_at: time() }));
  });

  test.each([
    ["910 s ahead", () => now() + 910],
    ["one year ahead", () => now() + 365 * 86400],
    ["in milliseconds", () => Date.now()],
    ["at 2^53 - 1", () => Number.MAX_SAFE_INTEGER],
  ])("T-064 created_at %s is invalid", async (_name, time) => {
    await expectRefused(await login(), unique(alice, { created_at: time() }));
  });

  test.each([
    ["20001, a year old", 20001, 365 * 86400],
    ["21059, two days old", 21059, 2 * 86400],
    ["20001, 61 seconds old", 20001, 61],
  ])("R-02-11 an ephemeral event of kind %s reaches its listener", async (_name, kind, age) => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", { kinds: [kind], "#p": [bob.pubkey] });
    const event = unique(carol, { kind, created_at: now() - age, tags: [["p", bob.pubkey]] });
    expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
    expect(await b.settled()).toEqual([["EVENT", "s", event]]);
  });
});
