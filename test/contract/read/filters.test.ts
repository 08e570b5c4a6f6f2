import type { Event, EventTemplate } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import { indexedTags } from "../../../src/protocol/event.ts";
import { matches, parseFilter } from "../../../src/protocol/filter.ts";
import type { Client, Filter } from "../../support/client.ts";
import { alice, bob, carol, now, signed } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const ID = "ab".repeat(32);
const AT = now() - 1000;

/** An event by bob that is called by its content. */
function named(name: string, template: Partial<EventTemplate> = {}): Event {
  return signed(bob, { created_at: AT, ...template, content: name });
}

/** Names of the events that the filter finds, sorted. Stored ones and live ones must be the same (R-03-22). */
async function found(filter: Filter, ...events: Event[]): Promise<string[]> {
  const relay = freshRelay();
  const reader = await relay.login(alice);
  const writer = await relay.login(bob);
  expect((await reader.req("live", filter)).end.slice(0, 2)).toEqual(["EOSE", "live"]);
  for (const event of events) expect(await writer.publish(event)).toEqual(["OK", event.id, true, ""]);
  const frames = await reader.settled();
  expect(frames.map((frame) => frame.slice(0, 2))).toEqual(frames.map(() => ["EVENT", "live"]));
  const live = frames.map((frame) => (frame[2] as Event).content).sort();
  const stored = (await reader.query(filter)).map((event) => event.content as string).sort();
  expect(live).toEqual(stored);
  return stored;
}

/** Sends the raw text of one filter; the prefix of CLOSED or EOSE, and what came before. */
async function answer(client: Client, filter: string): Promise<{ end: string; events: number }> {
  client.send(`["REQ","s",${filter}]`);
  for (let events = 0; ; events++) {
    const [verb, , reason] = await client.next();
    if (verb !== "EVENT") return { end: verb === "CLOSED" ? String(reason).split(" ")[0] : verb, events };
  }
}

test("R-03-01 conditions are ANDed, values and filters ORed", async () => {
  const events = [
    named("one x", { tags: [["t", "x"]] }),
    named("seven x", { kind: 7, tags: [["t", "x"]] }),
    named("seven y", { kind: 7, tags: [["t", "y"]] }),
    named("nine z", { kind: 9, tags: [["t", "z"]] }),
  ];
  expect(await found({ kinds: [7], "#t": ["x"] }, ...events)).toEqual(["seven x"]);
  expect(await found({ kinds: [1, 7], "#t": ["x", "z"] }, ...events)).toEqual(["one x", "seven x"]);
  expect(await found({ kinds: [7], authors: [alice.pubkey] }, ...events)).toEqual([]);
  expect(await found({ ids: [events[0].id], kinds: [7] }, ...events)).toEqual([]);
  const relay = freshRelay();
  const a = await relay.login(alice);
  for (const event of events) await a.publish(event);
  const either = await a.query({ kinds: [9] }, { "#t": ["y"] });
  expect(either.map((event) => event.content).sort()).toEqual(["nine z", "seven y"]);
});

test("T-085 R-03-02 #e and #E are different keys", async () => {
  const events = [named("lower", { tags: [["e", ID]] }), named("upper", { tags: [["E", ID]] })];
  expect(await found({ "#e": [ID] }, ...events)).toEqual(["lower"]);
  expect(await found({ "#E": [ID] }, ...events)).toEqual(["upper"]);
});

test("T-085 two tag conditions must both hold, of two values one is enough", async () => {
  const x = ["t", "x"];
  const g = ["g", "1"];
  const events = [
    named("t", { tags: [x] }),
    named("g", { tags: [g] }),
    named("both", { tags: [g, x] }),
    named("y", { tags: [["t", "y"]] }),
  ];
  expect(await found({ "#t": ["x"], "#g": ["1"] }, ...events)).toEqual(["both"]);
  expect(await found({ "#t": ["y", "x"] }, ...events)).toEqual(["both", "t", "y"]);
});

test("R-03-02 one of several tags of a name is enough", async () => {
  const tags = ["x", "y", "z"].map((value) => ["t", value]);
  expect(await found({ "#t": ["z"] }, named("last of three", { tags }), named("none"))).toEqual(["last of three"]);
});

test("T-086 a value in the third element does not match", async () => {
  const events = [named("third", { tags: [["t", "x", "y"]] }), named("second", { tags: [["t", "y"]] })];
  expect(await found({ "#t": ["y"] }, ...events)).toEqual(["second"]);
});

test.each([
  ["an emoji", "👩‍🚀"],
  ["NUL", "a\u0000b"],
  ["the empty string", ""],
  ["31 bytes", "v".repeat(31)],
  ["32 bytes", "v".repeat(32)],
  ["33 bytes", "v".repeat(33)],
  ["1024 bytes", "é".repeat(512)],
  ["uppercase hex", ID.toUpperCase()],
])("T-087 M-19 #t matches a value: %s", async (_name, value) => {
  const events = [named("it", { tags: [["t", value]] }), named("longer", { tags: [["t", `${value.slice(0, 500)}.`]] })];
  expect(await found({ "#t": [value] }, ...events)).toEqual(["it"]);
});

test("R-02-05 a p tag that is no key is kept and never found by #p", async () => {
  const events = [named("name", { tags: [["p", "bob"]] }), named("key", { tags: [["p", carol.pubkey]] })];
  expect(await found({ "#p": [carol.pubkey] }, ...events)).toEqual(["key"]);
});

test("R-04-05 #d with the empty string finds an addressable event without d, and a d without value", async () => {
  const events = [
    named("none", { kind: 30023 }),
    named("bare", { kind: 30024, tags: [["d"]] }),
    named("empty", { kind: 30025, tags: [["d", ""]] }),
    named("x", { kind: 30023, tags: [["d", "x"]] }),
    named("regular"),
  ];
  expect(await found({ "#d": [""] }, ...events)).toEqual(["bare", "empty", "none"]);
});

test("T-072 R-03-03 a full id finds its event", async () => {
  const event = named("it");
  expect(await found({ ids: [event.id] }, event, named("other"))).toEqual(["it"]);
  expect(await found({ authors: [bob.pubkey] }, event, signed(alice, { content: "other" }))).toEqual(["it"]);
});

test("T-073 since and until are both inclusive", async () => {
  const events = [-1, 0, 1].map((step) => named(String(step), { created_at: AT + step }));
  expect(await found({ since: AT, until: AT }, ...events)).toEqual(["0"]);
  expect(await found({ since: AT }, ...events)).toEqual(["0", "1"]);
  expect(await found({ until: AT }, ...events)).toEqual(["-1", "0"]);
});

test.each([
  { kinds: [] },
  { ids: [] },
  { authors: [] },
  { "#t": [] },
  { kinds: [1], "#t": [] },
  { kinds: [], limit: 5 },
])("T-074 R-03-04 an empty list matches nothing, stored or live: %j", async (filter) => {
  expect(await found(filter, named("it", { tags: [["t", "x"]] }))).toEqual([]);
});

test("R-03-04 a filter with an empty list adds nothing to the others", async () => {
  const a = await freshRelay().login(alice);
  const event = named("it");
  await a.publish(event);
  expect(await a.query({ kinds: [] }, { kinds: [1] })).toEqual([event]);
});

test("T-075 R-03-05 {} matches every visible event", async () => {
  const events = [
    named("one"),
    named("profile", { kind: 0 }),
    named("job", { kind: 5050 }),
    named("max", { kind: 65535 }),
  ];
  const hidden = named("hidden", { kind: 1059, tags: [["p", carol.pubkey]] });
  expect(await found({}, ...events, hidden)).toEqual(["job", "max", "one", "profile"]);
});

describe("refused filters", () => {
  const unsupported = ['{"foo":1}', '{"#abc":["x"]}', '{"&t":["x"]}', '{"#1":["x"]}'];
  const invalid = [
    '{"kinds":"1"}',
    '{"kinds":["1"]}',
    '{"kinds":[1.5]}',
    '{"kinds":[null]}',
    '{"kinds":[true]}',
    '{"ids":[1]}',
    `{"ids":["${ID.slice(1)}"]}`,
    `{"ids":["${ID.slice(0, 8)}"]}`,
    `{"ids":["${ID.toUpperCase()}"]}`,
    `{"authors":["${ID.slice(1)}"]}`,
    `{"authors":["${ID.toUpperCase()}"]}`,
    '{"authors":null}',
    '{"authors":{}}',
    '{"#t":"x"}',
    '{"#t":[1]}',
    '{"#t":null}',
    '{"#t":["\\ud800"]}',
    `{"#e":["${ID.slice(1)}"]}`,
    '{"#p":["bob"]}',
    '{"since":"1"}',
    '{"since":null}',
    '{"since":1.5}',
    '{"until":true}',
    '{"until":1e400}',
    '{"limit":-1}',
    '{"limit":1.5}',
    '{"limit":"1"}',
    '{"limit":null}',
  ];
  test.each([
    ...unsupported.map((filter) => ["T-076 R-03-07", filter, "unsupported:"]),
    ...invalid.map((filter) => ["T-077 T-072 R-03-08", filter, "invalid:"]),
  ])("%s %s is CLOSED %s", async (_rule, filter, prefix) => {
    const a = await freshRelay().login(alice);
    await a.publish(named("it", { tags: [["t", "x"]] }));
    expect(await answer(a, filter)).toEqual({ end: prefix, events: 0 });
    // R-03-08: one bad filter refuses the whole REQ, and nothing stays open.
    expect(await answer(a, `{},${filter}`)).toEqual({ end: prefix, events: 0 });
    await a.publish(named("later"));
    expect(await a.settled()).toEqual([]);
  });
});

test.each([
  ['{"kinds":[70000]}', 0],
  ['{"kinds":[-1]}', 0],
  ['{"kinds":[70000,1]}', 1],
  ['{"until":9223372036854775807}', 1],
  ['{"until":-1}', 0],
  ['{"since":-1}', 1],
  ['{"since":9007199254740992}', 0],
  ['{"limit":9007199254740992}', 1],
])("T-078 the number table: %s gives %i events", async (filter, events) => {
  const a = await freshRelay().login(alice);
  await a.publish(named("it"));
  expect(await answer(a, filter)).toEqual({ end: "EOSE", events });
});

test.each([
  ['{"kinds":[1.0]}', 1],
  ['{"kinds":[1e0]}', 1],
  ['{"kinds":[-0]}', 0],
  ['{"limit":1e3}', 1],
  ['{"since":-0}', 1],
])("1.5 an odd spelling of a whole number is that number, or refused: %s", async (filter, events) => {
  const a = await freshRelay().login(alice);
  await a.publish(named("it"));
  expect([
    { end: "EOSE", events },
    { end: "invalid:", events: 0 },
  ]).toContainEqual(await answer(a, filter));
});

test("R-03-09 repeated items are harmless", async () => {
  const event = named("it", { tags: [["t", "x"]] });
  const filter = {
    ids: [event.id, event.id],
    authors: [bob.pubkey, bob.pubkey],
    kinds: [1, 1],
    "#t": ["x", "x"],
  };
  expect(await found(filter, event)).toEqual(["it"]);
  expect(await found({ authors: filter.authors, kinds: [1, 1] }, event)).toEqual(["it"]);
  expect(await found({ "#t": ["x", "x"] }, event)).toEqual(["it"]);
});

const thousand = Array.from({ length: 1000 }, (_, i) => i);
const hex = thousand.map((i) => i.toString(16).padStart(64, "0"));

test.each([
  ["authors", [...hex, bob.pubkey]],
  ["kinds", thousand],
  ["#t", [...thousand.map(String), "x"]],
  ["#p", [...hex, carol.pubkey]],
])("R-03-09 a list of 1000 %s works", async (key, list) => {
  const event = named("it", {
    tags: [
      ["t", "x"],
      ["p", carol.pubkey],
    ],
  });
  expect(await found({ [key]: list }, event, signed(alice, { kind: 4500, content: "other" }))).toEqual(["it"]);
});

test("R-03-09 a list of as many ids as fit in a message works", async () => {
  const event = named("it");
  const ids = Array.from({ length: 7 }, (_, n) => hex.map((id) => n + id.slice(1))).flat();
  expect(await found({ ids: [...ids, event.id] }, event, named("other"))).toEqual(["it"]);
});

test("R-03-09 1000 authors and 1000 kinds together work", async () => {
  expect(await found({ authors: [...hex, bob.pubkey], kinds: thousand }, named("it"))).toEqual(["it"]);
});

test.each([
  [{ "&t": ["x", "y"] }, ["xy", "xyz"]],
  [{ "&t": ["x"], "#t": ["x", "y", "z"] }, ["xy", "xyz"]],
  [{ "&t": ["x", "y"], "#t": ["x"] }, ["xy", "xyz"]],
  [{ "&t": ["x"], "#t": ["z"] }, ["xyz"]],
  [{ "&t": ["x"], kinds: [7] }, []],
  [{ "&t": [] }, []],
  [{ "&t": [], "#t": ["x"] }, []],
  [{ "&t": ["x"], "#t": [] }, []],
])("T-098 R-03-04 R-03-06 with AND filters on, %j matches %j", (raw, expected) => {
  const filter = parseFilter(raw, { andFilters: true });
  if (!filter.ok) throw new Error(filter.reason);
  const events = ["x", "y", "z", "xy", "yz", "xyz"].map((letters) =>
    named(letters, { tags: [...letters].map((value) => ["t", value]) }),
  );
  const matching = events.filter((event) => matches(filter.value, event, indexedTags(event)));
  expect(matching.map((event) => event.content)).toEqual(expected);
});
