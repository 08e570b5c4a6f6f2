import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { exchange, expectServed, login } from "../../support/exchange.ts";
import { alice, signed, unique } from "../../support/keys.ts";

type Member = "created_at" | "kind";

/** An EVENT frame whose `member` is written as `token`, with an id over `hashed` in that place. */
function eventText(member: Member, token: string, hashed: string): { id: string; text: string } {
  const order = (value: string) => (member === "created_at" ? `${value},1` : `1000,${value}`);
  const id = bytesToHex(sha256(utf8ToBytes(`[0,"${alice.pubkey}",${order(hashed)},[],""]`)));
  const sig = bytesToHex(schnorr.sign(hexToBytes(id), alice.secret));
  const numbers = member === "created_at" ? `"created_at":${token},"kind":1` : `"created_at":1000,"kind":${token}`;
  return {
    id,
    text: `["EVENT",{"id":"${id}","pubkey":"${alice.pubkey}",${numbers},"tags":[],"content":"","sig":"${sig}"}]`,
  };
}

const TOO_LARGE = ["9007199254740992", "9007199254740993", "9223372036854775807", "18446744073709551616", "1e300"];
const NOT_INTEGERS = ["1.5", "0.1", "1e-1", "1e400", "-1e400", "-1", "-1.5", "-1e3"];
const NOT_NUMBERS = ['"5"', '"1000"', '""', "true", "false", "null", "[]", "[5]", "{}"];

/** What a lenient relay may take a bad token for; the event is signed over each, so that only the token is wrong. */
function readings(token: string): string[] {
  const value: unknown = JSON.parse(token);
  const number = Number(value);
  const guesses = [token, JSON.stringify(value), String(number), String(Math.trunc(number)), String(Math.abs(number))];
  return [...new Set([...guesses, String(number | 0), String(number & 0xffff), "0"])];
}

describe("numbers of events (1.5)", () => {
  const refusedTokens: [Member, string][] = [
    ...[...NOT_INTEGERS, ...NOT_NUMBERS, ...TOO_LARGE].map((token): [Member, string] => ["created_at", token]),
    ...[...NOT_INTEGERS, ...NOT_NUMBERS, ...TOO_LARGE].map((token): [Member, string] => ["kind", token]),
    ...["65536", "65537", "70000", "131073", "4294967297"].map((token): [Member, string] => ["kind", token]),
  ];
  test.each(refusedTokens)("T-060 T-061 %s %s is invalid", async (member, token) => {
    const client = await login();
    for (const hashed of readings(token)) {
      const { id, text } = eventText(member, token, hashed);
      expect(await exchange(client, text), `id over ${hashed}`).toEqual([
        ["OK", id, false, expect.stringMatching(/^invalid: ./)],
      ]);
    }
    expect(await client.query({})).toEqual([]);
    await expectServed(client);
  });

  test.each<[Member, string]>([
    ["created_at", "0"],
    ["created_at", "1"],
    ["created_at", "1000000000"],
    ["kind", "0"],
    ["kind", "1"],
    ["kind", "999"],
    ["kind", "65535"],
  ])("T-060 T-064 %s %s is accepted", async (member, token) => {
    const client = await login();
    const { id, text } = eventText(member, token, token);
    expect(await exchange(client, text)).toEqual([["OK", id, true, ""]]);
    expect(await client.query({ ids: [id] })).toEqual([JSON.parse(text)[1]]);
    await expectServed(client);
  });

  test.each<[Member, string, string]>([
    ["created_at", "1e9", "1000000000"],
    ["created_at", "1E9", "1000000000"],
    ["created_at", "1e+9", "1000000000"],
    ["created_at", "1000000000.0", "1000000000"],
    ["created_at", "1.5e3", "1500"],
    ["created_at", "100e-2", "1"],
    ["created_at", "-0", "0"],
    ["created_at", "0e5", "0"],
    ["kind", "1.0", "1"],
    ["kind", "1e3", "1000"],
    ["kind", "6.5535e4", "65535"],
    ["kind", "-0", "0"],
    ["kind", "-0.0", "0"],
  ])("T-062 T-063 %s %s is %s or invalid, under an id over the plain form only", async (member, token, plain) => {
    const client = await login();
    const { id, text } = eventText(member, token, plain);
    const odd = eventText(member, token, token);
    expect(await exchange(client, odd.text)).toEqual([["OK", odd.id, false, expect.stringMatching(/^invalid: ./)]]);
    await client.req("live", { ids: [id] });
    const frames = await exchange(client, text);
    const ok = frames.find(([verb]) => verb === "OK");
    expect(ok?.[1]).toBe(id);
    client.send(["REQ", "s", {}]);
    if (ok?.[2] === true) {
      expect(ok[3]).toBe("");
      const stored = await client.nextText();
      expect(stored).toContain(`"${member}":${plain},`);
      expect(frames).toContainEqual(["EVENT", "live", JSON.parse(stored)[2]]);
    } else {
      expect(ok?.[3]).toMatch(/^invalid: ./);
      expect(frames.length).toBe(1);
    }
    expect((await client.next())[0]).toBe("EOSE");
    await expectServed(client);
  });

  test("M-01 tokens that JSON does not have get a NOTICE", async () => {
    const client = await login();
    for (const token of [
      "NaN",
      "Infinity",
      "-Infinity",
      "01",
      "+1",
      "1.",
      ".5",
      "0x1",
      "1_0",
      "1n",
      "--1",
      "undefined",
    ]) {
      for (const member of ["created_at", "kind"] as const) {
        const frames = await exchange(client, eventText(member, token, "1").text);
        expect(frames, token).toEqual([["NOTICE", expect.stringMatching(/^invalid: ./)]]);
      }
      for (const filter of [`{"kinds":[${token}]}`, `{"limit":${token}}`, `{"since":${token}}`]) {
        const frames = await exchange(client, `["REQ","s",${filter}]`);
        expect(frames, filter).toEqual([["NOTICE", expect.stringMatching(/^invalid: ./)]]);
      }
    }
    await expectServed(client);
  });
});

/** One event for each created_at; kind 1 but for the last, which is kind 0 and the oldest. */
const STORED: Event[] = [1_500_000_000, 1000, 5, 0].map((created_at, i) =>
  signed(alice, { created_at, kind: created_at === 0 ? 0 : 1, content: `${i}` }),
);
const [NEWEST, MIDDLE, FIVE, OLDEST] = STORED as [Event, Event, Event, Event];

describe("numbers of filters (1.5)", () => {
  /** Filter as text, what it finds, and whether it may be refused instead because of its spelling. */
  const FOUND: [filter: string, events: Event[], mayRefuse?: boolean][] = [
    ['{"since":5}', [NEWEST, MIDDLE, FIVE]],
    ['{"since":6}', [NEWEST, MIDDLE]],
    ['{"since":0}', STORED],
    ['{"since":-1}', STORED],
    ['{"since":-9007199254740993}', STORED],
    ['{"since":-18446744073709551616}', STORED],
    ['{"since":9007199254740991}', []],
    ...TOO_LARGE.map((token): [string, Event[], boolean] => [`{"since":${token}}`, [], token === "1e300"]),
    ['{"until":5}', [FIVE, OLDEST]],
    ['{"until":4}', [OLDEST]],
    ['{"until":0}', [OLDEST]],
    ['{"until":-1}', []],
    ['{"until":-9223372036854775808}', []],
    ['{"until":9007199254740991}', STORED],
    ...TOO_LARGE.map((token): [string, Event[], boolean] => [`{"until":${token}}`, STORED, token === "1e300"]),
    ['{"since":-5,"until":9223372036854775807}', STORED],
    ['{"since":6,"until":5}', []],
    ['{"since":5e0}', [NEWEST, MIDDLE, FIVE], true],
    ['{"since":5.0}', [NEWEST, MIDDLE, FIVE], true],
    ['{"since":-0}', STORED, true],
    ['{"until":5.0}', [FIVE, OLDEST], true],
    ['{"until":1e3}', [MIDDLE, FIVE, OLDEST], true],
    ['{"until":-0}', [OLDEST], true],
    ['{"kinds":[1]}', [NEWEST, MIDDLE, FIVE]],
    ['{"kinds":[0]}', [OLDEST]],
    ['{"kinds":[65535]}', []],
    ['{"kinds":[65536]}', []],
    ['{"kinds":[65537]}', []],
    ['{"kinds":[70000]}', []],
    ['{"kinds":[-1]}', []],
    ['{"kinds":[-1,65536,1]}', [NEWEST, MIDDLE, FIVE]],
    ['{"kinds":[4294967297]}', []],
    ...TOO_LARGE.map((token): [string, Event[], boolean] => [`{"kinds":[${token}]}`, [], token === "1e300"]),
    ['{"kinds":[1.0]}', [NEWEST, MIDDLE, FIVE], true],
    ['{"kinds":[1e0]}', [NEWEST, MIDDLE, FIVE], true],
    ['{"kinds":[-0]}', [OLDEST], true],
    ['{"kinds":[0,-0,0.0]}', [OLDEST], true],
  ];
  /** `limit` is left out of COUNT, so these are tried with REQ only. */
  const LIMITED: typeof FOUND = [
    ['{"limit":0}', []],
    ['{"limit":1}', [NEWEST]],
    ['{"limit":2}', [NEWEST, MIDDLE]],
    ['{"limit":1000000000}', STORED],
    ...TOO_LARGE.map((token): [string, Event[], boolean] => [`{"limit":${token}}`, STORED, token === "1e300"]),
    ['{"limit":2.0}', [NEWEST, MIDDLE], true],
    ['{"limit":2e0}', [NEWEST, MIDDLE], true],
    ['{"limit":-0}', [], true],
  ];

  async function withStored(): Promise<Client> {
    const client = await login();
    for (const event of STORED) expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
    return client;
  }

  const CLOSED = ["CLOSED", "s", expect.stringMatching(/^invalid: ./)];

  test.each([...FOUND, ...LIMITED])("T-078 %s finds what it should", async (filter, events, mayRefuse = false) => {
    const client = await withStored();
    const frames = await exchange(client, `["REQ","s",${filter}]`);
    if (mayRefuse && frames[0]?.[0] === "CLOSED") {
      expect(frames).toEqual([CLOSED]);
    } else {
      expect(frames.slice(0, -1)).toEqual(events.map((event) => ["EVENT", "s", event]));
      expect(frames.at(-1)?.slice(0, 2)).toEqual(["EOSE", "s"]);
    }
    await expectServed(client);
  });

  test("T-078 COUNT agrees", async () => {
    const client = await withStored();
    for (const [filter, events, mayRefuse = false] of FOUND) {
      const frames = await exchange(client, `["COUNT","s",${filter}]`);
      if (mayRefuse && frames[0]?.[0] === "CLOSED") expect(frames, filter).toEqual([CLOSED]);
      else expect(frames, filter).toEqual([["COUNT", "s", { count: events.length }]]);
    }
    await expectServed(client);
  });

  test("R-03-22 live delivery agrees, whatever the limit", async () => {
    const ids = [...FOUND, ...LIMITED].map(([filter]) => filter);
    const client = await login();
    const open = new Set<string>();
    for (const filter of ids) {
      const [frame] = await exchange(client, `["REQ",${JSON.stringify(filter)},${filter}]`);
      if (frame?.[0] === "EOSE") open.add(filter);
    }
    expect(open.size).toBeGreaterThan(ids.length / 2);
    for (const event of STORED) {
      client.send(["EVENT", event]);
      const frames = await client.settled();
      const got = frames.filter(([verb]) => verb === "EVENT").map(([, id]) => id);
      const matching = [...FOUND, ...LIMITED.map(([filter]): [string, Event[]] => [filter, STORED])]
        .filter(([filter, events]) => open.has(filter) && events.includes(event))
        .map(([filter]) => filter);
      expect(got.sort()).toEqual(matching.sort());
    }
    await expectServed(client);
  });

  const BAD = ["1.5", "-1.5", "1e400", "-1e400", "1e-1", '"5"', '""', "true", "false", "null", "[]", "{}"];
  test.each([
    ...["since", "until", "limit"].flatMap((key) => [...BAD, "[5]"].map((token) => `{"${key}":${token}}`)),
    ...BAD.map((token) => `{"kinds":[${token}]}`),
    ...BAD.map((token) => `{"kinds":[1,${token}]}`),
    ...['"1"', "1", "true", "null", "{}", '{"0":1}'].map((token) => `{"kinds":${token}}`),
    ...["-1", "-2", "-9223372036854775808", "-1e3"].map((token) => `{"limit":${token}}`),
  ])("T-077 %s is refused as invalid", async (filter) => {
    const client = await withStored();
    for (const text of [`["REQ","s",${filter}]`, `["REQ","s",{},${filter}]`, `["COUNT","s",${filter}]`]) {
      expect(await exchange(client, text), text).toEqual([CLOSED]);
    }
    client.send(["EVENT", unique(alice)]);
    expect((await client.settled()).map(([verb]) => verb)).toEqual(["OK"]);
    await expectServed(client);
  });
});
