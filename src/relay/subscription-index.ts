import type { Event, IndexedTag } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import type { Subscription } from "./subscription.ts";

interface Entry {
  readonly subscription: Subscription;
  readonly filter: Filter;
}

type Bucket = Set<Entry>;

/** Finds the subscriptions that an event matches without asking all of them: each filter is filed under one condition. */
export class SubscriptionIndex {
  readonly #byId = new Map<string, Bucket>();
  readonly #byAuthor = new Map<string, Bucket>();
  readonly #byTag = new Map<string, Bucket>();
  readonly #byKind = new Map<number, Bucket>();
  readonly #rest: Bucket = new Set();
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
        if (bucket === undefined) map.set(key, new Set([entry]));
        else bucket.add(entry);
      }) || this.#rest.add(entry);
    }
  }

  remove(subscription: Subscription): void {
    for (const entry of this.#entries.get(subscription) ?? []) {
      this.#file(entry.filter, (map, key) => {
        const bucket = map.get(key);
        bucket?.delete(entry);
        if (bucket?.size === 0) map.delete(key);
      }) || this.#rest.delete(entry);
    }
    this.#entries.delete(subscription);
  }

  /** Calls `found` once for each subscription with a filter that matches the event. */
  match(event: Event, tags: readonly IndexedTag[], found: (subscription: Subscription) => void): void {
    const mark = ++this.#mark;
    const visit = (bucket: Bucket | undefined): void => {
      if (bucket === undefined) return;
      for (const { subscription, filter } of bucket) {
        if (subscription.lastMatched === mark || !matches(filter, event, tags)) continue;
        subscription.lastMatched = mark;
        found(subscription);
      }
    };
    visit(this.#byId.get(event.id));
    visit(this.#byAuthor.get(event.pubkey));
    if (this.#byTag.size > 0) for (const [letter, value] of tags) visit(this.#byTag.get(letter + value));
    visit(this.#byKind.get(event.kind));
    visit(this.#rest);
  }

  /** Calls `act` for each place the filter belongs in; false if it belongs in none. One condition decides. */
  #file(filter: Filter, act: (map: Map<unknown, Bucket>, key: unknown) => void): boolean {
    const { ids, authors, kinds } = filter;
    const tag = narrowestTag(filter);
    if (ids !== undefined) {
      for (const id of ids) act(this.#byId, id);
    } else if (tag !== undefined && (authors === undefined || tag[1].length <= authors.size)) {
      for (const value of tag[1]) act(this.#byTag, tag[0] + value);
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
