import fc from "fast-check";

// What a session with the store is made of, as plain data: it is printed when it fails.

/** A value of a tag; keys and events are named by number. */
export type Value = string | { key: number } | { event: number } | { address: [kind: number, key: number, d: string] };

/** Some events that differ in their content, and are a second apart where `at` has room. */
export interface Draft {
  by: number;
  kind: number;
  /** Seconds after the first that an event may have. */
  at: number;
  tags: [name: string, ...values: Value[]][];
  content: string;
  /** Seconds after `START`. */
  expires: number | undefined;
  times: number;
}

export interface Conditions {
  ids?: number[];
  authors?: number[];
  kinds?: number[];
  since?: number;
  until?: number;
  limit?: number;
  search?: string;
  any?: [letter: string, values: Value[]][];
  all?: [letter: string, values: Value[]][];
}

export interface Question {
  filters: Conditions[];
  authed: number[];
  /** Seconds after `START`. */
  now: number;
  /** Events of a page. */
  page: number;
  /** Positions that are not seen, counted from the newest. */
  unseen: number;
  /** What is stored after the first page. */
  meanwhile: Draft[];
  limits: { defaultLimit: number; maxLimit: number; maxCandidates: number };
  maxCount: number;
}

export type Step =
  | { put: Draft[] }
  | { again: number }
  | { erase: number }
  | { cleanUpAt: number }
  | { reopen: true }
  | { ask: Question };

/** Unix seconds of the first event. */
export const START = 1_700_000_000;
export const KEYS = ["a", "b", "c", "d"].map((digit) => digit.repeat(64));

const DAY = 86_400;
const WEEK = 604_800;
const KINDS = [1, 1, 1, 0, 7, 4, 1059, 10002, 30023, 30023, 5000, 6000, 7000, 5128];
const WORDS = ["x", "y", "", "é😀", "v".repeat(31), "v".repeat(32), "w".repeat(1024), "w".repeat(5000)];
const TERMS = ["fox", "Dog", "a1", "日本", "x.y", "ς", "🦊", "-"];

const number = fc.nat({ max: 3 });
const eventNumber = fc.nat({ max: 30 });
const key = number.map((key): Value => ({ key }));
const anEvent = eventNumber.map((event): Value => ({ event }));
const d = fc.constantFrom("", "x", "d".repeat(5000));
const address = fc.tuple(fc.constantFrom(0, 10002, 30023, 30023, 1), fc.option(number, { nil: undefined }), d);
const word = fc.oneof(fc.constantFrom<Value>("x", "y"), fc.constantFrom<Value>(...WORDS));
const time = fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 60 }));
/** The first and the last second that there is. */
const edge = fc.constantFrom(-START, Number.MAX_SAFE_INTEGER - START);
const at = fc.oneof({ weight: 15, arbitrary: time }, { weight: 1, arbitrary: edge });
const text = fc.array(fc.constantFrom(...TERMS), { maxLength: 4 }).map((terms) => terms.join(" "));
const later = fc.oneof(time, fc.constantFrom(DAY, WEEK, DAY + 3, WEEK + 3, DAY + 70, WEEK + 70));

const tag = fc.oneof(
  fc.tuple(fc.constantFrom("t", "d", "T"), word),
  fc.tuple(fc.constant("p"), key),
  fc.tuple(fc.constant("e"), anEvent),
  fc.constantFrom<[string, ...Value[]]>(["d"], ["t"], ["t", "x", "y"], ["p", "nobody"], ["topic", "x"], ["d", "x"]),
);

/** Both of what a filter may ask for. */
const twoTags = fc.constantFrom<Draft["tags"]>(
  [
    ["t", "x"],
    ["t", "y"],
  ],
  [
    ["p", { key: 0 }],
    ["p", { key: 1 }],
  ],
  [
    ["e", { event: 0 }],
    ["e", { event: 1 }],
  ],
);

const usual = fc.record({
  by: number,
  kind: fc.constantFrom(...KINDS),
  at,
  tags: fc.oneof({ weight: 5, arbitrary: fc.array(tag, { maxLength: 3 }) }, { weight: 1, arbitrary: twoTags }),
  content: text,
  expires: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: later }),
  times: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 60 }) }),
});

/** Deletions, of their author's own addresses for the most part, and requests to vanish. */
const erasure = fc
  .tuple(usual, fc.constantFrom(5, 5, 5, 62), fc.array(fc.oneof(anEvent, address), { minLength: 1, maxLength: 3 }))
  .map(([draft, kind, targets]): Draft => {
    const tags = targets.map((target): Draft["tags"][number] => {
      if (!Array.isArray(target)) return ["e", target];
      const [kind, key, d] = target;
      return ["a", { address: [kind, key ?? draft.by, d] }];
    });
    return { ...draft, kind, tags: [...tags, ...draft.tags], times: 1, expires: undefined };
  });

const draft: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 12, arbitrary: usual as fc.Arbitrary<Draft> },
  { weight: 2, arbitrary: erasure },
);

const values = (value: fc.Arbitrary<Value>) => fc.array(value, { maxLength: 3 });
const onLetter = fc.oneof(
  fc.tuple(fc.constantFrom("t", "t", "d", "T"), values(word)),
  fc.tuple(fc.constant("p"), values(key)),
  fc.tuple(fc.constant("e"), values(anEvent)),
);
const manyKinds = fc.constant([...KINDS, ...Array.from({ length: 20 }, (_, i) => 9000 + i)]);

const NAMES = [
  "ids",
  "authors",
  "authors",
  "kinds",
  "kinds",
  "since",
  "until",
  "limit",
  "search",
  "any",
  "any",
  "all",
] as const;

/** Mostly a few at a time, so that there is something to find. */
const conditions: fc.Arbitrary<Conditions> = fc
  .tuple(
    fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }),
    fc.record({
      ids: fc.array(eventNumber, { maxLength: 5 }),
      authors: fc.array(number, { maxLength: 3 }),
      kinds: fc.oneof(
        fc.array(fc.constantFrom(...KINDS, 5, 62, 65535), { maxLength: 4 }),
        manyKinds,
        fc.constant([4, 1059]),
      ),
      since: fc.oneof(at, fc.constantFrom(-START - 1, 2 ** 53)),
      until: fc.oneof(at, fc.constantFrom(-START - 1, 2 ** 53)),
      limit: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 80 }), fc.constant(10 ** 9)),
      search: text,
      any: fc.array(onLetter, { minLength: 1, maxLength: 2 }),
      all: fc.array(onLetter, { minLength: 1, maxLength: 1 }),
    }),
  )
  .map(([names, whole]) => Object.fromEntries(names.map((name) => [name, whole[name]])));

const question: fc.Arbitrary<Question> = fc.record({
  filters: fc.array(conditions, { minLength: 1, maxLength: 4 }),
  authed: fc.subarray([0, 1, 2, 3]),
  now: later,
  page: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(1000)),
  unseen: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) }),
  meanwhile: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Draft[]>([]) },
    { weight: 1, arbitrary: fc.array(draft, { maxLength: 3 }) },
  ),
  limits: fc.constantFrom(
    { defaultLimit: 3, maxLimit: 5, maxCandidates: 20_000 },
    { defaultLimit: 25, maxLimit: 60, maxCandidates: 20_000 },
    { defaultLimit: 500, maxLimit: 5000, maxCandidates: 20_000 },
    { defaultLimit: 500, maxLimit: 5000, maxCandidates: 5 },
  ),
  maxCount: fc.oneof(fc.constant(10_000), fc.integer({ min: 1, max: 20 })),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ put: fc.array(draft, { minLength: 1, maxLength: 12, size: "max" }) }) },
  { weight: 1, arbitrary: fc.record({ again: eventNumber }) },
  { weight: 1, arbitrary: fc.record({ erase: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ cleanUpAt: later }) },
  { weight: 1, arbitrary: fc.constant<Step>({ reopen: true }) },
  { weight: 8, arbitrary: fc.record({ ask: question }) },
);

export const session: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 2, maxLength: 24, size: "max" });
