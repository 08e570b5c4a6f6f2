import { type Attack, type Attacker, type Frame, fresh } from "./attack.ts";
import { endless, filterOf, heavy, live, long } from "./heavy.ts";
import { addressable, hostileText, OWNER, ownEvent, sha256, TAGGED, taggedEvent, tagsOf } from "./stocks.ts";

// The heaviest EVENT and AUTH that the limits of NIP-11 admit, and what live subscriptions make of them. A new one is one line.

const hex = (of: string | number) => sha256(`${of}`);
const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const deletion = (by: Attacker, tags: string[][]) => by.eventFrame({ kind: 5, tags });

/** A deletion of events of a stock, each once, `each` of them in a frame. */
function* deletions(by: Attacker, count: number, each: number, id: (i: number) => string): Generator<Frame> {
  for (let from = 0; from < count; from += each) {
    yield deletion(
      by,
      list(Math.min(each, count - from), (i) => ["e", id(from + i)]),
    );
  }
}

/** Content that is hard on whoever normalises, splits or parses it: 100,000 characters of each. */
const CONTENTS: Readonly<Record<string, () => string>> = {
  "marks in the worst order": () => `a${"\u0300".repeat(49_999)}${"\u0316".repeat(49_999)}`,
  "marks that decompose": () => `a${"\u0344\u0316".repeat(49_999)}`,
  "a ligature of 18": () => "\ufdfa".repeat(99_990),
  "Greek of four parts": () => "\u1f82".repeat(99_990),
  "Hangul syllables": () => "\uac01".repeat(99_990),
  "Hangul jamo": () => "\u1112\u1161\u11ab".repeat(33_330),
  "musical symbols": () => "\u{1d160}".repeat(49_990),
  "two letters and blanks": () => "a b ".repeat(24_990),
  "words that all differ": () => list(16_000, (i) => i.toString(36)).join(" "),
  "words of one letter each": () => list(49_990, (i) => String.fromCodePoint(0x4e00 + (i % 20_000))).join(" "),
  "characters without blanks": () => list(99_990, (i) => String.fromCodePoint(0x4e00 + (i % 20_000))).join(""),
  "one word": () => "a".repeat(99_990),
  hyphens: () => "a-".repeat(49_990),
  colons: () => "a:".repeat(49_990),
  escapes: () => "\u0001".repeat(80_000),
  quotes: () => '"'.repeat(99_990),
  smileys: () => "\u{1f600}".repeat(90_000),
  blanks: () => " ".repeat(99_990),
  brackets: () => "[".repeat(99_990),
  "JSON, deep": () => `${"[".repeat(49_990)}${"]".repeat(49_990)}`,
  "JSON, deep objects": () => `${'{"a":'.repeat(15_000)}1${"}".repeat(15_000)}`,
  "JSON, wide": () => JSON.stringify(Object.fromEntries(list(7000, (i) => [`k${i}`, `v${i}`]))),
  "JSON, names": () => JSON.stringify({ name: "\u0344\u0316".repeat(20_000), about: "a b ".repeat(12_000) }),
  "JSON, list of texts": () => JSON.stringify({ names: list(12_000, (i) => `n${i}`) }),
};

/** Kind 0 is the one whose content is JSON. */
const contents: readonly Attack[] = Object.entries(CONTENTS).flatMap(([name, make]) =>
  (/JSON|brackets/.test(name) ? [1, 0] : [1]).map((kind) =>
    heavy(`EVENT of kind ${kind}, content: ${name}`, (by) => {
      const content = make();
      return endless((i) => by.eventFrame({ kind, content, created_at: 1_700_000_000 + i }));
    }),
  ),
);

export const HEAVY_EVENTS: readonly Attack[] = [
  ...contents,
  heavy("gift wraps for 2,000 recipients", (by) =>
    endless((i) => by.eventFrame({ kind: 1059, tags: list(2000, (j) => ["p", hex(`${i}.${j}`)]) })),
  ),
  heavy("EVENT of 2,000 tags", (by) => endless(() => by.eventFrame({ tags: tagsOf(fresh()) }))),
  heavy("EVENT of 2,000 long tags", (by) =>
    endless(() => by.eventFrame({ tags: list(2000, (i) => ["t", `${fresh()}.${i}`.padEnd(200, "x")]) })),
  ),
  heavy("EVENT of 480 tags of 1,024 bytes", (by) =>
    endless(() => by.eventFrame({ tags: list(480, (i) => ["t", `${fresh()}.${i}`.padEnd(1024, "x")]) })),
  ),
  heavy("EVENT of 2,000 tags that name keys", (by) =>
    endless(() => by.eventFrame({ kind: 3, tags: list(2000, (i) => ["p", hex(i)]) })),
  ),
  heavy("EVENT of 2,000 tags of 100 items", (by) =>
    endless(() => by.eventFrame({ tags: list(2000, (i) => ["t", `${fresh()}.${i}`, ...list(70, () => "")]) })),
  ),
  heavy("EVENT of 100,000 empty tags", (by) => endless(() => by.eventFrame({ tags: list(100_000, () => []) }))),
  heavy("EVENT of one tag of 100,000 items", (by) =>
    endless(() => by.eventFrame({ tags: [list(100_000, () => "a")] })),
  ),
  heavy("EVENT of 2,000 tags, ephemeral", (by) =>
    endless(() => by.eventFrame({ kind: 20_001, tags: tagsOf(fresh()) })),
  ),
  heavy("EVENT of 500 kB, forged", (by) =>
    endless(() =>
      JSON.stringify(["EVENT", { ...by.event({ tags: [["x", "a".repeat(490_000)]] }), sig: "0".repeat(128) }]),
    ),
  ),
  heavy("EVENT that replaces one of 2,000 tags", (by) =>
    endless((i) => by.eventFrame({ kind: 10_002, tags: tagsOf(fresh()), created_at: 1_700_000_000 + i })),
  ),
  heavy("EVENT that replaces an addressable one of 2,000 tags", (by) =>
    endless((i) =>
      by.eventFrame({ kind: 30_023, tags: [["d", "x"], ...tagsOf(fresh(), 1999)], created_at: 1_700_000_000 + i }),
    ),
  ),
  {
    ...heavy("EVENTs that replace ones of 2,000 tags, 50 at once", (by) =>
      endless((i) => by.eventFrame({ kind: 10_002, tags: tagsOf(fresh()), created_at: 1_700_000_000 + i })),
    ),
    connections: 50,
  },
  heavy("job of 2,000 inputs", (by) =>
    endless(() => by.eventFrame({ kind: 5050, tags: list(2000, (i) => ["i", `${fresh()}.${i}`, "text"]) })),
  ),
  heavy("handler of 2,000 kinds", (by) =>
    endless((n) =>
      by.eventFrame({
        kind: 31_990,
        tags: [["d", `${n}`], ...list(1999, (i) => ["k", `${5000 + (i % 1000)}`])],
        content: "{}",
      }),
    ),
  ),
  heavy("deletion of 2,000 unknown events", (by) =>
    endless(() =>
      deletion(
        by,
        list(2000, () => ["e", hex(fresh())]),
      ),
    ),
  ),
  heavy("deletion of 2,000 unknown addresses", (by) =>
    endless(() =>
      deletion(
        by,
        list(2000, () => ["a", `30023:${by.signer.pubkey}:${fresh()}`]),
      ),
    ),
  ),
  heavy("deletion of 2,000 addresses of 200 characters", (by) =>
    endless(() =>
      deletion(
        by,
        list(2000, () => ["a", `30023:${by.signer.pubkey}:${`${fresh()}`.padEnd(130, "x")}`]),
      ),
    ),
  ),
  heavy(
    "deletion of 2,000 events of others",
    (by) =>
      endless(() =>
        deletion(
          by,
          list(2000, (i) => ["e", ownEvent(i).id]),
        ),
      ),
    {
      stock: "own",
    },
  ),
  heavy("deletion of 2,000 own events", (by) => deletions(by, 20_000, 2000, (i) => ownEvent(i).id), {
    stock: "own",
    key: OWNER,
  }),
  heavy("deletion of events of 2,000 tags each", (by) => deletions(by, TAGGED, 2000, (i) => taggedEvent(i).id), {
    stock: "tagged",
    key: OWNER,
  }),
  heavy(
    "deletion of 2,000 addresses that there are",
    (by) => [
      deletion(
        by,
        list(2000, (i) => ["a", `30023:${by.signer.pubkey}:${i}`]),
      ),
    ],
    { stock: "addresses", key: OWNER },
  ),
  heavy(
    "replacement of 2,000 addressable events",
    () =>
      (function* () {
        for (let i = 0; i < 2000; i++) yield JSON.stringify(["EVENT", addressable(i, 1)]);
      })(),
    { stock: "addresses", key: OWNER },
  ),
  heavy("request to vanish of one with 20,000 events", (by) => [vanish(by)], { stock: "own", key: OWNER }),
  heavy("request to vanish of one with events of 2,000 tags", (by) => [vanish(by)], { stock: "tagged", key: OWNER }),
  heavy("requests to vanish, with 2,000 relays", (by) =>
    endless(() =>
      by.eventFrame({ kind: 62, tags: list(2000, (i) => ["relay", `wss://r${i}.example.com/${fresh()}`]) }),
    ),
  ),
  heavy("AUTH of 2,000 relays", (by) =>
    endless(() => by.authFrame(list(2000, (i) => ["relay", `wss://r${i}.example.com`]))),
  ),
  heavy("AUTH of 29,000 short tags", (by) => endless(() => by.authFrame(list(29_000, (i) => ["relay", `${i}`])))),
  heavy("AUTH of 480 kB of text", (by) => endless(() => by.authFrame([], "a".repeat(480_000)))),
  heavy("AUTH of a relay of 400 kB", (by) => endless(() => by.authFrame([["relay", `ws://${"a.".repeat(200_000)}`]]))),

  live(
    "EVENT of 2,000 tags, asked for by 200 subscriptions",
    () => list(200, () => [{ kinds: [1] }]),
    (by) => by.eventFrame({ tags: tagsOf(fresh()) }),
  ),
  live(
    "EVENT of 2,000 tags among 65,000 values of one connection",
    () =>
      list(190, (s) => [
        filterOf(
          "#t",
          list(330, (i) => `${s}.${i}`),
        ),
      ]),
    (by) => by.eventFrame({ tags: list(2000, (i) => ["t", `${i % 190}.${i % 330}`]) }),
  ),
  live(
    "EVENT of 2,000 tags, all asked for, in 100 filters each of 200 subscriptions",
    () => list(200, () => list(100, (i) => filterOf("#t", [`v${i}`]))),
    (by) => by.eventFrame({ tags: list(2000, (i) => ["t", `v${i}`]) }),
  ),
  live(
    "EVENT against 20,000 filters that ask for one more tag",
    () => list(200, () => list(100, (i) => ({ "#t": ["x"], "#p": [hex(i)] }))),
    (by) => by.eventFrame({ tags: [["t", "x"]] }),
  ),
  live(
    "EVENT against 500 phrases of one letter",
    () => list(5, () => list(100, () => ({ kinds: [1], search: long("a-", 127), limit: 0 }))),
    (by) => by.eventFrame({ content: hostileText(fresh()) }),
  ),
  live(
    "EVENT against 20,000 searches of sixteen words",
    () => list(200, () => list(100, (i) => ({ search: `${i} ${long("a b c d e f g h i j k l m n", 30)}`, limit: 0 }))),
    (by) => by.eventFrame({ content: hostileText(fresh()) }),
  ),
  live(
    "EVENT against 20,000 searches, content in the worst order",
    () => list(200, () => list(100, (i) => ({ search: `b${i}`, limit: 0 }))),
    (by) => by.eventFrame({ content: `a${"\u0300".repeat(49_999)}${"\u0316".repeat(49_000)}${fresh()}` }),
  ),
  {
    ...live(
      "EVENT among 800,000 values of 13 connections",
      () =>
        list(190, (s) => [
          filterOf(
            "#t",
            list(320, (i) => `${s}.${i}`),
          ),
        ]),
      (by) => by.eventFrame({ tags: list(2000, (i) => ["t", `${i % 190}.${i % 320}`]) }),
    ),
    connections: 13,
  },
];

function vanish(by: Attacker): string {
  return by.eventFrame({ kind: 62, tags: [["relay", "ALL_RELAYS"]] });
}
