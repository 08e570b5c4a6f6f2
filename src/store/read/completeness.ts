import { type Event, indexedTags } from "../../protocol/event.ts";
import { type Filter, matches } from "../../protocol/filter.ts";
import type { SearchScan } from "../search/search-scan.ts";
import type { Steps } from "../steps.ts";
import type { FilterScan } from "./filter-scan.ts";
import type { StoredRow } from "./stored-row.ts";

/** Whether all visible matches were given (R-03-17). */
export type Completeness = "finish" | "more" | "unknown";

/** Values of a filter with `limit:0`, and its ranges, up to which it is asked whether all was sent. */
const MAX_UNASKED = 16;

/** What a filter sent of its matches: those before `end`, the first that its limit kept back. */
interface Answered {
  readonly filter: Filter;
  readonly end: StoredRow | undefined;
}

/**
 * Finds out whether the filters of a REQ have given all, once their scans are at their end. Knows only of visible events
 * (R-03-18). `ask` opens a further filter, if that takes no more than so many ranges.
 */
export function* conclude(
  filters: readonly Filter[],
  scans: readonly (FilterScan | SearchScan)[],
  isPartial: boolean,
  ask: (filter: Filter, room: number) => Steps<FilterScan | undefined>,
): Steps<Completeness> {
  const answers: Answered[] = [];
  for (const scan of scans) answers.push({ filter: scan.filter, end: yield* scan.withheld() });
  let conclusion: Completeness = isPartial ? "unknown" : "finish";
  for (const scan of scans) {
    const fate = yield* fateOfRest(scan, answers);
    if (fate === "more") return "more";
    if (fate === "unknown") conclusion = "unknown";
  }
  if (conclusion === "unknown") return "unknown";
  // Those that wanted no events at all.
  for (const filter of filters) {
    if (filter.limit !== 0 || filter.never) continue;
    const isSmall = filter.search === undefined && valuesOf(filter) <= MAX_UNASKED;
    const scan = scans.length > 0 && isSmall ? yield* ask(filter, MAX_UNASKED) : undefined;
    const fate = scan === undefined ? "unknown" : yield* fateOfRest(scan, answers);
    if (fate !== "finish") return fate;
  }
  return "finish";
}

/** What became of the matches that a filter's limit kept back: other filters may have sent them. */
function* fateOfRest(scan: FilterScan | SearchScan, answers: readonly Answered[]): Steps<Completeness> {
  for (let row = yield* scan.withheld(); row !== undefined; row = yield* scan.withheld()) {
    const event = JSON.parse(row.raw) as Event;
    const tags = indexedTags(event);
    const others = answers.filter(({ filter }) => filter !== scan.filter && matches(filter, event, tags));
    const isSent = others.some(({ filter, end }) => end === undefined || (!filter.search && row.compare(end) < 0));
    // What a search sent of its matches follows from no order.
    if (!isSent) return others.some(({ filter }) => filter.search) ? "unknown" : "more";
    scan.passOver();
    yield;
  }
  return "finish";
}

function valuesOf({ ids, authors, kinds, anyOf, allOf }: Filter): number {
  const sets = [ids, authors, kinds, ...[...anyOf, ...allOf].map(([, values]) => values)];
  return sets.reduce((sum, set) => sum + (set?.size ?? 0), 0);
}
