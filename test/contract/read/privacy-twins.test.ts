import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import type { Client, Filter, Frame } from "../../support/client.ts";
import { type Key, key, now } from "../../support/keys.ts";
import { KEYS, PRIVATE_KINDS, randomDraft, START_TIME } from "../../support/model/drafts.ts";
import { privateFilter, randomFilters } from "../../support/model/random-filters.ts";
import type { State } from "../../support/model/steps.ts";
import { Random } from "../../support/random.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { relayHolding, stock, unsigned } from "../../support/stock.ts";

// Two relays that differ only in private events of others answer with the same bytes (R-05-29).

const SEED = Math.floor(Math.random() * 2 ** 31);
const FIXED_SEEDS = [1, 2, 3];
const LISTS = 100;

const AT = now() - 1000;
const VICTIM = key(77).pubkey;
const stranger = key(9);

/** Ranges that one REQ may open. */
const ROOM = 20_000;

const hex = (n: number) => n.toString(16).padStart(64, "0");
const range = (count: number, from: number) => Array.from({ length: count }, (_, i) => from + i);
const nobodies = (count: number, from: number) => range(count, 0xabc00000 + from).map(hex);

/** Kinds of which nothing is stored, more than are opened without a look at what is there. */
const UNUSED = range(17, 41_000);

/** Every frame up to the last of an answer, as it came. */
async function answer(client: Client, message: [verb: string, id: string, ...unknown[]]): Promise<string[]> {
  client.send(message);
  const texts: string[] = [];
  for (;;) {
    const text = await client.nextText(20_000);
    texts.push(text);
    const [verb, id] = JSON.parse(text) as Frame;
    if (id === message[1] && verb !== "EVENT") break;
  }
  if (message[0] === "REQ") client.send(["CLOSE", message[1]]);
  if (message[0] === "NEG-OPEN") client.send(["NEG-CLOSE", message[1]]);
  return texts;
}

/** What is answered to filters in every way there is to ask. */
async function answers(client: Client, filters: Filter[]): Promise<string[]> {
  return [
    ...(await answer(client, ["REQ", "r", ...filters])),
    ...(await answer(client, ["COUNT", "c", ...filters])),
    ...(await answer(client, ["NEG-OPEN", "n", filters.at(-1), "6100000200"])),
  ];
}

/** Asks both, and returns what they agree on. */
async function agreed(twins: readonly Client[], filters: Filter[]): Promise<string[]> {
  const [first, second] = await Promise.all(twins.map((client) => answers(client, filters)));
  expect(first, JSON.stringify(filters).slice(0, 1000)).toEqual(second);
  return first as string[];
}

/** Filters that match nothing and leave so many ranges for those behind them. */
function leaving(room: number): Filter[] {
  const [many, few] = [Math.floor((ROOM - room) / 16), (ROOM - room) % 16];
  const filters = [{ authors: nobodies(many, 0), kinds: UNUSED.slice(0, 16) }];
  return few === 0 ? filters : [...filters, { authors: nobodies(few, 0), kinds: UNUSED.slice(0, 1) }];
}

const wraps = (count: number, kind = 1059) =>
  range(count, 0).map((i) => unsigned({ kind, created_at: AT + i, tags: [["p", VICTIM]], content: "every" }));

const toVictim = (kinds: number[]) =>
  kinds.map((kind) => unsigned({ kind, created_at: AT, tags: [["p", VICTIM]], content: "every" }));

/** A stranger at a relay that holds all, and at one that lacks the secrets. */
async function strangersAt(common: Event[], secrets: Event[]): Promise<Client[]> {
  return loginsAt([await relayHolding(...secrets, ...common), await relayHolding(...common)], stranger);
}

/** A login at each, when all texts are in the index of words. */
function loginsAt(relays: readonly TestRelay[], by: Key): Promise<Client[]> {
  return Promise.all(
    relays.map(async (relay) => {
      const client = await relay.login(by);
      await relay.ring();
      return client;
    }),
  );
}

const isRefused = (texts: string[]) => texts.filter((text) => text.includes('"blocked: query too large')).length;

test("R-05-29 whether a query is too large does not tell whether there is a wrap", { timeout: 120_000 }, async () => {
  const twins = await strangersAt(toVictim([1, 7]), wraps(1));
  const looked = { kinds: [1059, ...UNUSED] };
  for (const filter of [{ ...looked, "#p": [VICTIM] }, { ...looked, authors: [wraps(1)[0]?.pubkey] }, looked]) {
    expect(isRefused(await agreed(twins, [...leaving(0), filter]))).toBe(0);
  }
  // Kinds that may be seen do count.
  expect(isRefused(await agreed(twins, [...leaving(1), { "#p": [VICTIM] }]))).toBe(2);
  expect(isRefused(await agreed(twins, [...leaving(2), { "#p": [VICTIM] }]))).toBe(0);
});

test("R-05-29 whether a query is too large does not tell how many wraps there are", { timeout: 120_000 }, async () => {
  const crowd = { "#p": [VICTIM, ...nobodies(45, 0)], "#t": nobodies(30, 100) };
  for (const secrets of [wraps(8), wraps(9), wraps(120)]) {
    const twins = await strangersAt([], secrets);
    const texts = await agreed(twins, [...leaving(40), { ...crowd, kinds: [1059, 40_100] }]);
    // `#p` looks narrow, with 46 ranges.
    expect(isRefused(texts)).toBe(2);
    await agreed(twins, [...leaving(40), crowd]);
  }
});

test.each([
  ["REQ", 2000],
  ["COUNT", 20_000],
])(
  "R-05-29 R-05-40 that a search in a %s has left something out does not tell whether there is a wrap",
  { timeout: 120_000 },
  async (verb, most) => {
    const every = (kind: number) => (i: number) => unsigned({ kind, created_at: AT - i, content: "every" });
    // As many of kind 1 as are looked at for one message. The others make the word the larger index.
    const common = [...range(most, 0).map(every(1)), ...range(20, 0).map(every(7))];
    const [secret] = wraps(1) as [Event];
    const twins = await strangersAt(common, [secret]);
    const all = { search: "every", kinds: [1], until: AT, limit: 5000 };
    for (const id of [secret.id, hex(1), common[0]?.id]) {
      const texts = await agreed(twins, [all, { ids: [id], search: "every" }]);
      const isWhole = id !== common[0]?.id;
      if (verb === "REQ") expect(texts.includes('["EOSE","r",["finish"]]')).toBe(isWhole);
      else expect(texts.includes(`["COUNT","c",{"count":${most}}]`)).toBe(isWhole);
    }
    await agreed(twins, [{ search: "every" }, { ids: [secret.id], search: "every" }]);
  },
);

/** Private and public events of a few people. */
function randomEvents(random: Random): Event[] {
  const kinds = [1, 1, 1, 7, 45, 40_000, 5050, 7000, ...PRIVATE_KINDS, ...PRIVATE_KINDS];
  return range(150, 0).map((i) => {
    const { by, ...draft } = randomDraft(random, kinds, START_TIME);
    return unsigned({ ...draft, pubkey: KEYS[by]?.pubkey as string, content: `word${random.int(0, 5)} ${i}` });
  });
}

const READERS = { party: KEYS[0] as Key, stranger };

/** Limits that random answers run into. */
const TIGHT = { DEFAULT_LIMIT: "3", MAX_LIMIT: "10", MAX_COUNT: "10", MAX_NEG_RECORDS: "10" };

const CASES = [...FIXED_SEEDS, SEED].flatMap((seed) => [
  { seed, who: "stranger" as const, variables: seed % 2 === 0 ? TIGHT : {} },
  { seed, who: "party" as const, variables: seed % 2 === 0 ? {} : TIGHT },
]);

test.each(CASES)(
  "R-05-28 R-05-29 R-03-18 what others have in private changes no byte of any answer to a $who, seed $seed",
  { timeout: 60_000 },
  async ({ seed, who, variables }) => {
    const random = new Random(seed);
    const reader = READERS[who];
    const events = randomEvents(random);
    const isSecret = ({ kind, pubkey, tags }: Event) =>
      PRIVATE_KINDS.includes(kind) && pubkey !== reader.pubkey && !tags.some(([, value]) => value === reader.pubkey);
    const relays = [freshRelay(variables), freshRelay(variables)] as const;
    await stock(relays[0], events);
    await stock(
      relays[1],
      events.filter((event) => !isSecret(event)),
    );
    const twins = await loginsAt(relays, reader);
    const state = { oracle: { now: START_TIME, archive: { events, removed: [] } } } as unknown as State;
    const seen = new Set<string>();
    for (let n = 0; n < LISTS; n++) {
      const filters = random.chance(0.2) ? privateFilter(random) : randomFilters(random, state);
      if (random.chance(0.2)) Object.assign(random.pick(filters), { search: `word${random.int(0, 6)}` });
      for (const text of await agreed(twins, filters)) {
        const [verb, , value] = JSON.parse(text) as Frame;
        const kind = (value as Event | undefined)?.kind ?? 0;
        seen.add(verb === "EVENT" && PRIVATE_KINDS.includes(kind) ? "private EVENT" : verb);
        if (verb === "EOSE") seen.add(JSON.stringify(value));
        if (text.includes('"approximate"')) seen.add("approximate");
        if (text.includes("too big")) seen.add("too big");
      }
    }
    const expected = ["EVENT", "COUNT", "CLOSED", "NEG-MSG", "EOSE", '["more"]', '["finish"]'];
    if (who === "party") expected.push("private EVENT");
    if (variables === TIGHT) expected.push("approximate", "too big");
    for (const one of expected) expect(seen).toContain(one);
    if (who === "stranger") expect(seen).not.toContain("private EVENT");
  },
);
