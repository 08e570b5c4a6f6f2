import type { Event, IndexedTag } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Subscription } from "./subscription.ts";

interface Entry {
  readonly subscription: Subscription;
  readonly filter: Filter;
}

/** Most values are asked for by one filter only, which then needs no set. */
type Bucket = Entry | Set<Entry>;
type Buckets<Key> = Map<Key, Bucket>;

/** Finds the subscriptions that an event matches without asking all of them: each filter is filed under one condition. */
export class SubscriptionIndex {
  readonly #byId: Buckets<string> = new Map();
  readonly #byAuthor: Buckets<string> = new Map();
  /** By letter, then by value. */
  readonly #byTag = new Map<string, Buckets<string>>();
  readonly #byKind: Buckets<number> = new Map();
  readonly #rest = new Set<Entry>();
  readonly #entries = new Map<Subscription, Entry[]>();
  #mark = 0;

  get size(): number {
    return this.#entries.size;
  }

  add(subscription: Subscription): void {
    const entries = subscription.filters
      .filter((filter) => !filter.never)
      .map((filter): Entry => ({ subscription, filter }));
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

  remove(subscription: Subscription): void {
    for (const entry of this.#entries.get(subscription) ?? []) {
      this.#file(entry.filter, (map, key) => {
        const bucket = map.get(key);
        if (bucket instanceof Set) bucket.delete(entry);
        if (bucket === entry || (bucket instanceof Set && bucket.size === 0)) map.delete(key);
      }) || this.#rest.delete(entry);
    }
    this.#entries.delete(subscription);
  }

  /** Calls `found` once for each subscription with a filter that matches the event. */
  match(event: Event, tags: readonly IndexedTag[], meter: Meter, found: (subscription: Subscription) => void): void {
    const mark = ++this.#mark;
    const ask = ({ subscription, filter }: Entry): void => {
      meter.spent += COST.match;
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
  }

  /** Calls `act` for each place the filter belongs in; false if it belongs in none. One condition decides. */
  #file(filter: Filter, act: (map: Buckets<unknown>, key: unknown) => void): boolean {
    const { ids, authors, kinds } = filter;
    const tag = narrowestTag(filter);
    if (ids !== undefined) {
      for (const id of ids) act(this.#byId, id);
    } else if (tag !== undefined && (authors === undefined || tag[1].length <= authors.size)) {
      const byValue: Buckets<string> = this.#byTag.get(tag[0]) ?? new Map();
      this.#byTag.set(tag[0], byValue);
      for (const value of tag[1]) act(byValue, value);
      if (byValue.size === 0) this.#byTag.delete(tag[0]);
    } else if (authors !== undefined) {
      for (const author of authors) act(this.#byAuthor, author);
    } else if (kinds !== undefined) {
      for (const kind of kinds) act(this.#byKind, kind);
    } else return false;
    return true;
  }
}

/** The tag condition with the fewest values; of values that must all be there, one is enough. */
function narrowestTag({ anyOf, allOf }: Filter): [letter: string, values: string[]] | undefined {
  const all = allOf[0];
  if (all !== undefined) return [all[0], [...all[1]].slice(0, 1)];
  let narrowest: [string, ReadonlySet<string>] | undefined;
  for (const [letter, values] of anyOf) {
    if (narrowest === undefined || values.size < narrowest[1].size) narrowest = [letter, values];
  }
  return narrowest && [narrowest[0], [...narrowest[1]]];
}
