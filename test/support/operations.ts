import type { Filter } from "./client.ts";
import {
  ALL_KINDS,
  BASE_TIME,
  type Draft,
  EPHEMERAL_KINDS,
  KEYS,
  PRIVATE_EPHEMERAL_KIND,
  PRIVATE_KINDS,
  randomDraft,
  type Signer,
  TIME_SPAN,
  WORDS,
} from "./drafts.ts";
import { addressOf } from "./naive-rules.ts";
import type { Oracle } from "./oracle.ts";
import type { Random } from "./random.ts";

/** One frame to send, in a form that can be printed and sent again later: what has to be signed is still a draft. */
export type Message = { name: string; on: number } & (
  | { verb: "EVENT"; draft: Draft }
  | { verb: "REQ" | "COUNT"; id: string; filters: Filter[] }
  | { verb: "CLOSE"; id: string }
  | { verb: "AUTH"; by: number; fault?: "sig" | "challenge" }
);

/** How messages are sent, and what happens around them. */
export type Step =
  /** One after the other: `isPaced` waits for each answer, otherwise they follow each other at once. */
  | { name: "send" | "query"; isPaced: boolean; messages: Message[] }
  /** From several connections at once: those of each connection in order, else in any. */
  | { name: "concurrent"; messages: Message[] }
  /** The object is evicted while `before` is under way; `after` wakes it. */
  | { name: "evict"; before: Message[]; after: Message[] }
  /** The connection closes and a new one takes its place. */
  | { name: "reconnect"; on: number; messages: Message[] };

/** What operations are made up from. */
export interface State {
  oracle: Oracle;
  signer: Signer;
}

/** Makes up the rest of a message for a connection; undefined if there is no occasion for it. */
type Generate = (random: Random, state: State, on: number) => Content | undefined;
type Content = Message extends infer M ? (M extends Message ? Omit<M, "name" | "on"> : never) : never;

/** A new kind of operation is one entry here, and its rules in the oracle. */
const MESSAGES: readonly { name: string; weight: number; generate: Generate }[] = [
  { name: "publish", weight: 20, generate: (random) => publish(randomDraft(random)) },
  {
    name: "duplicate",
    weight: 4,
    generate: (random, state) => {
      const draft = storedDraft(random, state);
      return draft && publish(random.pick([draft, { ...draft, copy: 1 }]));
    },
  },
  { name: "supersede", weight: 4, generate: (random, state) => version(random, state, random.int(1, 3)) },
  { name: "superseded", weight: 4, generate: (random, state) => version(random, state, -random.int(1, 3)) },
  { name: "tie", weight: 4, generate: (random, state) => version(random, state, 0) },
  {
    name: "resend",
    weight: 5,
    generate: (random, { signer }) =>
      signer.drafts.length === 0 ? undefined : publish(random.pick(signer.drafts.slice(-30))),
  },
  { name: "ephemeral", weight: 5, generate: (random) => publish(randomDraft(random, EPHEMERAL_KINDS)) },
  {
    name: "private",
    weight: 6,
    generate: (random) => publish(randomDraft(random, [...PRIVATE_KINDS, PRIVATE_EPHEMERAL_KIND])),
  },
  {
    name: "invalid",
    weight: 3,
    generate: (random) => {
      const draft = randomDraft(random);
      const tooLate = { ...draft, created_at: 4_000_000_000 };
      return publish(random.pick([{ ...draft, fault: "sig" as const }, { ...draft, kind: 22242 }, tooLate]));
    },
  },
  {
    name: "forge",
    weight: 2,
    generate: (random, state) => {
      const draft = storedDraft(random, state);
      return draft && publish({ ...draft, fault: random.pick(["sig", "content"] as const) });
    },
  },
  {
    name: "subscribe",
    weight: 12,
    generate: (random, state) => ({ verb: "REQ", id: random.pick(SUB_IDS), filters: randomFilters(random, state) }),
  },
  {
    name: "replace subscription",
    weight: 5,
    generate: (random, state, on) => {
      const id = openId(random, state, on);
      return id === undefined ? undefined : { verb: "REQ", id, filters: randomFilters(random, state) };
    },
  },
  {
    name: "bad subscription",
    weight: 3,
    generate: (random, state, on) => ({
      verb: "REQ",
      id: openId(random, state, on) ?? random.pick(SUB_IDS),
      filters: random.shuffle([...randomFilters(random, state), random.pick(BAD_FILTERS)]),
    }),
  },
  {
    name: "close",
    weight: 5,
    generate: (random, state, on) => ({
      verb: "CLOSE",
      id: (random.chance(0.8) ? openId(random, state, on) : undefined) ?? random.pick(SUB_IDS),
    }),
  },
  {
    name: "count",
    weight: 8,
    generate: (random, state) => ({
      verb: "COUNT",
      id: random.pick(SUB_IDS),
      filters: random.pick([privateFilter, idsFilter, randomFilters, randomFilters])(random, state),
    }),
  },
  {
    name: "bad count",
    weight: 1,
    generate: (random) => ({ verb: "COUNT", id: "bad count", filters: [random.pick(BAD_FILTERS)] }),
  },
  {
    name: "authenticate",
    weight: 2,
    generate: (random) => ({ verb: "AUTH", by: random.int(0, KEYS.length - 1) }),
  },
  {
    name: "fail to authenticate",
    weight: 1,
    generate: (random, { oracle }, on) => {
      // More than ten in a minute are refused in another way (R-05-62).
      if ((oracle.connections.get(on)?.failures ?? 0) > 3) return undefined;
      return { verb: "AUTH", by: random.int(0, KEYS.length - 1), fault: random.pick(["sig", "challenge"] as const) };
    },
  },
];

const STEPS: readonly { weight: number; generate: (random: Random, state: State) => Step }[] = [
  {
    weight: 60,
    generate: (random, state) => ({
      name: "send",
      isPaced: random.chance(0.3),
      messages: [randomMessage(random, state, randomConnection(random, state))],
    }),
  },
  {
    weight: 14,
    generate: (random, state) => {
      const on = randomConnection(random, state);
      return { name: "send", isPaced: false, messages: randomMessages(random, state, on, 2, 6) };
    },
  },
  {
    weight: 10,
    generate: (random, state) => {
      const connections = random.shuffle([...state.oracle.connections.keys()]).slice(0, 3);
      const messages = connections.flatMap((on) => randomMessages(random, state, on, 1, 2)).slice(0, 4);
      // The same event from two sides at once.
      const [first, , third] = messages;
      if (first?.verb === "EVENT" && third !== undefined && random.chance(0.3)) {
        messages[2] = { ...first, on: third.on };
      }
      return { name: "concurrent", messages };
    },
  },
  {
    weight: 10,
    generate: (random, state) => {
      const message = { name: "query", on: randomConnection(random, state), id: "query" };
      const filters = randomFilters(random, state);
      const messages: Message[] = [
        { ...message, verb: "REQ", filters },
        { ...message, verb: "CLOSE" },
      ];
      return { name: "query", isPaced: true, messages };
    },
  },
  {
    weight: 3,
    generate: (random, state) => {
      const on = randomConnection(random, state);
      const keys = random.chance(0.2) ? [] : [on, random.int(0, KEYS.length - 1)].slice(0, random.int(1, 2));
      const messages = keys.map((by): Message => ({ name: "login", on, verb: "AUTH", by }));
      return { name: "reconnect", on, messages };
    },
  },
  {
    weight: 1,
    generate: (random, state) => ({
      name: "evict",
      before: random.chance(0.5) ? randomMessages(random, state, randomConnection(random, state), 1, 3) : [],
      after: randomMessages(random, state, randomConnection(random, state), 0, 2),
    }),
  },
];

/** Names of everything that a random session may do. */
export const OPERATION_NAMES = [
  ...MESSAGES.map(({ name }) => name),
  ...["pipelined", "concurrent", "query", "reconnect", "evict"],
];

export function randomStep(random: Random, state: State): Step {
  return random.weighted(STEPS).generate(random, state);
}

function randomMessage(random: Random, state: State, on: number): Message {
  // Whoever is not logged in soon does so.
  const isLoggedIn = (state.oracle.connections.get(on)?.authed.size ?? 0) > 0;
  if (!isLoggedIn && random.chance(0.5)) return { name: "login", on, verb: "AUTH", by: on };
  for (;;) {
    const { name, generate } = random.weighted(MESSAGES);
    const content = generate(random, state, on);
    if (content !== undefined) return { name, on, ...content };
  }
}

function randomMessages(random: Random, state: State, on: number, min: number, max: number): Message[] {
  return Array.from({ length: random.int(min, max) }, () => randomMessage(random, state, on));
}

function randomConnection(random: Random, { oracle }: State): number {
  return random.pick([...oracle.connections.keys()]);
}

function publish(draft: Draft): Content {
  return { verb: "EVENT", draft };
}

function storedDraft(random: Random, { oracle, signer }: State): Draft | undefined {
  return oracle.events.length === 0 ? undefined : signer.draftOf(random.pick(oracle.events));
}

/** Another version of a stored replaceable or addressable event, so many seconds older or newer. */
function version(random: Random, { oracle, signer }: State, seconds: number): Content | undefined {
  const replaceable = oracle.events.filter((event) => addressOf(event) !== undefined);
  const draft = replaceable.length === 0 ? undefined : signer.draftOf(random.pick(replaceable));
  if (draft === undefined) return undefined;
  const { by, kind, tags } = draft;
  const created_at = Math.max(0, draft.created_at + seconds);
  return publish({ by, kind, created_at, tags, content: String(random.int(0, 99)) });
}

const SUB_IDS = ["a", "b", "c", "d:e", "日本"];

function openId(random: Random, { oracle }: State, on: number): string | undefined {
  const open = [...(oracle.connections.get(on)?.subscriptions.keys() ?? [])];
  return open.length === 0 ? undefined : random.pick(open);
}

const BAD_FILTERS: readonly Filter[] = [
  { foo: 1 },
  { "&t": ["x"] },
  { "#abc": ["x"] },
  { kinds: "1" },
  { ids: ["abc"] },
  { authors: null },
  { "#e": ["x"] },
  { since: "1" },
  { until: 1.5 },
  { limit: -1 },
];

export function randomFilters(random: Random, state: State): Filter[] {
  return Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => randomFilter(random, state));
}

function randomFilter(random: Random, { oracle }: State): Filter {
  const keys = KEYS.map(({ pubkey }) => pubkey);
  const ids = oracle.events.slice(-20).map(({ id }) => id);
  const time = () => BASE_TIME + random.int(0, TIME_SPAN);
  const conditions: Filter[] = [
    { kinds: random.some(ALL_KINDS, 1, 4) },
    { kinds: random.pick([[70000, 1], [-1], [7, 7, 1], []]) },
    { authors: random.some(keys, 1, 3) },
    { "#t": random.some(WORDS, 1, 2) },
    { "#T": [random.pick(WORDS)] },
    { "#p": random.some(keys, 1, 2) },
    { "#d": random.some(["", "x", "y:z"], 1, 2) },
    { "#e": [random.int(1, 9).toString().repeat(64)] },
    { ids: [...random.some(ids, 0, 5), "f".repeat(64)] },
    { since: time() },
    { until: random.pick([time(), time(), -1, Number.MAX_SAFE_INTEGER]) },
  ];
  const filter: Filter = Object.assign({}, ...random.some(conditions, 0, random.pick([1, 1, 2, 3])));
  if (random.chance(0.4)) filter.limit = random.pick([0, 1, 2, 5, 20, 1_000_000_000]);
  return filter;
}

/** A filter that names events, hidden ones among them. */
function idsFilter(random: Random, { oracle }: State): Filter[] {
  return [
    {
      ids: random.some(
        oracle.events.map(({ id }) => id),
        0,
        5,
      ),
    },
  ];
}

/** A filter over private kinds: confined to some keys or not. */
function privateFilter(random: Random): Filter[] {
  const keys = random.some(
    KEYS.map(({ pubkey }) => pubkey),
    1,
    2,
  );
  const kinds = random.some([...PRIVATE_KINDS, PRIVATE_EPHEMERAL_KIND], 1, 3);
  return [{ kinds, ...random.pick([{}, { authors: keys }, { "#p": keys }]) }];
}
