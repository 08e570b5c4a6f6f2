import type { Random } from "../random.ts";
import { type Draft, EPHEMERAL_KINDS, KEYS, PRIVATE_EPHEMERAL_KIND, PRIVATE_KINDS, randomDraft } from "./drafts.ts";
import { FEATURE_MESSAGES } from "./feature-operations.ts";
import { addressOf } from "./naive-rules.ts";
import { BAD_FILTERS, idsFilter, jobFilter, privateFilter, randomFilters } from "./random-filters.ts";
import { type Content, type Message, type Operation, publish, type State } from "./steps.ts";
import { SYNC_MESSAGES } from "./sync-operations.ts";

/**
 * A new kind of operation is one entry here, its verb in `steps.ts`, and its rules in the oracle. Those of one feature
 * have a table of their own.
 */
const MESSAGES: readonly Operation[] = [
  {
    name: "publish",
    weight: 20,
    generate: (random, { oracle }) => publish(randomDraft(random, undefined, oracle.now)),
  },
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
  {
    name: "ephemeral",
    weight: 5,
    generate: (random, { oracle }) => publish(randomDraft(random, EPHEMERAL_KINDS, oracle.now)),
  },
  {
    name: "private",
    weight: 6,
    generate: (random, { oracle }) =>
      publish(randomDraft(random, [...PRIVATE_KINDS, PRIVATE_EPHEMERAL_KIND], oracle.now)),
  },
  {
    name: "invalid",
    weight: 3,
    generate: (random, { oracle }) => {
      const draft = randomDraft(random, undefined, oracle.now);
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
      filters: random.pick([privateFilter, idsFilter, jobFilter, randomFilters, randomFilters])(random, state),
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
  ...FEATURE_MESSAGES,
  ...SYNC_MESSAGES,
];

/** Names of everything that a random message may do. */
export const OPERATION_NAMES = MESSAGES.map(({ name }) => name);

export function randomMessage(random: Random, state: State, on: number): Message {
  // Whoever is not logged in soon does so.
  const isLoggedIn = (state.oracle.connections.get(on)?.authed.size ?? 0) > 0;
  if (!isLoggedIn && random.chance(0.5)) return { name: "login", on, verb: "AUTH", by: on };
  for (;;) {
    const { name, generate } = random.weighted(MESSAGES);
    const content = generate(random, state, on);
    if (content !== undefined) return { name, on, ...content };
  }
}

export function randomConnection(random: Random, { oracle }: State): number {
  return random.pick([...oracle.connections.keys()]);
}

function storedDraft(random: Random, { oracle, signer }: State): Draft | undefined {
  const { events } = oracle;
  return events.length === 0 ? undefined : signer.draftOf(random.pick(events));
}

/** Another version of a stored or expired replaceable or addressable event, so many seconds older or newer. */
function version(random: Random, { oracle, signer }: State, seconds: number): Content | undefined {
  const replaceable = oracle.archive.events.filter((event) => addressOf(event) !== undefined);
  const draft = replaceable.length === 0 ? undefined : signer.draftOf(random.pick(replaceable));
  if (draft === undefined) return undefined;
  const { by, kind, tags } = draft;
  const created_at = Math.max(0, draft.created_at + seconds);
  const lasting = tags.filter(([name]) => name !== "expiration");
  return publish({ by, kind, created_at, tags: lasting, content: String(random.int(0, 99)) });
}

const SUB_IDS = ["a", "b", "c", "d:e", "日本"];

function openId(random: Random, { oracle }: State, on: number): string | undefined {
  const open = [...(oracle.connections.get(on)?.subscriptions.keys() ?? [])];
  return open.length === 0 ? undefined : random.pick(open);
}
