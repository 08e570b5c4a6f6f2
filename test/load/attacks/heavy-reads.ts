import { sampleEvents } from "../../../bench/sample.ts";
import { type Attack, type Attacker, fresh } from "./attack.ts";
import { endless, heavy, long } from "./heavy.ts";
import { OWNER, sha256 } from "./stocks.ts";

// The heaviest REQ, COUNT and NEG-* that the limits of NIP-11 admit. A new one is one line.

const hex = (of: string | number) => sha256(`${of}`);
const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const LETTERS = [..."abcdfghijklmnoqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const PHRASE = long("a-", 127);

let known: ReturnType<typeof sampleEvents> | undefined;
/** Events of the stock "notes". */
const sample = () => (known ??= sampleEvents(20_000));
const ids = (from: number, count: number) =>
  sample()
    .slice(from, from + count)
    .map(({ id }) => id);
const authors = () =>
  sample()
    .slice(0, 200)
    .map(({ pubkey }) => pubkey);

/** Filters that are hard to answer; each is asked for by REQ, COUNT and, if there is one, by NEG-OPEN. */
const FILTERS: Readonly<Record<string, () => object[]>> = {
  everything: () => [{}],
  "everything, 100 times": () => list(100, () => ({})),
  "everything, 100 times, 5,000 of each": () => list(100, (i) => ({ limit: 5000, since: i })),
  "one kind, 100 windows": () =>
    list(100, (i) => ({ kinds: [1], since: 1_700_000_000 + i, until: 1_700_019_000 + i, limit: 5000 })),
  "7,000 unknown ids": () => [{ ids: list(7000, hex) }],
  "7,000 known ids": () => [{ ids: ids(0, 7000), limit: 5000 }],
  "70 known ids, 100 times": () => list(100, (i) => ({ ids: ids(i * 70, 70) })),
  "7,000 unknown authors": () => [{ authors: list(7000, hex) }],
  "7,000 authors of 20 kinds": () => [{ authors: list(7000, hex), kinds: list(20, (i) => i) }],
  "200 authors of 1,000 kinds": () => [{ authors: authors(), kinds: list(1000, (i) => i), limit: 5000 }],
  "140 authors of 145 kinds, none there": () => [{ authors: list(140, hex), kinds: list(145, (i) => i) }],
  "70 authors of 100 kinds, 100 times": () =>
    list(100, (n) => ({ authors: list(70, (i) => hex(n * 70 + i)), kinds: list(100, (i) => i) })),
  "200 authors by each kind, 38 times": () =>
    list(38, (i) => ({ authors: authors(), kinds: [1, 7, 9, 1111, 30_078, i], limit: 5000 })),
  "65,000 kinds": () => [{ kinds: list(65_000, (i) => i) }],
  "one kind, named 250,000 times": () => [{ kinds: list(250_000, () => 1), limit: 1 }],
  "65,000 kinds and 900 authors": () => [{ kinds: list(65_000, (i) => i), authors: list(900, hex) }],
  "65,000 values of a tag": () => [{ "#t": list(65_000, (i) => i.toString(36)) }],
  "650 values of a tag, 100 times": () => list(100, (n) => ({ "#t": list(650, (i) => (n * 650 + i).toString(36)) })),
  "50 topics, 100 times": () => list(100, () => ({ "#t": list(50, (i) => `topic-${i}`), limit: 5000 })),
  "50 topics of 200 authors, 30 times": () =>
    list(30, () => ({ "#t": list(50, (i) => `topic-${i}`), authors: authors(), limit: 5000 })),
  "7,000 e tags": () => [{ "#e": list(7000, (i) => i.toString(16).padStart(64, "0")), limit: 5000 }],
  "7,000 p tags": () => [{ "#p": list(7000, hex) }],
  "1,000 values of each of 50 letters": () => [
    Object.fromEntries(LETTERS.map((letter) => [`#${letter}`, list(1000, (i) => i.toString(36))])),
  ],
  "all letters, 100 times": () =>
    list(100, (n) => Object.fromEntries(LETTERS.map((letter) => [`#${letter}`, list(10, (i) => `${n}.${i}`)]))),
  "two tags that never meet": () => [{ "#t": ["topic-1"], "#p": [hex("nobody")] }],
  "two tags that rarely meet, 100 times": () =>
    list(100, (i) => ({ "#t": ["topic-1", "topic-2"], "#p": [sample()[i]?.pubkey], kinds: [7] })),
  "kind and tag that never meet": () => list(100, () => ({ kinds: [1], "#d": ["x"], "#t": ["topic-1"] })),
  "own events by a tag": () => list(100, (i) => ({ "#t": [`own-${i}`], limit: 5000 })),
  "search, one common word": () => [{ search: "a", limit: 5000 }],
  "search, 100 times sixteen words": () => list(100, (i) => ({ search: `${i} a b c d e f g h i j k l m n o` })),
  "search, a phrase": () => [{ search: PHRASE, limit: 10 }],
  "search, a phrase, 100 times": () => list(100, (i) => ({ search: PHRASE, kinds: [1, i] })),
  "search, sixteen phrases": () => [{ search: list(16, (i) => long("a-", 5) + i).join(" ") }],
  "search, marks": () => list(100, () => ({ search: `a${"\u0300".repeat(120)}${"\u0316".repeat(120)}` })),
  "search, ligatures": () => list(100, () => ({ search: "\ufdfa".repeat(250) })),
  "search, blanks": () => list(100, () => ({ search: " ".repeat(5000) })),
  "search, too long": () => [{ search: "a ".repeat(250_000) }],
  "search and authors": () => [{ search: "a", authors: list(6000, hex), limit: 5000 }],
  "unknown elements": () => list(100, () => Object.fromEntries(list(450, (i) => [`u${i}`, i]))),
  "wrong at the end": () => [...list(99, () => ({ ids: ids(0, 70) })), { ids: [1] }],
};

/** Which stock a filter is asked of. */
function stockOf(name: string): Partial<Attack> {
  if (name.startsWith("search")) return { stock: "texts" };
  return { stock: name.startsWith("own") ? "own" : "notes", ...(name.startsWith("own") && { key: OWNER }) };
}

const asked: readonly Attack[] = Object.entries(FILTERS).flatMap(([name, make]) => [
  ...["REQ", "COUNT"].map((verb) =>
    heavy(
      `${verb}: ${name}`,
      () => {
        const frame = JSON.stringify([verb, "x", ...make()]);
        return endless(() => frame);
      },
      stockOf(name),
    ),
  ),
  // A sync has one filter.
  ...(name.includes("times")
    ? []
    : [
        heavy(
          `NEG-OPEN: ${name}`,
          () => {
            const frame = JSON.stringify(["NEG-OPEN", "x", make()[0], "6100000200"]);
            return endless(() => frame);
          },
          stockOf(name),
        ),
      ]),
]);

/** Seconds of the stock's first event: before it there is nothing. */
const FIRST = 1_700_000_000;

function varint(value: number): string {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80);
  return Buffer.from(digits).toString("hex");
}

/** A sync message of so many ranges of a second each, with what is said about each. Messages end at 260 kB. */
function ranges(count: number, payload: string): string {
  return `61${varint(FIRST + 1)}0000${list(count, () => `0200${payload}`).join("")}`;
}

const MESSAGES: Readonly<Record<string, () => string>> = {
  "13,000 fingerprints": () => ranges(13_000, `01${"ab".repeat(16)}`),
  "60,000 empty lists": () => ranges(60_000, "0200"),
  "80,000 skips": () => ranges(80_000, "00"),
  "7,000 lists of an id": () => ranges(7000, `0201${hex("id")}`),
  "7,000 ids": () => `61000002${varint(7000)}${list(7000, hex).join("")}`,
  "no hex": () => "zz".repeat(250_000),
  nonsense: () => `61${"ff".repeat(250_000)}`,
};

const syncs: readonly Attack[] = Object.entries(MESSAGES).flatMap(([name, make]) => [
  heavy(`NEG-OPEN with ${name}`, () => syncFrames("NEG-OPEN", make()), { stock: "notes" }),
  heavy(`NEG-MSG with ${name}`, () => syncFrames("NEG-MSG", make()), { stock: "notes", before: openAll }),
]);

function syncFrames(verb: string, message: string) {
  const frame = JSON.stringify(verb === "NEG-OPEN" ? [verb, "x", {}, message] : [verb, "x", message]);
  return endless(() => frame);
}

async function openAll(by: Attacker): Promise<void> {
  await by.ask('["NEG-OPEN","x",{},"6100000200"]');
}

/** Opened with a great many values: their index is built and taken down. */
const values = (subscription: number) => ({ "#t": list(325, (i) => `${subscription}.${i}`), limit: 0 });

export const HEAVY_READS: readonly Attack[] = [
  ...asked,
  ...syncs,
  heavy("REQ: 200 subscriptions of 65,000 values", () =>
    endless((i) => JSON.stringify(["REQ", `${i % 200}`, values(i)])),
  ),
  heavy("REQ: 65,000 values, replaced each time", () =>
    endless((n) => JSON.stringify(["REQ", "x", { "#t": list(60_000, (i) => (n + i).toString(36)), limit: 0 }])),
  ),
  heavy("REQ: 7,000 authors, replaced each time", () =>
    endless((n) => JSON.stringify(["REQ", "x", { authors: list(7000, (i) => hex(n * 7 + i)), limit: 0 }])),
  ),
  heavy(
    "REQ: all values, then the connection ends",
    () => endless(() => JSON.stringify(["REQ", `${fresh() % 200}`, values(fresh())])),
    {
      connections: 15,
    },
  ),
  {
    ...heavy("NEG-OPEN: 50 connections, everything", () => syncFrames("NEG-OPEN", "6100000200"), { stock: "notes" }),
    connections: 50,
  },
  {
    ...heavy("COUNT: 50 connections, everything", () => endless(() => '["COUNT","x",{}]'), { stock: "notes" }),
    connections: 50,
  },
  {
    ...heavy(
      "REQ: 50 connections, 100 filters of 5,000",
      () => {
        const frame = JSON.stringify(["REQ", "x", ...list(100, (i) => ({ kinds: [1], limit: 5000, since: i }))]);
        return endless(() => frame);
      },
      { stock: "notes" },
    ),
    connections: 50,
  },
  heavy("COUNT with HyperLogLog", () => endless(() => `["COUNT","x",{"#t":["topic-1"],"kinds":[1]}]`), {
    stock: "notes",
  }),
];
