import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { expectServed, provoke } from "../../support/exchange.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const EVERY_EVENT = { kinds: [1] };

/** Served, and no answer is left over. */
async function expectOnlyServed(client: Client): Promise<void> {
  await expectServed(client);
  expect(await client.settled()).toEqual([]);
}

const NOTICE_INVALID = [["NOTICE", expect.stringMatching(/^invalid: ./)]];
const NOTICE = [["NOTICE", expect.any(String)]];

function closed(id: string, prefix = "invalid"): unknown[] {
  return [["CLOSED", id, expect.stringMatching(new RegExp(`^${prefix}: .`))]];
}

function refused(id: string): unknown[] {
  return [["OK", id, false, expect.stringMatching(/^invalid: ./)]];
}

const ZERO_ID = "0".repeat(64);
const event = unique(alice);
const { id: _id, ...withoutId } = event;

/** Name, frame, exactly what comes back. A text is sent as it is, anything else as JSON. */
type Row = [name: string, frame: unknown, expected: unknown[]];

const ROWS: Row[] = [
  ...[
    "",
    " ",
    "\n",
    "{",
    "nul",
    "[1",
    "[] []",
    "[]]",
    '["REQ","s",{}',
    '["REQ","s",{}] x',
    '["REQ","s",{}],',
    '["REQ","s",{},]',
    '["REQ","s",{"kinds":[1,]}]',
    '["REQ","s",{"kinds":[01]}]',
    "['REQ','s',{}]",
    '["REQ","\\x",{}]',
    '["REQ","s",{}]\u0000',
    '\ufeff["REQ","s",{}]',
    "\ufeff[]",
    '\u00a0["REQ","s",{}]',
    '["REQ","a\nb",{}]',
    '["REQ","a\u0000b",{}]',
    '["REQ","a\u001fb",{}]',
    '["REQ","s",{"#t":["a\tb"]}]',
    "x".repeat(2000),
  ].map((text): Row => [`M-01 T-037 ${JSON.stringify(text.slice(0, 40))}`, text, NOTICE_INVALID]),
  ...["{}", '{"0":"REQ"}', "1", "null", "true", '"x"', '"ping"'].map(
    (text): Row => [`M-02 T-038 ${text}`, text, NOTICE_INVALID],
  ),
  ...["[]", "[1]", "[null]", "[{}]", '[["REQ","s",{}]]', '[true,"s",{}]', '[0,"s",{}]'].map(
    (text): Row => [`M-03 T-039 ${text}`, text, NOTICE_INVALID],
  ),
  ...[
    "FOO",
    "event",
    "Req",
    "req",
    "EVENT ",
    "",
    "EOSE",
    "OK",
    "CLOSED",
    "NOTICE",
    "__proto__",
    "toString",
    "\ud800",
  ].map((verb): Row => [`M-04 T-039 verb ${JSON.stringify(verb)}`, [verb, "s", {}], NOTICE]),
  ...[
    ["EVENT"],
    ["EVENT", null],
    ["EVENT", 1],
    ["EVENT", "x"],
    ["EVENT", []],
    ["EVENT", [event]],
    ["EVENT", {}],
    ["EVENT", withoutId],
    ["EVENT", { ...event, id: 1 }],
    ["EVENT", { ...event, id: null }],
    ["EVENT", { ...event, id: [event.id] }],
    ["EVENT", { ...event, id: `${event.id}0` }],
  ].map((frame): Row => [`M-05 T-040 ${JSON.stringify(frame).slice(0, 90)}`, frame, NOTICE_INVALID]),
  ["M-06 T-041 a short id", ["EVENT", { id: "x" }], refused("x")],
  ["M-06 R-01-14 an empty id", ["EVENT", { id: "" }], refused("")],
  ["M-06 R-01-14 an id that needs escapes", ["EVENT", { id: 'a"\\\n\u0000日😀' }], refused('a"\\\n\u0000日😀')],
  ["M-06 R-01-14 an id of 64 other characters", ["EVENT", { id: "日".repeat(64) }], refused("日".repeat(64))],
  ["M-06 R-01-14 nothing but an id", ["EVENT", { id: ZERO_ID }], refused(ZERO_ID)],
  ...["REQ", "COUNT"].flatMap((verb) =>
    [[verb], [verb, 1, {}], [verb, null, {}], [verb, ["s"], {}], [verb, {}], [verb, "", {}]].map(
      (frame): Row => [`M-07 T-042 ${JSON.stringify(frame)}`, frame, NOTICE_INVALID],
    ),
  ),
  ...["REQ", "COUNT"].flatMap((verb): Row[] => [
    [`M-08 ${verb} with an id of 257 characters`, [verb, "x".repeat(257), {}], NOTICE_INVALID],
    [`M-08 ${verb} with an id of 257 emoji`, [verb, "😀".repeat(257), {}], NOTICE_INVALID],
    ...["x".repeat(65), "x".repeat(256), "😀".repeat(65), "😀".repeat(256)].map(
      (id): Row => [
        `M-08 T-043 ${verb} with an id of ${[...id].length} × ${id.slice(0, 2)}`,
        [verb, id, {}],
        closed(id),
      ],
    ),
    [`M-09 T-044 ${verb} without a filter`, [verb, "s"], closed("s")],
    ...[[], null, "x", 1, true, [{}]].map(
      (filter): Row => [`M-09 T-044 ${verb} with filter ${JSON.stringify(filter)}`, [verb, "s", filter], closed("s")],
    ),
    [`M-09 R-03-08 ${verb} with a bad filter after a good one`, [verb, "s", EVERY_EVENT, []], closed("s")],
    [`M-10 ${verb} with 101 filters`, [verb, "s", ...Array(101).fill(EVERY_EVENT)], closed("s")],
  ]),
  ...[["CLOSE"], ["CLOSE", 1], ["CLOSE", null], ["CLOSE", ["s"]], ["CLOSE", {}]].map(
    (frame): Row => [`M-11 T-045 ${JSON.stringify(frame)}`, frame, NOTICE_INVALID],
  ),
  ["R-01-16 T-045 CLOSE of an unknown id", ["CLOSE", "never"], []],
  ["R-01-16 CLOSE of a long unknown id", ["CLOSE", "x".repeat(64)], []],
  ...[["AUTH"], ["AUTH", "x"], ["AUTH", null], ["AUTH", 1], ["AUTH", []], ["AUTH", {}], ["AUTH", { id: 1 }]].map(
    (frame): Row => [`M-12 ${JSON.stringify(frame)}`, frame, NOTICE_INVALID],
  ),
  ...[
    ["NEG-OPEN", "n"],
    ["NEG-OPEN", "n", {}],
    ["NEG-OPEN", "n", {}, 1],
    ["NEG-OPEN", "n", {}, "6"],
    ["NEG-OPEN", "n", {}, "zz"],
    ["NEG-OPEN", "n", 1, "6100000200"],
    ["NEG-OPEN", "n", [], "6100000200"],
    ["NEG-OPEN", "n", { kinds: "1" }, "6100000200"],
  ].map(
    (frame): Row => [`M-13 ${JSON.stringify(frame)}`, frame, [["NEG-ERR", "n", expect.stringMatching(/^invalid: ./)]]],
  ),
  // No session of that id is open either, which may be found first.
  ...[
    ["NEG-MSG", "n"],
    ["NEG-MSG", "n", 1],
    ["NEG-MSG", "n", "zz"],
  ].map(
    (frame): Row => [
      `M-13 ${JSON.stringify(frame)}`,
      frame,
      [["NEG-ERR", "n", expect.stringMatching(/^(invalid|closed): ./)]],
    ],
  ),
  ...[["NEG-OPEN"], ["NEG-OPEN", 1, {}, "6100000200"], ["NEG-MSG"], ["NEG-MSG", null, "61"], ["NEG-CLOSE"]].map(
    (frame): Row => [`M-13 ${JSON.stringify(frame)}`, frame, NOTICE_INVALID],
  ),
];

test.each(ROWS)("%s", async (_name, frame, expected) => {
  const { client, frames } = await provoke(frame);
  expect(frames).toEqual(expected);
  await expectOnlyServed(client);
});

describe("what is unusual and legal", () => {
  test.each([
    ["R-01-03 JSON whitespace around", ' \t\r\n["REQ","s",{"kinds":[7]}]\r\n\t ', "s"],
    ["R-01-03 JSON whitespace between", '[ "REQ" ,\n"s" , { "kinds" : [ 7 ] } ]', "s"],
    ["R-01-03 escapes in verb and key", '["\\u0052EQ","\\u0073",{"\\u006binds":[7]}]', "s"],
    ["R-01-12 T-043 an id of 64 characters", ["REQ", "x".repeat(64), { kinds: [7] }], "x".repeat(64)],
    ["R-01-12 T-043 an id of 64 emoji", ["REQ", "😀".repeat(64), { kinds: [7] }], "😀".repeat(64)],
    ["R-01-12 an id of NUL, quotes, spaces", ["REQ", ' "\u0000\\: ', { kinds: [7] }], ' "\u0000\\: '],
    ["M-10 100 filters", ["REQ", "s", ...Array(100).fill({ kinds: [7] })], "s"],
    ["M-21 id __proto__", ["REQ", "__proto__", { kinds: [7] }], "__proto__"],
    ["M-21 id constructor", ["REQ", "constructor", { kinds: [7] }], "constructor"],
  ])("%s", async (_name, frame, id) => {
    const { client, frames } = await provoke(frame);
    expect(frames).toEqual([["EOSE", id, ["finish"]]]);
    const live = unique(alice, { kind: 7 });
    client.send(["EVENT", live]);
    expect(await client.settled()).toContainEqual(["EVENT", id, live]);
    client.send(["CLOSE", id]);
    await expectOnlyServed(client);
  });

  test("R-01-04b PING", async () => {
    const { client, frames } = await provoke(["PING"]);
    expect(frames).toEqual([["PONG"]]);
    await expectOnlyServed(client);
  });

  test("R-01-11 T-054 surplus elements of CLOSE, EVENT and AUTH are ignored", async () => {
    const client = await freshRelay().login(alice);
    await client.req("s", { kinds: [1] });
    client.send(["CLOSE", "s", "extra"]);
    const published = unique(alice);
    client.send(["EVENT", published, 1]);
    expect(await client.settled()).toEqual([["OK", published.id, true, ""]]);
    const auth = client.authEvent(bob);
    expect(await client.ask(["AUTH", auth, { x: 1 }, null])).toEqual(["OK", auth.id, true, ""]);
    await expectOnlyServed(client);
  });

  test("R-01-16 after CLOSE nothing more comes under the id, and CLOSE again is silent", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await a.req("s", {});
    a.send(["CLOSE", "s"]);
    a.send(["CLOSE", "s"]);
    expect(await a.settled()).toEqual([]);
    await b.publish(unique(bob));
    expect(await a.settled()).toEqual([]);
    await expectOnlyServed(a);
  });
});
