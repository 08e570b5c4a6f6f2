import fc from "fast-check";
import { alike, damaged, jsonText, numberText, oddText, stringText } from "../support/json-text.ts";
import { alice, bob, carol, signed } from "../support/keys.ts";
import { filterText } from "./filter-text.ts";

// What clients send, as text: most often right, now and then damaged.

const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);
const protectedBy = (by: typeof alice) => signed(by, { tags: [["-"]] });

/** Signed events of all sorts. */
export const EVENTS = [
  signed(alice),
  signed(bob, { content: '\u0000\u001f\u007f\u2028 "quoted" \\ / <é😀\u{10fffe}\ufdd1' }),
  signed(alice, { kind: 0, content: '{"name":"a"}' }),
  signed(bob, { kind: 3, tags: [["p", alice.pubkey]] }),
  signed(alice, { kind: 4, tags: [["p", bob.pubkey]], content: "secret" }),
  signed(carol, { kind: 1059, tags: [["p", alice.pubkey]] }),
  signed(carol, {
    kind: 5,
    tags: [
      ["e", "0".repeat(64)],
      ["a", "1:2"],
    ],
  }),
  signed(carol, { kind: 62, tags: [["relay", "ALL_RELAYS"]], created_at: now - DAY }),
  signed(alice, { kind: 62, tags: [["relay", "wss://elsewhere.example"]] }),
  signed(alice, { kind: 7, tags: [[], ["d"], ["t", "x", "y"], ["e", "not an id"]] }),
  signed(alice, { kind: 6, content: JSON.stringify(protectedBy(bob)) }),
  signed(bob, { kind: 20001, tags: [["t", "x"]] }),
  signed(alice, { kind: 22242 }),
  signed(alice, { kind: 28934, tags: [["-"], ["claim", "x"]] }),
  signed(alice, {
    kind: 30023,
    tags: [
      ["d", "x"],
      ["d", "y"],
    ],
  }),
  signed(alice, { kind: 30023, tags: [] }),
  signed(alice, { kind: 5050, created_at: now - 2 * DAY }),
  signed(alice, { kind: 65535, created_at: 0 }),
  signed(alice, { created_at: now + DAY }),
  signed(alice, { tags: [["expiration", String(now - DAY)]] }),
  signed(alice, { tags: [["expiration", "soon"]] }),
  protectedBy(alice),
  protectedBy(bob),
  signed(bob, { tags: Array.from({ length: 2001 }, () => ["t", "x"]) }),
  signed(bob, { content: "x".repeat(100_001) }),
];

const MEMBERS = EVENTS.map((event) =>
  Object.entries(event).map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
);

const eventText = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...MEMBERS).chain(alike) },
  { weight: 1, arbitrary: jsonText },
);

const authText = fc.oneof(
  fc
    .constantFrom(...MEMBERS.slice(0, 3))
    .chain((members) => alike(members.map(([name, text]) => [name, name === "kind" ? "22242" : text]))),
  fc
    .constantFrom(...MEMBERS.slice(0, 3))
    .map((members) => `{${members.slice(0, -1).map(([name, text]) => `"${name}":${text}`)}}`),
  eventText,
);

const idText = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('"a"', '"b"', '"c"') },
  { weight: 2, arbitrary: stringText },
  { weight: 1, arbitrary: jsonText },
);

const hexText = fc.oneof(
  fc.constantFrom(
    '"6100000200"',
    '"61"',
    '"62"',
    '"50"',
    '""',
    '"6"',
    '"6100000300"',
    '"610000028100"',
    '"61000002FF"',
  ),
  fc
    .uint8Array({ maxLength: 30 })
    .map((bytes) => `"61${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}"`),
  stringText,
  jsonText,
);

const frame = (verb: string, ...parts: fc.Arbitrary<string>[]) =>
  fc
    .tuple(
      fc.tuple(...parts),
      fc.oneof(
        { weight: 9, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(jsonText, { maxLength: 2 }) },
      ),
    )
    .map(([own, surplus]) => `[${[JSON.stringify(verb), ...own, ...surplus].join()}]`);

const filtersText = fc.array(filterText, { maxLength: 3 });

const query = (verb: string) =>
  fc.tuple(idText, filtersText).map(([id, filters]) => `[${[`"${verb}"`, id, ...filters].join()}]`);

const usual = fc.oneof(
  { weight: 5, arbitrary: frame("EVENT", eventText) },
  { weight: 5, arbitrary: query("REQ") },
  { weight: 2, arbitrary: query("COUNT") },
  { weight: 2, arbitrary: frame("CLOSE", idText) },
  { weight: 2, arbitrary: frame("AUTH", authText) },
  { weight: 2, arbitrary: frame("NEG-OPEN", idText, filterText, hexText) },
  { weight: 2, arbitrary: frame("NEG-MSG", idText, hexText) },
  { weight: 1, arbitrary: frame("NEG-CLOSE", idText) },
  { weight: 1, arbitrary: fc.constantFrom("ping", '["PING"]', "", "[]", "PING", "[", "[[]]", "{}") },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.oneof(stringText, numberText, fc.constantFrom('"EOSE"', '"event"', '"OK"')), jsonText)
      .map((parts) => `[${parts.join()}]`),
  },
  { weight: 1, arbitrary: jsonText },
  { weight: 1, arbitrary: oddText },
);

export const MAX_MESSAGE_LENGTH = 1_048_576;

/** Blanks at its end up to a size around the largest that is served. */
const long = fc
  .tuple(usual, fc.constantFrom(MAX_MESSAGE_LENGTH - 1, MAX_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH + 1))
  .map(([text, length]) => text.padEnd(length, " "));

export const frameText: fc.Arbitrary<string> = fc.oneof(
  { weight: 60, arbitrary: damaged(usual) },
  { weight: 6, arbitrary: usual.map((text) => ` \n${text}\t `) },
  { weight: 1, arbitrary: long },
);
