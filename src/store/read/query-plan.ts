import { MAX_KIND, type TaggedEvent } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { COST } from "../../protocol/work.ts";
import { tagKey } from "../keys.ts";
import type { Sql, SqlValue } from "../sql.ts";
import type { Steps } from "../steps.ts";

/** One stretch of one index, in the order of R-03-10. */
export interface Range {
  readonly index: "id" | "kind" | "author" | "tag";
  /** Hex: the author or the tag key; empty for `kind`; for `id` up to {@link MAX_IDS} ids as a JSON list. */
  readonly key: string;
  /** Unused for `id`: it holds any kind. */
  readonly kind: number;
  /** Rows must still be checked against the whole filter: the range is wider than the filter. */
  readonly residual: boolean;
}

/** How a filter is answered: the union of some ranges. */
export interface Plan {
  readonly ranges: readonly Range[];
  /** Rows must still be checked against the whole filter; those of private kinds must in any case. */
  readonly isResidual: boolean;
  /**
   * The rows of the ranges that are not residual are visible matches, each once: they can be counted without being looked
   * at. The residual ones are of other kinds.
   */
  readonly isDisjoint: boolean;
}

/** Ranges that one REQ or COUNT may open, and those of one plan: beyond, it is refused as too large. */
export const MAX_RANGES = 20_000;

/** Ids that are looked up in one statement. */
export const MAX_IDS = 100;

/** Kinds that one plan may look up, hidden ones aside. */
const MAX_SEEKS = 2 * MAX_RANGES;

/** From this many kinds on, an author's own kinds are looked up instead of opening one range for each kind asked. */
const MANY_KINDS = 16;

/** Up to so many values a range is opened for each and each kind of a store that has few. */
const FEW_VALUES = 4;

/** Rows of a condition that are counted to find the smallest one. */
const PROBE_ROWS = 100;

/** A way into the index: what all events of a filter have in common, value by value. */
interface Entrance {
  readonly index: "author" | "tag";
  readonly letter: string;
  readonly values: readonly string[];
}

/** Letters whose values usually name one thing; the others usually name a crowd. */
const NARROW_LETTERS = "eaqiEAQI";

/**
 * Chooses bounded index ranges for a filter, so that no unrelated event is read (R-07-13). Private kinds are only ever
 * entered through the reader's own keys (R-05-28). Undefined when the plan would have more than `most` ranges. Plan and
 * refusal follow from filter, configuration, and events that the reader may see: not from what is hidden (R-05-29).
 * `stored` has the kinds of which there are events, if that is known.
 */
export function* planQuery(
  sql: Sql,
  filter: Filter,
  reader: Reader,
  most = MAX_RANGES,
  stored?: ReadonlyMap<number, number>,
): Steps<Plan | undefined> {
  if (filter.never) return { ranges: [], isResidual: false, isDisjoint: true };
  const entrances = entrancesOf(filter);
  if (filter.ids !== undefined) {
    const { authors, kinds, since, until, search } = filter;
    const residual =
      entrances.length > 0 || [authors, kinds, since, until, search].some((condition) => condition !== undefined);
    const ids = [...filter.ids];
    if (ids.length > most) return undefined;
    const ranges: Range[] = [];
    for (let i = 0; i < ids.length; i += MAX_IDS) {
      ranges.push({ index: "id", key: JSON.stringify(ids.slice(i, i + MAX_IDS)), kind: 0, residual });
    }
    return { ranges, isResidual: residual, isDisjoint: false };
  }
  const { kinds } = filter;
  const entrance = yield* narrowest(sql, entrances, filter, reader);
  const ranges: Range[] = [];
  const residual = entrances.length > 1 || filter.search !== undefined;
  const isLookedUp = kinds === undefined || kinds.size > MANY_KINDS;
  const few =
    stored !== undefined && (entrance?.values.length ?? 1) <= FEW_VALUES ? fewKinds(stored, reader) : undefined;
  let isForeign = false;
  let seeks = 0;
  for (const { index, key, isOwn } of keysOf(sql, entrance, reader)) {
    yield;
    if (!isOwn) isForeign = true;
    for (const kind of isLookedUp ? (few ?? storedKinds(sql, index, key)) : kinds) {
      const isHidden = !isOwn && reader.privateKinds.has(kind);
      if (isLookedUp) {
        yield;
        if (!isHidden && ++seeks > MAX_SEEKS) return undefined;
      }
      if (isHidden || kinds?.has(kind) === false) continue;
      if (ranges.push({ index, key, kind, residual }) > most) return undefined;
    }
  }
  const mayBeOwn = (kind: number) => (kinds?.has(kind) ?? true) && (stored?.has(kind) ?? true);
  const ownKinds = new Set(isForeign ? [...reader.privateKinds].filter(mayBeOwn) : []);
  const isUnion = entrance?.index === "tag" && entrance.values.length > 1;
  const isDisjoint = !residual && !isUnion && !ranges.some(({ kind }) => ownKinds.has(kind));
  if (ownKinds.size > 0) {
    for (const pubkey of reader.authed) {
      yield;
      ranges.push(...ownRanges(sql, pubkey, ownKinds));
    }
  }
  return ranges.length > most ? undefined : { ranges, isResidual: residual, isDisjoint };
}

/** The plan, and what it does not find of a filter's matches because their tags are not written yet. */
export function withUntagged(plan: Plan, filter: Filter, untagged: readonly TaggedEvent[] = []): Plan {
  const found = untagged.filter(({ event, tags }) => matches(filter, event, tags));
  if (found.length === 0) return plan;
  const key = JSON.stringify(found.map(({ event }) => event.id));
  const ranges: Range[] = [...plan.ranges, { index: "id", key, kind: 0, residual: true }];
  return { ranges, isResidual: true, isDisjoint: false };
}

/** The kinds of a store that has few but private ones: opening a range of each in vain costs less than looking them up. */
function fewKinds(stored: ReadonlyMap<number, number>, { privateKinds }: Reader): number[] | undefined {
  if (stored.size > MANY_KINDS + privateKinds.size) return undefined;
  const kinds = [...stored.keys()];
  return kinds.filter((kind) => !privateKinds.has(kind)).length <= MANY_KINDS ? kinds : undefined;
}

/** Which of the kinds ?1 the author ?2 has events of, and which there are below the tag ?3: one seek each. */
const OWN_KINDS = `SELECT
    group_concat(CASE WHEN EXISTS(SELECT 1 FROM event INDEXED BY event_author WHERE pubkey = unhex(?2) AND kind = value)
      THEN value END),
    group_concat(CASE WHEN EXISTS(SELECT 1 FROM tag WHERE tag.key = unhex(?3) AND kind = value) THEN value END)
  FROM json_each(?1)`;

/** Where a key's own events of these kinds are, by it and for it. Nothing is opened in vain: most keys have none. */
function ownRanges(sql: Sql, pubkey: string, kinds: ReadonlySet<number>): Range[] {
  const tag = tagKey("p", pubkey);
  const [authored, tagged] = sql.all(OWN_KINDS, JSON.stringify([...kinds]), pubkey, tag)[0] ?? [];
  return [
    ...numbersIn(authored).map((kind): Range => ({ index: "author", key: pubkey, kind, residual: true })),
    ...numbersIn(tagged).map((kind): Range => ({ index: "tag", key: tag, kind, residual: true })),
  ];
}

/** What `group_concat` gives: null for none. One row costs less than many. */
function numbersIn(list: SqlValue | undefined): number[] {
  return list === null || list === undefined ? [] : String(list).split(",").map(Number);
}

/** Keys of the ranges of an entrance, or of none: of all events. `isOwn` where all behind it is the reader's to see. */
function* keysOf(
  { meter }: Sql,
  entrance: Entrance | undefined,
  reader: Reader,
): Generator<{ index: keyof typeof NEXT_KINDS; key: string; isOwn: boolean }> {
  if (entrance === undefined) {
    yield { index: "kind", key: "", isOwn: false };
    return;
  }
  const { index, letter, values } = entrance;
  for (const value of values) {
    const isOwn = (index === "author" || letter === "p") && reader.authed.has(value);
    // The key of a longer value is its hash.
    meter.spent += COST.character * Math.max(0, value.length - 64);
    yield { index, key: index === "author" ? value : tagKey(letter, value), isOwn };
  }
}

/** All conditions that an index serves, the usually narrowest first. */
function entrancesOf(filter: Filter): Entrance[] {
  const narrow: Entrance[] = [];
  const wide: Entrance[] = [];
  // One of several values that must all be there is enough to find the event by.
  const all = filter.allOf.flatMap(([letter, values]) => [...values].map((value) => [letter, [value]] as const));
  const any = filter.anyOf.map(([letter, values]) => [letter, [...values]] as const);
  for (const [letter, values] of [...all, ...any]) {
    (NARROW_LETTERS.includes(letter) ? narrow : wide).push({ index: "tag", letter, values });
  }
  if (filter.authors !== undefined) narrow.push({ index: "author", letter: "", values: [...filter.authors] });
  return [...narrow, ...wide];
}

/** The first entrance with few rows behind it; the first of all if none has few. */
function* narrowest(
  sql: Sql,
  entrances: readonly Entrance[],
  filter: Filter,
  reader: Reader,
): Steps<Entrance | undefined> {
  if (entrances.length < 2) return entrances[0];
  for (const entrance of entrances) if (yield* isSmall(sql, entrance, filter, reader)) return entrance;
  return entrances[0];
}

/** Whether few rows that the reader may see are behind an entrance; by kind if there are no kinds in the filter. */
function* isSmall(sql: Sql, entrance: Entrance, { kinds }: Filter, reader: Reader): Steps<boolean> {
  let left = PROBE_ROWS;
  const [column, table] = entrance.index === "author" ? ["pubkey", "event"] : ["key", "tag"];
  const ofKind = `SELECT 1 FROM ${table} WHERE ${column} = unhex(?1) AND kind = ?3 LIMIT ?2 + 0`;
  const ofSpans = `SELECT 1 FROM json_each(?3) AS span CROSS JOIN ${table}
    WHERE ${table}.${column} = unhex(?1) AND kind BETWEEN span.value ->> 0 AND span.value ->> 1 LIMIT ?2 + 0`;
  const visible = JSON.stringify(spansWithout(reader.privateKinds));
  for (const { key, isOwn } of keysOf(sql, entrance, reader)) {
    for (const kind of kinds ?? [undefined]) {
      if (kind !== undefined && !isOwn && reader.privateKinds.has(kind)) continue;
      const query = kind === undefined ? ofSpans : ofKind;
      left -= Math.max(1, sql.all(query, key, left, kind ?? (isOwn ? ALL_KINDS : visible)).length);
      yield;
      if (left <= 0) return false;
    }
  }
  return true;
}

const ALL_KINDS = JSON.stringify(spansWithout(new Set()));

/** What is left of all kinds, as first and last of each stretch. */
function spansWithout(kinds: ReadonlySet<number>): [first: number, last: number][] {
  const spans: [number, number][] = [];
  let first = 0;
  for (const kind of [...kinds].sort((a, b) => a - b)) {
    if (kind > first) spans.push([first, kind - 1]);
    first = kind + 1;
  }
  if (first <= MAX_KIND) spans.push([first, MAX_KIND]);
  return spans;
}

/** Kinds that are looked up in one statement. */
const KINDS_AT_ONCE = 16;

/** The next kinds above ?1 below a key ?2, each found by one seek. */
function nextKinds(from: string): string {
  const next = (above: string) => `(SELECT min(kind) FROM ${from} kind > ${above})`;
  return `WITH RECURSIVE next(kind) AS (
      SELECT ${next("?1")} UNION ALL SELECT ${next("next.kind")} FROM next WHERE next.kind IS NOT NULL
    ) SELECT group_concat(kind) FROM (SELECT kind FROM next WHERE kind IS NOT NULL LIMIT ${KINDS_AT_ONCE})`;
}

const NEXT_KINDS = {
  kind: nextKinds("event INDEXED BY event_kind WHERE"),
  author: nextKinds("event INDEXED BY event_author WHERE pubkey = unhex(?2) AND"),
  tag: nextKinds("tag WHERE key = unhex(?2) AND"),
};

/** The kinds that are there below a key. */
function* storedKinds(sql: Sql, index: keyof typeof NEXT_KINDS, key: string): Generator<number> {
  for (let kind = -1; ; ) {
    const [row] = index === "kind" ? sql.all(NEXT_KINDS.kind, kind) : sql.all(NEXT_KINDS[index], kind, key);
    const kinds = numbersIn(row?.[0]);
    sql.meter.spent += COST.seek * (kinds.length + 1);
    yield* kinds;
    if (kinds.length < KINDS_AT_ONCE) return;
    kind = kinds.at(-1) as number;
  }
}
