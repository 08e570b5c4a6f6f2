import { type Event, type IndexedTag, isTagLetter, MAX_KIND } from "./event.ts";
import { accept, type Reason, type Result, refuse } from "./reason.ts";
import { matchesSearch, parseSearch, type SearchQuery } from "./search/search.ts";
import { isHex64, nestsTooDeep } from "./text.ts";

/** A filter as the relay uses it: lists are sets, an absent condition is absent (R-03-04). */
export interface Filter {
  readonly ids?: ReadonlySet<string>;
  readonly authors?: ReadonlySet<string>;
  readonly kinds?: ReadonlySet<number>;
  /** `#x`: one of the values must be there. One entry per letter. */
  readonly anyOf: readonly (readonly [letter: string, values: ReadonlySet<string>])[];
  /** `&x`: all of the values must be there (R-03-06). One entry per letter. */
  readonly allOf: readonly (readonly [letter: string, values: ReadonlySet<string>])[];
  readonly since?: number;
  readonly until?: number;
  /** NIP-50; absent if the query asks for no text. */
  readonly search?: SearchQuery;
  /** As sent; concerns the stored part only (R-03-13). */
  readonly limit?: number;
  /** Some list is empty, so nothing can match (R-03-04). */
  readonly never: boolean;
}

type Draft = { -readonly [K in keyof Filter]: Filter[K] };

/** Which filter elements are switched on. */
export interface FilterOptions {
  /** The `&x` keys. */
  readonly andFilters: boolean;
  /** The `search` key, and the kinds that are never searched (R-05-40). */
  readonly search?: { readonly exceptKinds: ReadonlySet<number> } | undefined;
}

/**
 * Parses one filter (reference 3.1). Refuses unknown keys with `unsupported:` (R-03-07) and wrong types with
 * `invalid:` (R-03-08).
 */
export function parseFilter(value: unknown, options: FilterOptions): Result<Filter> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return invalid("a filter is not an object");
  const source = value as Record<string, unknown>;
  const any = new Map<string, Set<string>>();
  const all = new Map<string, Set<string>>();
  const filter: Draft = { anyOf: [], allOf: [], never: false };
  for (const key of Object.keys(source)) {
    const fault = readKey(key, source[key], filter, any, all, options);
    if (fault !== undefined) return refuse(fault);
  }
  filter.never ||= isNever(filter, any, all);
  subtract(any, all);
  filter.anyOf = [...any];
  filter.allOf = [...all];
  return accept(filter);
}

/**
 * The filter as JSON that {@link parseFilter} reads as the same filter: each value once, so that what is kept of it is as
 * large as what was counted of it.
 */
export function canonicalFilter({
  ids,
  authors,
  kinds,
  anyOf,
  allOf,
  since,
  until,
  search,
  limit,
  never,
}: Filter): unknown {
  return {
    ...(never ? { ids: [] } : ids && { ids: [...ids] }),
    ...(authors && { authors: [...authors] }),
    ...(kinds && { kinds: [...kinds] }),
    ...Object.fromEntries(anyOf.map(([letter, values]) => [`#${letter}`, [...values]])),
    ...Object.fromEntries(allOf.map(([letter, values]) => [`&${letter}`, [...values]])),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(search && { search: search.text }),
    ...(limit !== undefined && { limit }),
  };
}

type TagLists = Map<string, Set<string>>;

/** R-03-04: an empty list matches nothing. */
function isNever(filter: Filter, any: TagLists, all: TagLists): boolean {
  return (
    filter.ids?.size === 0 ||
    filter.authors?.size === 0 ||
    filter.kinds?.size === 0 ||
    filter.search?.terms.length === 0 ||
    [...any.values(), ...all.values()].some((values) => values.size === 0)
  );
}

/** Values under `&x` leave the `#x` list; an emptied list then imposes nothing (R-03-06). */
function subtract(any: TagLists, all: TagLists): void {
  for (const [letter, values] of all) {
    const list = any.get(letter);
    if (list === undefined) continue;
    for (const value of values) list.delete(value);
    if (list.size === 0) any.delete(letter);
  }
}

function readKey(
  key: string,
  value: unknown,
  filter: Draft,
  any: TagLists,
  all: TagLists,
  { andFilters, search }: FilterOptions,
): Reason | undefined {
  switch (key) {
    case "ids":
    case "authors": {
      const list = readHex(key, value);
      if (!list.ok) return list.reason;
      filter[key] = list.value;
      return undefined;
    }
    case "kinds": {
      if (!Array.isArray(value)) return "invalid: kinds is not a list of whole numbers";
      const kinds = new Set<number>();
      for (const kind of value) {
        if (!Number.isInteger(kind)) return "invalid: kinds is not a list of whole numbers";
        // A kind that cannot exist never matches; that alone is no error (number table of 1.5).
        if (kind >= 0 && kind <= MAX_KIND) kinds.add(kind + 0);
      }
      filter.kinds = kinds;
      return undefined;
    }
    case "since":
    case "until":
      if (!Number.isInteger(value)) return `invalid: ${key} is not a whole number`;
      filter[key] = value as number;
      return undefined;
    case "limit":
      if (!Number.isInteger(value) || (value as number) < 0) return "invalid: limit is not a whole number from 0";
      filter.limit = value as number;
      return undefined;
    case "search": {
      if (search === undefined) break;
      const query = parseSearch(value, search.exceptKinds);
      if (!query.ok) return query.reason;
      if (query.value !== undefined) filter.search = query.value;
      return undefined;
    }
  }
  const letter = key.charAt(1);
  if (key.length === 2 && isTagLetter(letter) && (key.startsWith("#") || (andFilters && key.startsWith("&")))) {
    const list = letter === "e" || letter === "p" ? readHex(key, value) : readStrings(key, value);
    if (!list.ok) return list.reason;
    (key.startsWith("#") ? any : all).set(letter, list.value);
    return undefined;
  }
  if (nestsTooDeep(value, 3)) return "invalid: nested too deep";
  return `unsupported: filter element ${JSON.stringify(key.slice(0, 20).toWellFormed())}`;
}

function readHex(key: string, value: unknown): Result<Set<string>> {
  if (!Array.isArray(value)) return invalid(`${key} is not a list`);
  const set = new Set<string>();
  for (const item of value) {
    if (!isHex64(item)) return invalid(`${key} holds something that is not 64 lowercase hex digits`);
    set.add(item);
  }
  return accept(set);
}

function readStrings(key: string, value: unknown): Result<Set<string>> {
  if (!Array.isArray(value)) return invalid(`${key} is not a list`);
  const set = new Set<string>();
  for (const item of value) {
    if (typeof item !== "string") return invalid(`${key} holds something that is not a string`);
    if (!item.isWellFormed()) return invalid(`${key} has a lone surrogate`);
    set.add(item);
  }
  return accept(set);
}

function invalid(text: string): { ok: false; reason: Reason } {
  return refuse(`invalid: ${text}`);
}

/** All conditions but `limit`, ANDed (R-03-01, R-03-22). `tags` are the event's indexed tags. */
export function matches(filter: Filter, event: Event, tags: readonly IndexedTag[]): boolean {
  if (filter.never) return false;
  if (filter.ids !== undefined && !filter.ids.has(event.id)) return false;
  if (filter.kinds !== undefined && !filter.kinds.has(event.kind)) return false;
  if (filter.authors !== undefined && !filter.authors.has(event.pubkey)) return false;
  if (filter.since !== undefined && event.created_at < filter.since) return false;
  if (filter.until !== undefined && event.created_at > filter.until) return false;
  for (const [letter, values] of filter.anyOf) if (!hasAny(tags, letter, values)) return false;
  for (const [letter, values] of filter.allOf) if (!hasAll(tags, letter, values)) return false;
  return filter.search === undefined || matchesSearch(filter.search, event);
}

/** Tags from which on looking up is quicker than walking through them: an event is checked against many filters. */
const MANY_TAGS = 16;

/** The values of events with many tags, by letter. */
const BY_LETTER = new WeakMap<readonly IndexedTag[], Map<string, Set<string>>>();

function hasAny(tags: readonly IndexedTag[], letter: string, values: ReadonlySet<string>): boolean {
  if (tags.length >= MANY_TAGS) return haveCommon(valuesOf(tags, letter), values);
  for (const [name, value] of tags) if (name === letter && values.has(value)) return true;
  return false;
}

function hasAll(tags: readonly IndexedTag[], letter: string, values: ReadonlySet<string>): boolean {
  let present = 0;
  if (tags.length >= MANY_TAGS) {
    const there = valuesOf(tags, letter);
    for (const value of values) if (there.has(value)) present++;
    return present === values.size;
  }
  for (const [name, value] of tags) if (name === letter && values.has(value)) present++;
  return present === values.size;
}

function haveCommon(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  const [fewer, more] = some.size < others.size ? [some, others] : [others, some];
  for (const value of fewer) if (more.has(value)) return true;
  return false;
}

function valuesOf(tags: readonly IndexedTag[], letter: string): ReadonlySet<string> {
  let byLetter = BY_LETTER.get(tags);
  if (byLetter === undefined) {
    byLetter = new Map();
    for (const [name, value] of tags) {
      const values = byLetter.get(name);
      if (values === undefined) byLetter.set(name, new Set([value]));
      else values.add(value);
    }
    BY_LETTER.set(tags, byLetter);
  }
  return byLetter.get(letter) ?? NO_VALUES;
}

const NO_VALUES: ReadonlySet<string> = new Set();
