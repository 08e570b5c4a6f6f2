import type { Filter } from "../protocol/filter.ts";
import type { Reader } from "../protocol/visibility.ts";
import { tagKey } from "./keys.ts";
import type { Sql, SqlValue } from "./sql.ts";
import type { Steps } from "./steps.ts";

/** One stretch of one index, in the order of R-03-10. */
export interface Range {
  readonly index: "id" | "kind" | "author" | "tag";
  /** Hex: the author or the tag key; empty for `kind`; for `id` up to {@link MAX_IDS} ids as a JSON list. */
  readonly key: string;
  /** Unused for `id`: it holds any kind. */
  readonly kind: number;
  /** Rows must still be held against the whole filter: the range is wider than the filter. */
  readonly residual: boolean;
}

/** How a filter is answered: the union of some ranges. */
export interface Plan {
  readonly ranges: readonly Range[];
  /** The rows of the ranges are the visible matches, each once: they can be counted without being looked at. */
  readonly isExact: boolean;
  /** The same holds for the ranges that are not residual, and the others are of other kinds. */
  readonly isDisjoint: boolean;
}

/** Ranges that one REQ or COUNT may open, and those of one plan: beyond, it is refused as too large. */
export const MAX_RANGES = 20_000;

/** Ids that are looked up in one statement. */
export const MAX_IDS = 100;

/** Kinds that one plan may look up. */
const MAX_SEEKS = 2 * MAX_RANGES;

/** From this many kinds on, an author's own kinds are looked up instead of opening one range for each kind asked. */
const MANY_KINDS = 16;

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
 * entered through the reader's own keys (R-05-28), so that what is hidden costs and shows nothing. Undefined when the
 * plan would have more than `most` ranges.
 */
export function* planQuery(sql: Sql, filter: Filter, reader: Reader, most = MAX_RANGES): Steps<Plan | undefined> {
  if (filter.never) return { ranges: [], isExact: true, isDisjoint: true };
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
    return { ranges, isExact: false, isDisjoint: false };
  }
  const entrance = yield* narrowest(sql, entrances, filter);
  const ranges: Range[] = [];
  const ownKinds = new Set<number>();
  const residual = entrances.length > 1 || filter.search !== undefined;
  let seeks = 0;
  for (const { index, key, isOwn } of keysOf(entrance, reader)) {
    yield;
    for (const kind of kindsToOpen(sql, index, key, filter.kinds)) {
      if (kind === undefined) {
        if (++seeks > MAX_SEEKS) return undefined;
        yield;
      } else if (reader.privateKinds.has(kind) && !isOwn) ownKinds.add(kind);
      else if (ranges.push({ index, key, kind, residual }) > most) return undefined;
    }
  }
  const isUnion = entrance?.index === "tag" && entrance.values.length > 1;
  const isDisjoint = !residual && !isUnion && !ranges.some(({ kind }) => ownKinds.has(kind));
  for (const kind of ownKinds) {
    for (const pubkey of reader.authed) {
      ranges.push({ index: "author", key: pubkey, kind, residual: true });
      ranges.push({ index: "tag", key: tagKey("p", pubkey), kind, residual: true });
    }
  }
  const isExact = isDisjoint && ownKinds.size === 0;
  return ranges.length > most ? undefined : { ranges, isExact, isDisjoint };
}

/** Keys of the ranges of an entrance, or of none: of all events. `isOwn` where all behind it is the reader's to see. */
function* keysOf(
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
    yield { index, key: rangeKey(entrance, value), isOwn };
  }
}

function rangeKey(entrance: Entrance, value: string): string {
  return entrance.index === "author" ? value : tagKey(entrance.letter, value);
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
function* narrowest(sql: Sql, entrances: readonly Entrance[], filter: Filter): Steps<Entrance | undefined> {
  if (entrances.length < 2) return entrances[0];
  for (const entrance of entrances) if (yield* isSmall(sql, entrance, filter)) return entrance;
  return entrances[0];
}

function* isSmall(sql: Sql, entrance: Entrance, filter: Filter): Steps<boolean> {
  let left = PROBE_ROWS;
  for (const value of entrance.values) {
    const [column, table] = entrance.index === "author" ? ["pubkey", "event"] : ["key", "tag"];
    const key = rangeKey(entrance, value);
    for (const kind of filter.kinds ?? [undefined]) {
      const query = `SELECT 1 FROM ${table} WHERE ${column} = unhex(?1) ${kind === undefined ? "" : "AND kind = ?3"} LIMIT ?2 + 0`;
      const bindings: SqlValue[] = kind === undefined ? [key, left] : [key, left, kind];
      left -= Math.max(1, sql.all(query, ...bindings).length);
      yield;
      if (left <= 0) return false;
    }
  }
  return true;
}

/** Kinds that are looked up in one statement. */
const KINDS_AT_ONCE = 16;

/** The next kinds above ?1 below a key ?2, each found by one seek. */
function nextKinds(from: string): string {
  const next = (above: string) => `(SELECT min(kind) FROM ${from} kind > ${above})`;
  return `WITH RECURSIVE next(kind) AS (
      SELECT ${next("?1")} UNION ALL SELECT ${next("next.kind")} FROM next WHERE next.kind IS NOT NULL
    ) SELECT kind FROM next WHERE kind IS NOT NULL LIMIT ${KINDS_AT_ONCE}`;
}

const NEXT_KINDS = {
  kind: nextKinds("event INDEXED BY event_kind WHERE"),
  author: nextKinds("event INDEXED BY event_author WHERE pubkey = unhex(?2) AND"),
  tag: nextKinds("tag WHERE key = unhex(?2) AND"),
};

/** The kinds to open below a key: those asked for, or those that are there, with an undefined for each seek. */
function* kindsToOpen(
  sql: Sql,
  index: keyof typeof NEXT_KINDS,
  key: string,
  asked: ReadonlySet<number> | undefined,
): Generator<number | undefined> {
  if (asked !== undefined && asked.size <= MANY_KINDS) {
    yield* asked;
    return;
  }
  for (let kind = -1; ; ) {
    const rows = index === "kind" ? sql.all(NEXT_KINDS.kind, kind) : sql.all(NEXT_KINDS[index], kind, key);
    for (const [found] of rows) {
      yield undefined;
      kind = found as number;
      if (asked === undefined || asked.has(kind)) yield kind;
    }
    if (rows.length < KINDS_AT_ONCE) return;
  }
}
