import type { Event, IndexedTag } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import { searchWorkOf } from "../../protocol/search/search-text.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Subscription } from "./subscription.ts";

interface Entry {
  readonly subscription: Subscription;
  readonly filter: Filter;
  /** The event that it was asked about last: an event with many tags may find it under many of them. */
  asked: number;
}

/** Most values are asked for by one filter only, which then needs no set. */
type Bucket = Entry | Set<Entry>;
type Buckets<Key> = Map<Key, Bucket>;

/** Values under which one filter is filed; one that asks for more is checked against every event instead, which costs less. */
const MAX_PLACES = 256;

/** Values in filters that are filed only when the next event comes: most subscriptions are closed before that. */
const MAX_FRESH = 512;

/** Finds the subscriptions that an event matches without asking all of them: each filter is filed under one condition. */
export class SubscriptionIndex {
  readonly #byId: Buckets<string> = new Map();
  readonly #byAuthor: Buckets<string> = new Map();
  /** By letter, then by value. */
  readonly #byTag = new Map<string, Buckets<string>>();
  readonly #byKind: Buckets<number> = new Map();
  readonly #rest = new Set<Entry>();
  readonly #entries = new Map<Subscription, Entry[]>();
  /**
   * Those that are not filed yet, each at its {@link Subscription.freshAt}. In a Set through which very many pass, the engine
   * keeps them all until it collects the whole heap.
   */
  readonly #fresh: Subscription[] = [];
  #freshValues = 0;
  #mark = 0;

  get size(): number {
    return this.#entries.size + this.#fresh.length;
  }

  add(subscription: Subscription): void {
    subscription.freshAt = this.#fresh.push(subscription) - 1;
    this.#freshValues += subscription.values;
    if (this.#freshValues > MAX_FRESH) this.#fileFresh();
  }

  remove(subscription: Subscription): void {
    if (this.#fresh[subscription.freshAt] === subscription) {
      this.#freshValues -= subscription.values;
      const last = this.#fresh.pop() as Subscription;
      if (last === subscription) return;
      this.#fresh[subscription.freshAt] = last;
      last.freshAt = subscription.freshAt;
      return;
    }
    for (const entry of this.#entries.get(subscription) ?? []) {
      this.#file(entry.filter, (map, key) => {
        const bucket = map.get(key);
        if (bucket instanceof Set) bucket.delete(entry);
        if (bucket === entry || (bucket instanceof Set && bucket.size === 0)) map.delete(key);
      }) || this.#rest.delete(entry);
    }
    this.#entries.delete(subscription);
  }

  #fileFresh(): void {
    for (const subscription of this.#fresh) {
      const entries = subscription.filters
        .filter((filter) => !filter.never)
        .map((filter): Entry => ({ subscription, filter, asked: 0 }));
      this.#entries.set(subscription, entries);
      for (const entry of entries) {
        this.#file(entry.filter, (map, key) => {
          const bucket = map.get(key);
          if (bucket === undefined) map.set(key, entry);
          else if (bucket instanceof Set) bucket.add(entry);
          else map.set(key, new Set([bucket, entry]));
        }) || this.#rest.add(entry);
      }
    }
    this.#fresh.length = 0;
    this.#freshValues = 0;
  }

  /** Calls `found` once for each subscription with a filter that matches the event. */
  match(event: Event, tags: readonly IndexedTag[], meter: Meter, found: (subscription: Subscription) => void): void {
    if (this.#fresh.length > 0) this.#fileFresh();
    const mark = ++this.#mark;
    const ask = (entry: Entry): void => {
      if (entry.asked === mark) return;
      entry.asked = mark;
      meter.spent += COST.match;
      const { subscription, filter } = entry;
      if (subscription.lastMatched === mark || !matches(filter, event, tags)) return;
      subscription.lastMatched = mark;
      found(subscription);
    };
    const visit = (bucket: Bucket | undefined): void => {
      if (bucket instanceof Set) for (const entry of bucket) ask(entry);
      else if (bucket !== undefined) ask(bucket);
    };
    visit(this.#byId.get(event.id));
    visit(this.#byAuthor.get(event.pubkey));
    if (this.#byTag.size > 0) for (const [letter, value] of tags) visit(this.#byTag.get(letter)?.get(value));
    visit(this.#byKind.get(event.kind));
    visit(this.#rest);
    meter.spent += searchWorkOf(event);
  }

  /** Calls `act` for each place the filter belongs in; false if it belongs in none, or too many. One condition decides. */
  #file(filter: Filter, act: (map: Buckets<unknown>, key: unknown) => void): boolean {
    const { ids, authors, kinds } = filter;
    const tag = narrowestTag(filter);
    if (ids !== undefined) return fileUnder(this.#byId, ids, act);
    if (tag !== undefined && (authors === undefined || tag[1].size <= authors.size)) {
      const byValue: Buckets<string> = this.#byTag.get(tag[0]) ?? new Map();
      this.#byTag.set(tag[0], byValue);
      const isFiled = fileUnder(byValue, tag[1], act);
      if (byValue.size === 0) this.#byTag.delete(tag[0]);
      return isFiled;
    }
    if (authors !== undefined) return fileUnder(this.#byAuthor, authors, act);
    return kinds !== undefined && fileUnder(this.#byKind, kinds, act);
  }
}

function fileUnder<Key>(
  map: Buckets<Key>,
  keys: ReadonlySet<Key>,
  act: (map: Buckets<unknown>, key: unknown) => void,
): boolean {
  if (keys.size > MAX_PLACES) return false;
  for (const key of keys) act(map as Buckets<unknown>, key);
  return true;
}

/** The tag condition with the fewest values; of values that must all be there, one is enough. */
function narrowestTag({ anyOf, allOf }: Filter): readonly [letter: string, values: ReadonlySet<string>] | undefined {
  const [all] = allOf;
  if (all !== undefined) for (const value of all[1]) return [all[0], new Set([value])];
  let [narrowest] = anyOf;
  for (const tag of anyOf) if (narrowest === undefined || tag[1].size < narrowest[1].size) narrowest = tag;
  return narrowest;
}
