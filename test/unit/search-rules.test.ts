import { describe, expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import { parseFilter } from "../../src/protocol/filter.ts";
import { matchesSearch, parseSearch, scoreSearch } from "../../src/protocol/search/search.ts";
import { searchableText, searchTokens } from "../../src/protocol/search/search-text.ts";

const NONE: ReadonlySet<number> = new Set();

function event(content: string, kind = 1): Event {
  return { id: "", pubkey: "", created_at: 0, kind, tags: [], content, sig: "" };
}

function query(text: string) {
  const parsed = parseSearch(text, NONE);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function finds(search: string, content: string, kind = 1): boolean {
  const parsed = query(search);
  return parsed === undefined || matchesSearch(parsed, event(content, kind));
}

test.each<[string, string[]]>([
  ["", []],
  ["Hello, World-wide 42!", ["hello", "world", "wide", "42"]],
  ["don't", ["don", "t"]],
  ["Cafe\u0301 ＦＵＬＬ ﬁne", ["cafe", "full", "fine"]],
  ["ΟΔΟΣ οδος", ["οδοσ", "οδοσ"]],
  ["Zürich naïve Łódź Øre İstanbul ẤN", ["zurich", "naive", "lodz", "ore", "istanbul", "an"]],
  ["Ἀθῆναι Ёлка й", ["αθηναι", "елка", "и"]],
  // Marks that make another word are kept.
  ["한국 हिंदी ガ שָׁלוֹם", ["한국", "हिंदी", "ガ", "שָׁלוֹם".normalize("NFC")]],
  ["I ❤️ 👍🏽👩‍🚀🇩🇪x", ["i", "❤", "👍", "👩", "🚀", "🇩🇪", "x"]],
  ["東京タワー is", ["東", "京", "タ", "ワ", "ー", "is"]],
  ["a\u0000b\nc", ["a", "b", "c"]],
  ["-- !? .", []],
])("R-05-39 the tokens of %j", (text, tokens) => expect(searchTokens(text)).toEqual(tokens));

test("R-05-39 every token is one token of SQLite's ascii tokenizer", () => {
  for (let from = 0; from < 0x110000; from += 64) {
    let text = "";
    for (let code = from; code < from + 64; code++)
      if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
    for (const token of searchTokens(text)) expect(token).toMatch(/^[a-z0-9\u0080-\u{10ffff}]+$/u);
  }
});

test.each([
  ["nostr relay", "A Relay for NOSTR", true],
  ["nostr relay", "nostr only", false],
  ["nost", "nostr", false],
  ["world-wide", "the world, wide open", true],
  ["world-wide", "wide world", false],
  ["CAFÉ", "cafe\u0301", true],
  ["京タ", "東京タワー", true],
  ["🚀", "to the moon🚀!", true],
  ["language:en nostr", "nostr", true],
  ["language:en nostr", "language en", false],
  ["domain:example.com", "anything", true],
  ["https://example.com/a", "see https://example.com/a.", true],
  ["https://example.com/a", "https example", false],
  ["tom & jerry", "Jerry, Tom", true],
  ["   ", "anything", true],
  ["!!!", "anything!!!", false],
])("R-05-39 %j in %j: %s", (search, content, expected) => expect(finds(search, content)).toBe(expected));

test.each([
  [0, '{"name":"Bob","about":{"deep":["Builder"]},"n":7}', "bob builder", true],
  [0, '{"name":"Bob"}', "name", false],
  [31990, '{"name":"Translator"}', "translator", true],
  [0, "no JSON", "json", true],
  [1, '{"name":"Bob"}', "name", true],
])("R-05-39 kind %i with content %s and search %j: %s", (kind, content, search, expected) => {
  expect(finds(search, content, kind)).toBe(expected);
});

test("R-05-39 nesting and length of a text are bounded", () => {
  const nested = `${'{"a":'.repeat(20000)}"deep"${"}".repeat(20000)}`;
  expect(searchableText(event(nested, 0))).toBe("");
  expect(searchTokens("ﷺ".repeat(1_000_000)).length).toBeLessThanOrEqual(100_000);
});

test("R-05-40 more occurrences and shorter texts score higher; private kinds do not match", () => {
  const search = query("nostr") ?? expect.fail();
  const scores = ["nostr nostr", "nostr", "nostr among many other words"].map((content) =>
    scoreSearch(search, event(content)),
  );
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(new Set(scores).size).toBe(3);
  expect(matchesSearch({ ...search, exceptKinds: new Set([4]) }, event("nostr", 4))).toBe(false);
});

describe("filters", () => {
  test("T-076 R-03-07 search is unsupported when it is off", () => {
    const refused = { ok: false, reason: expect.stringMatching(/^unsupported: /) };
    expect(parseFilter({ search: "x" }, { andFilters: false })).toEqual(refused);
  });

  test.each([
    1,
    null,
    ["x"],
    "x".repeat(257),
    "\ud800",
    Array.from({ length: 17 }, (_, i) => `w${i}`).join(" "),
    "a.".repeat(65),
  ])("R-03-08 search %j is invalid", (search) => {
    const refused = { ok: false, reason: expect.stringMatching(/^invalid: /) };
    expect(parseFilter({ search }, { andFilters: false, search: { exceptKinds: NONE } })).toEqual(refused);
  });
});
