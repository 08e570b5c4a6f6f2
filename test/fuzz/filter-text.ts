import fc from "fast-check";
import { jsonText, memberName, numberText, objectText, oddText } from "../support/json-text.ts";

// Events and filters over the same few values, so that they often meet.

export const KEYS = ["a", "b", "c"].map((digit) => digit.repeat(64));
export const IDS = ["1", "2", "3", "4"].map((digit) => digit.repeat(64));
const WORDS = ["x", "y", "", "a b", "é", "__proto__"];
const LETTERS = ["t", "T", "d", "e", "p", "q"];

/** Texts with words that queries ask for. */
const content = fc.oneof(
  fc
    .array(fc.constantFrom("Fox", "dog", "a1", "lazy", "x", "日本", "it's"), { maxLength: 6 })
    .map((words) => words.join(" ")),
  fc
    .array(fc.constantFrom("fox", "-", "dog", ".", "\n", ":", "fox_", "foxy", "fox9", "9", "z", "`", "{", "/"), {
      maxLength: 6,
    })
    .map((parts) => parts.join("")),
  fc.array(oddText, { maxLength: 2 }).map((texts) => JSON.stringify({ name: "fox", about: ["dog", ...texts] })),
  oddText.map((text) => text.toWellFormed()),
);

const query = fc.oneof(
  fc
    .array(fc.constantFrom("fox", "DOG", "a1", "x", "it's", "fox.dog", "lang:en", "-", "日", "foxy", "y"), {
      maxLength: 4,
    })
    .map((words) => words.join(" ")),
  oddText,
  fc.constantFrom("fox ".repeat(20), "dog ".repeat(63), "x".repeat(300)),
);

const tag = fc.oneof(
  fc.tuple(fc.constantFrom(...LETTERS), fc.constantFrom(...WORDS, ...KEYS, ...IDS)),
  fc.tuple(fc.constantFrom(...LETTERS)),
  fc.array(
    oddText.map((text) => text.toWellFormed()),
    { maxLength: 3 },
  ),
);

export const event = fc.record({
  id: fc.constantFrom(...IDS),
  pubkey: fc.constantFrom(...KEYS),
  created_at: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constantFrom(1_700_000_000, Number.MAX_SAFE_INTEGER)),
  kind: fc.constantFrom(0, 1, 4, 7, 1059, 20001, 30023, 31990, 65535),
  tags: fc.array(tag, { maxLength: 4 }),
  content,
  sig: fc.constant("0".repeat(128)),
});

const listOf = (values: readonly string[]) =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.array(fc.constantFrom(...values), { maxLength: 3 }).map((items) => JSON.stringify(items)),
    },
    { weight: 1, arbitrary: fc.array(jsonText, { maxLength: 2 }).map((items) => `[${items.join()}]`) },
    { weight: 1, arbitrary: jsonText },
  );

const tagKey = fc.tuple(fc.constantFrom("#", "#", "&"), fc.constantFrom(...LETTERS)).map((parts) => parts.join(""));

const member: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.tuple(fc.constant("ids"), listOf(IDS)),
  fc.tuple(fc.constant("authors"), listOf(KEYS)),
  fc.tuple(
    fc.constant("kinds"),
    fc.oneof(
      fc
        .array(fc.oneof(fc.constantFrom("1", "0", "1059", "30023"), numberText), { maxLength: 4 })
        .map((items) => `[${items.join()}]`),
      jsonText,
    ),
  ),
  fc.tuple(
    fc.constantFrom("since", "until", "limit"),
    fc.oneof(fc.integer({ min: -1, max: 11 }).map(String), numberText, jsonText),
  ),
  tagKey.chain((key) =>
    fc.tuple(fc.constant(key), "ep".includes(key.charAt(1)) ? listOf([...KEYS, ...IDS]) : listOf(WORDS)),
  ),
  fc.tuple(
    fc.constant("search"),
    fc.oneof(
      query.map((text) => JSON.stringify(text)),
      jsonText,
    ),
  ),
  fc.tuple(fc.oneof(memberName, fc.constantFrom("#", "##", "#ab", "#1", "#é", "&")), jsonText),
);

/** Both conditions on one letter. */
const pair = fc
  .tuple(fc.constantFrom(...LETTERS), fc.tuple(listOf(WORDS), listOf(WORDS)))
  .map(([letter, [any, all]]): [string, string][] => [
    [`#${letter}`, any],
    [`&${letter}`, all],
  ]);

/** A filter as JSON text: most often well formed, and now and then anything. */
export const filterText = fc.oneof(
  { weight: 12, arbitrary: fc.array(member, { maxLength: 4 }).map(objectText) },
  { weight: 2, arbitrary: fc.tuple(pair, fc.array(member, { maxLength: 1 })).map((parts) => objectText(parts.flat())) },
  { weight: 1, arbitrary: jsonText },
);
