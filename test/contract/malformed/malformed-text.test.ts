import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import { exchange, expectServed, login } from "../../support/exchange.ts";
import { alice, bob, now, signed, unique } from "../../support/keys.ts";

function refused(id: string): unknown[] {
  return [["OK", id, false, expect.stringMatching(/^invalid: ./)]];
}

/** An EVENT frame by hand: the id is the hash of `hashed`, the members are written as given. */
function eventText(hashed: string, members: string): { id: string; text: string } {
  const id = bytesToHex(sha256(utf8ToBytes(hashed)));
  const sig = bytesToHex(schnorr.sign(hexToBytes(id), alice.secret));
  return { id, text: `["EVENT",{"id":"${id}","pubkey":"${alice.pubkey}","sig":"${sig}",${members}}]` };
}

describe("M-17 duplicate keys: the last one wins, or all is refused", () => {
  const event = signed(alice, { content: "once", tags: [["t", "x"]] });
  const body = JSON.stringify(event).slice(1, -1);

  test.each([
    ["T-050 kind, the first invalid", `"kind":"x",${body}`],
    ["kind, the first another", `"kind":2,${body}`],
    ["content", `"content":"first",${body}`],
    ["tags", `"tags":[["t","y"]],${body}`],
    ["id", `"id":"${"0".repeat(64)}",${body}`],
    ["sig, both the same", `"sig":"${event.sig}",${body}`],
    ["all seven", `${body},${body}`],
    ["an escaped key", `"\\u006bind":2,${body}`],
  ])("%s", async (_name, members) => {
    const client = await login();
    const [[verb, id, accepted, text] = [], ...more] = await exchange(client, `["EVENT",{${members}}]`);
    expect(more).toEqual([]);
    expect([verb, typeof id]).toEqual(["OK", "string"]);
    client.send(["REQ", "s", { authors: [alice.pubkey] }]);
    if (accepted === true) {
      expect([id, text]).toEqual([event.id, ""]);
      const frame = await client.nextText();
      expect(frame.match(/"kind"|"content"|"tags"|"id"|"sig"|"pubkey"|"created_at"/g)?.length).toBe(7);
      expect(JSON.parse(frame)).toEqual(["EVENT", "s", event]);
    } else expect(text).toMatch(/^invalid: ./);
    expect((await client.next())[0]).toBe("EOSE");
    await expectServed(client);
  });

  test.each([
    ["kind", `${body},"kind":2`],
    ["content", `${body},"content":"last"`],
    ["tags", `${body},"tags":[]`],
    ["created_at", `${body},"created_at":1`],
    ["pubkey", `${body},"pubkey":"${bob.pubkey}"`],
    ["sig", `${body},"sig":"${"0".repeat(128)}"`],
  ])("%s that is wrong in the last place is refused", async (_name, members) => {
    const client = await login();
    expect(await exchange(client, `["EVENT",{${members}}]`)).toEqual(refused(event.id));
    expect(await client.query({})).toEqual([]);
    await expectServed(client);
  });

  test("in a filter", async () => {
    const client = await login();
    await client.publish(event);
    for (const [text, found] of [
      ['{"kinds":[2],"kinds":[1]}', true],
      ['{"kinds":[1],"kinds":[2]}', false],
      ['{"limit":0,"limit":1}', true],
    ]) {
      const [first, ...rest] = await exchange(client, `["REQ","s",${text}]`);
      if (first?.[0] === "CLOSED") expect([first[1], first[2]]).toEqual(["s", expect.stringMatching(/^invalid: ./)]);
      else expect([first, ...rest]).toEqual([...(found ? [["EVENT", "s", event]] : []), ["EOSE", "s", ["finish"]]]);
    }
    await expectServed(client);
  });
});

describe("M-18 a lone surrogate", () => {
  const time = now();
  /** Ids that a relay may compute if it lets `written` pass: over U+FFFD, and over the escape. */
  function forged(written: string, place: "content" | "tag"): { id: string; text: string }[] {
    const [tags, content] = place === "tag" ? [`[["t",${written}]]`, '""'] : ["[]", written];
    const members = `"created_at":${time},"kind":1,"tags":${tags},"content":${content}`;
    const hashed = (text: string) => `[0,"${alice.pubkey}",${time},1,${text}]`;
    const escaped = `${tags},${content}`;
    const replaced = escaped.replace(/\\u[dD][89a-fA-F][0-9a-fA-F]{2}/g, "\ufffd");
    return [eventText(hashed(replaced), members), eventText(hashed(escaped), members)];
  }

  const LONE = ['"\\ud800"', '"\\udbff"', '"\\udc00"', '"\\udfff"', '"a\\ud83dz"', '"\\ude00\\ud83d"', '"\\uD800"'];
  test.each(LONE)("T-051 %s in content or a tag is refused under either id", async (written) => {
    const client = await login();
    for (const place of ["content", "tag"] as const) {
      for (const { id, text } of forged(written, place)) {
        expect(await exchange(client, text), `${place} ${text}`).toEqual(refused(id));
      }
    }
    expect(await client.query({})).toEqual([]);
    await expectServed(client);
  });

  test.each(["id", "pubkey", "sig"])("in %s is refused", async (member) => {
    const client = await login();
    const text = JSON.stringify(["EVENT", { ...unique(alice), [member]: "\ud800" }]);
    const [frame, ...more] = await exchange(client, text);
    expect(more).toEqual([]);
    if (member === "id" && frame?.[0] === "NOTICE") expect(frame[1]).toMatch(/^invalid: ./);
    else expect([frame?.[0], ...(frame ?? []).slice(2)]).toEqual(["OK", false, expect.stringMatching(/^invalid: ./)]);
    expect(JSON.stringify(frame)).not.toContain("\ufffd");
    await expectServed(client);
  });

  test.each(["REQ", "COUNT"])("in a filter of %s is refused", async (verb) => {
    const client = await login();
    await client.publish(unique(alice, { tags: [["t", "\ufffd"]] }));
    for (const filter of [
      '{"#t":["\\ud800"]}',
      '{"#t":["x","\\udc00z"]}',
      '{"ids":["\\ud800"]}',
      '{"authors":["\\ud800"]}',
    ]) {
      const closed = ["CLOSED", "s", expect.stringMatching(/^invalid: ./)];
      expect(await exchange(client, `["${verb}","s",${filter}]`), filter).toEqual([closed]);
    }
    const unknown = ["CLOSED", "s", expect.stringMatching(/^(invalid|unsupported): ./)];
    expect(await exchange(client, `["${verb}","s",{"\\ud800":1}]`)).toEqual([unknown]);
    await expectServed(client);
  });

  test.each(["REQ", "COUNT", "NEG-OPEN", "NEG-MSG"])("in the id of %s gets a NOTICE", async (verb) => {
    const client = await login();
    for (const id of ['"\\ud800"', '"a\\udc00b"']) {
      const frames = await exchange(client, `["${verb}",${id},{"kinds":[7]},"6100000200"]`);
      expect(frames).toEqual([["NOTICE", expect.stringMatching(/^invalid: ./)]]);
    }
    await expectServed(client);
  });

  test("in the id of CLOSE and NEG-CLOSE gets a NOTICE, and closes no U+FFFD", async () => {
    const client = await login();
    await client.req("\ufffd", { kinds: [7] });
    for (const verb of ["CLOSE", "NEG-CLOSE"]) {
      const frames = await exchange(client, `["${verb}","\\ud800"]`);
      expect(frames).toEqual([["NOTICE", expect.stringMatching(/^invalid: ./)]]);
    }
    const live = unique(alice, { kind: 7 });
    client.send(["EVENT", live]);
    expect(await client.settled()).toContainEqual(["EVENT", "\ufffd", live]);
    await expectServed(client);
  });

  test("T-051 a pair of escapes is no lone surrogate", async () => {
    const client = await login();
    const { id, text } = eventText(
      `[0,"${alice.pubkey}",${time},1,[["t","😀"]],"😀"]`,
      `"created_at":${time},"kind":1,"tags":[["t","\\ud83d\\ude00"]],"content":"\\uD83D\\uDE00"`,
    );
    expect(await exchange(client, text)).toEqual([["OK", id, true, ""]]);
    expect((await client.query({ "#t": ["😀"] }))[0]).toMatchObject({ id, content: "😀", tags: [["t", "😀"]] });
    await expectServed(client);
  });
});

const C0 = String.fromCharCode(...Array(32).keys());

test.each([
  ["M-19 T-052 NUL and U+001F", "\u0000\u001f"],
  ["M-19 all C0", C0],
  ["M-20 DEL and C1", "\u007f\u0080\u0085\u009f"],
  ["M-20 line and paragraph separator", "\u2028\u2029"],
  ["M-20 non-characters", "\ufdd0\ufdd1\ufdef\ufffe\uffff\u{1fffe}\u{10fffe}\u{10ffff}"],
  ["M-20 private use and unassigned", "\ue000\uf8ff\u0378\u{e0fff}\u{f0000}"],
  ["M-20 BOM, zero width, direction marks", "\ufeffa\u200b\u200d\u202e\u2066"],
  ["M-20 the replacement character itself", "\ufffd"],
  ["M-20 composed and decomposed", "\u00e9 e\u0301 \uac00 \u1100\u1161"],
  ["M-20 beside the surrogates", "\ud7ff\ue000\u{10000}"],
])("%s in content, tag name and tag value come back unchanged", async (_name, text) => {
  const client = await login();
  const event = signed(alice, {
    content: text,
    tags: [
      ["t", text],
      [text, text, text],
    ],
  });
  expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  expect(await client.query({ "#t": [text] })).toEqual([event]);
  await client.req("live", { "#t": [text] });
  const live = unique(alice, { tags: [["t", text]] });
  client.send(["EVENT", live]);
  expect(await client.settled()).toContainEqual(["EVENT", "live", live]);
  // All ASCII, by escapes: the same values.
  const escaped = JSON.stringify(["EVENT", unique(alice, { content: `${text}!` })]).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  expect((await exchange(client, escaped)).at(-1)?.slice(2)).toEqual([true, ""]);
  await expectServed(client);
});

describe("M-21 __proto__ and constructor are ordinary unknown keys", () => {
  const KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

  test.each(KEYS)("T-053 %s in a filter", async (key) => {
    const client = await login();
    const event = unique(alice);
    await client.publish(event);
    const unsupported = ["CLOSED", "s", expect.stringMatching(/^unsupported: ./)];
    for (const verb of ["REQ", "COUNT"]) {
      for (const value of ['{"x":1}', '{"kinds":[2],"limit":0}', '["a"]', "null"]) {
        expect(await exchange(client, `["${verb}","s",{"${key}":${value}}]`)).toEqual([unsupported]);
      }
    }
    expect(await client.query({})).toEqual([event]);
    await expectServed(client);
  });

  test.each(KEYS)("%s in an event is dropped; it takes the place of no member", async (key) => {
    const client = await login();
    const event = unique(alice);
    const { content, ...rest } = event;
    const inherited = `["EVENT",${JSON.stringify(rest).slice(0, -1)},"${key}":{"content":${JSON.stringify(content)}}}]`;
    expect(await exchange(client, inherited)).toEqual(refused(event.id));
    const whole = `["EVENT",${JSON.stringify(event).slice(0, -1)},"${key}":{"content":"x","kind":2}}]`;
    expect(await exchange(client, whole)).toEqual([["OK", event.id, true, ""]]);
    expect(await client.query({ ids: [event.id] })).toEqual([event]);
    await expectServed(client);
  });

  test.each(KEYS)("%s in an AUTH event is dropped; it takes the place of no member", async (key) => {
    const client = await login();
    const auth = client.authEvent(bob);
    const { content, ...rest } = auth;
    const inherited = `["AUTH",${JSON.stringify(rest).slice(0, -1)},"${key}":{"content":${JSON.stringify(content)}}}]`;
    expect((await client.ask(inherited)).slice(0, 3)).toEqual(["OK", auth.id, false]);
    const whole = `["AUTH",${JSON.stringify(auth).slice(0, -1)},"${key}":{"kind":1}}]`;
    expect(await client.ask(whole)).toEqual(["OK", auth.id, true, ""]);
    await expectServed(client);
  });

  test("as tag names, tag values and d values", async () => {
    const client = await login();
    for (const key of KEYS) {
      const event = unique(alice, {
        kind: 30023,
        tags: [
          ["d", key],
          [key, key],
          ["t", key],
        ],
      });
      expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
      expect(await client.query({ "#t": [key] })).toEqual([event]);
      expect(await client.query({ "#d": [key] })).toEqual([event]);
    }
    await expectServed(client);
  });
});
