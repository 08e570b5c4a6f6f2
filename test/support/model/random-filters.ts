import type { Filter } from "../client.ts";
import type { Random } from "../random.ts";
import {
  ALL_KINDS,
  JOB_KINDS,
  KEYS,
  NO_JOB_KINDS,
  PRIVATE_EPHEMERAL_KIND,
  PRIVATE_KINDS,
  TIME_SPAN,
  WORDS,
} from "./drafts.ts";
import type { State } from "./steps.ts";

export const BAD_FILTERS: readonly Filter[] = [
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
  const ids = [...oracle.archive.events.slice(-20), ...oracle.archive.removed.slice(-5)].map(({ id }) => id);
  const time = () => oracle.now - random.int(0, TIME_SPAN);
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
export function idsFilter(random: Random, { oracle }: State): Filter[] {
  return [
    {
      ids: random.some(
        [...oracle.archive.events, ...oracle.archive.removed].map(({ id }) => id),
        0,
        5,
      ),
    },
  ];
}

/** A filter over private kinds: confined to some keys or not. */
export function privateFilter(random: Random): Filter[] {
  const keys = random.some(
    KEYS.map(({ pubkey }) => pubkey),
    1,
    2,
  );
  const kinds = random.some([...PRIVATE_KINDS, PRIVATE_EPHEMERAL_KIND], 1, 3);
  return [{ kinds, ...random.pick([{}, { authors: keys }, { "#p": keys }]) }];
}

/** A filter over kinds that are not kept for ever: those counted may be past their time (R-07-01). */
export function jobFilter(random: Random): Filter[] {
  return [{ kinds: random.some([...JOB_KINDS, ...NO_JOB_KINDS], 1, 6) }];
}
