import type { Filter } from "../protocol/filter.ts";
import type { Reader } from "../protocol/visibility.ts";
import { tagKey } from "./keys.ts";
import type { Sql, SqlValue } from "./sql.ts";

/** One stretch of one index, in the order of R-03-10. */
export interface Range {
  readonly index: "id" | "kind" | "author" | "tag";
  /** Hex: the id, the author or the tag key; empty for `kind`. */
  readonly key: string;
  /** Unused for `id`. */
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

/** A plan that would open more ranges than this is refused as too large. */
export const MAX_RANGES = 20000;

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
 * plan would be larger than {@link MAX_RANGES}.
 */
export function planQuery(sql: Sql, filter: Filter, reader: Reader): Plan | undefined {
  if (filter.never) return { ranges: [], isExact: true, isDisjoint: true };
  const entrances = entrancesOf(filter);
  if (filter.ids !== undefined) {
    const { authors, kinds, since, until, search } = filter;
    const residual =
      entrances.length > 0 || [authors, kinds, since, until, search].some((condition) => condition !== undefined);
    const ranges = [...filter.ids].map((key): Range => ({ index: "id", key, kind: 0, residual }));
    return ranges.length > MAX_RANGES ? undefined : { ranges, isExact: false, isDisjoint: false };
  }
  const entrance = narrowest(sql, entrances, filter);
  const ranges: Range[] = [];
  const ownKinds = new Set<number>();
  const residual = entrances.length > 1 || filter.search !== undefined;
  const open = (index: keyof typeof NEXT_KIND, key: string, confined: boolean): boolean => {
    for (const kind of kindsToOpen(sql, index, key, filter.kinds)) {
      if (reader.privateKinds.has(kind) && !confined) ownKinds.add(kind);
      else if (ranges.push({ index, key, kind, residual }) > MAX_RANGES) return false;
    }
    return true;
  };
  if (entrance === undefined) {
    if (!open("kind", "", false)) return undefined;
  } else {
    for (const value of entrance.values) {
      const isOwn = (entrance.index === "author" || entrance.letter === "p") && reader.authed.has(value);
      if (!open(entrance.index, rangeKey(entrance, value), isOwn)) return undefined;
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
  return ranges.length > MAX_RANGES ? undefined : { ranges, isExact, isDisjoint };
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
function narrowest(sql: Sql, entrances: readonly Entrance[], filter: Filter): Entrance | undefined {
  if (entrances.length < 2) return entrances[0];
  return entrances.find((entrance) => isSmall(sql, entrance, filter)) ?? entrances[0];
}

function isSmall(sql: Sql, entrance: Entrance, filter: Filter): boolean {
  let left = PROBE_ROWS;
  for (const value of entrance.values) {
    const [column, table] = entrance.index === "author" ? ["pubkey", "event"] : ["key", "tag"];
    const key = rangeKey(entrance, value);
    for (const kind of filter.kinds ?? [undefined]) {
      const query = `SELECT 1 FROM ${table} WHERE ${column} = unhex(?1) ${kind === undefined ? "" : "AND kind = ?3"} LIMIT ?2`;
      const bindings: SqlValue[] = kind === undefined ? [key, left] : [key, left, kind];
      left -= Math.max(1, sql.all(query, ...bindings).length);
      if (left <= 0) return false;
    }
  }
  return true;
}

const NEXT_KIND = {
  kind: "SELECT kind FROM event INDEXED BY event_kind WHERE kind > ?1 ORDER BY kind LIMIT 1",
  author: "SELECT kind FROM event INDEXED BY event_author WHERE kind > ?1 AND pubkey = unhex(?2) ORDER BY kind LIMIT 1",
  tag: "SELECT kind FROM tag WHERE kind > ?1 AND key = unhex(?2) ORDER BY kind LIMIT 1",
};

/** The kinds to open below a key: those asked for, or those that are there, found by one seek each. */
function* kindsToOpen(
  sql: Sql,
  index: keyof typeof NEXT_KIND,
  key: string,
  asked: ReadonlySet<number> | undefined,
): Generator<number> {
  if (asked !== undefined && asked.size <= MANY_KINDS) {
    yield* asked;
    return;
  }
  const query = NEXT_KIND[index];
  for (let kind = -1; ; ) {
    const row = index === "kind" ? sql.all(query, kind)[0] : sql.all(query, kind, key)[0];
    if (row === undefined) return;
    kind = row[0] as number;
    if (asked === undefined || asked.has(kind)) yield kind;
  }
}
