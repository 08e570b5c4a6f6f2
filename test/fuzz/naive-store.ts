import type { Event } from "../../src/protocol/event.ts";
import { type SearchQuery, scoreSearch } from "../../src/protocol/search/search.ts";
import type { Filter } from "../support/client.ts";
import { Archive } from "../support/model/archive.ts";
import { isCurrent } from "../support/model/naive-features.ts";
import { fullMatch } from "../support/model/naive-filter.ts";
import { byOrder, canSee, unionOf } from "../support/model/naive-rules.ts";

/** A filter as it was sent, and what its search asks for, if that is a condition. */
export interface Asked {
  raw: Filter;
  query: SearchQuery | undefined;
}

export interface Limits {
  defaultLimit: number;
  maxLimit: number;
}

/** What must be stored, and what each question must be answered with, by looking at all of it. */
export class NaiveStore {
  readonly archive = new Archive();
  readonly positions = new Map<string, number>();

  /** The outcome of storing an event; `blocked` stands for both reasons. */
  put(event: Event): string {
    if (this.archive.has(event.id)) return "duplicate";
    if (this.archive.blockOf(event) !== undefined) return "blocked";
    const rival = this.archive.rivalOf(event);
    if (rival !== undefined && byOrder(rival, event) < 0) return "superseded";
    this.archive.add(event);
    return "stored";
  }

  /** What is over at `now` is removed. */
  cleanUp(now: number): void {
    this.archive.events = this.archive.events.filter((event) => isCurrent(event, now));
  }

  /** The visible matches of a filter, in the order in which they are to come. */
  matching({ raw, query }: Asked, authed: ReadonlySet<string>, now: number, head: number): Event[] {
    const { search: _, ...others } = raw;
    const found = this.archive.events.filter((event) => {
      if ((this.positions.get(event.id) ?? 0) > head || !isCurrent(event, now)) return false;
      if (!canSee(authed as Set<string>, event) || !fullMatch(others, event)) return false;
      // What a search finds in one event is tested without a store.
      return query === undefined || scoreSearch(query, event) > 0;
    });
    return found.sort((a, b) => scoreOf(query, b) - scoreOf(query, a) || byOrder(a, b));
  }
}

function scoreOf(query: SearchQuery | undefined, event: Event): number {
  return query === undefined ? 0 : scoreSearch(query, event);
}

/** R-03-11, R-03-12; where the relay's own default cuts, the events as old as the last one come too (R-03-19). */
export function cut(found: Event[], { raw: { limit }, query }: Asked, { defaultLimit, maxLimit }: Limits): Event[] {
  if (limit !== undefined) return found.slice(0, Math.min(limit as number, maxLimit));
  if (query !== undefined) return found.slice(0, defaultLimit);
  const last = found[defaultLimit - 1];
  return found.filter((event, i) => i < defaultLimit || event.created_at === last?.created_at).slice(0, maxLimit);
}

/** What is sent, in order: what searches find, one after the other, then the rest (R-03-10, R-05-40). */
export function answerOf(taken: Event[][], asked: readonly Asked[]): Event[] {
  const searches = taken.filter((_, i) => asked[i]?.query !== undefined);
  const others = taken.filter((_, i) => asked[i]?.query === undefined);
  return unionOf([...searches, unionOf(others).sort(byOrder)]);
}
