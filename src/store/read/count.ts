import { authorOfRaw } from "../../protocol/event.ts";
import type { Filter } from "../../protocol/filter.ts";
import { HyperLogLog } from "../../protocol/hyperloglog.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { COST, STEP } from "../../protocol/work.ts";
import type { Sql } from "../sql.ts";
import { paced, type Steps } from "../steps.ts";
import { oldestOf, pastKinds } from "./kept.ts";
import { planQuery, type Range, withUntagged } from "./query-plan.ts";
import { countStretch, hasExpired } from "./range-count.ts";
import type { Bounds } from "./range-read.ts";
import { boundsOf, Scan, type Snapshot } from "./scan.ts";

/** How often a count is begun that was disturbed; the last one is given as approximate. */
const MAX_TRIES = 3;

/** What a search may look at for one COUNT, as for a REQ but more: a number needs no answer at once. */
const MAX_CANDIDATES = 20_000;

/** Events read at one time. */
const PAGE_EVENTS = 1000;

/** Entries that are counted in one statement; and those each of which is looked at. */
const STRETCH = STEP / COST.entry;
const LOOKED_STRETCH = STEP / COST.look;

/** Answer to a COUNT: a size, whether it may be another, and the registers if they were asked for. */
export interface Counted {
  count: number;
  isApproximate: boolean;
  hll?: string | undefined;
}

/**
 * Size of the union of the filters' visible matches at one moment, up to `max`; `limit` is ignored (R-05-34). With
 * `sketched`, the registers of their authors too (R-05-36). Undefined if a filter would touch too many index ranges. If an
 * event goes meanwhile, the count is begun again from a new `snapshot`; when that does not end well either, it is
 * approximate.
 */
export function* countMatches(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: () => Snapshot,
  max: number,
  sketched?: string,
): Steps<Counted | undefined> {
  for (let tries = 1; ; tries++) {
    const moment = snapshot();
    const counted = yield* paced(sql.meter, countAt(sql, filters, reader, moment, max, sketched));
    if (counted === undefined || counted.isApproximate || moment.isIntact?.() !== false) return counted;
    if (tries === MAX_TRIES) return { count: counted.count, isApproximate: true };
  }
}

/** The same, as far as nothing goes meanwhile. */
function* countAt(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: Snapshot,
  max: number,
  sketched: string | undefined,
): Steps<Counted | undefined> {
  const tally = new Tally(max, sketched);
  let isPartial = false;
  let left = filters.map((filter): Filter => ({ ...filter, limit: max + 1 }));
  const [filter] = left;
  if (left.length === 1 && filter !== undefined && filter.search === undefined && snapshot.hides === undefined) {
    const isAnyExpired = hasExpired(sql, snapshot.now);
    const areGone = isAnyExpired || snapshot.hasLeftovers === true;
    // Of this step, in which the counts are those of the snapshot.
    const known = isAnyExpired || tally.isSketched ? undefined : snapshot.counts?.();
    const whole = known && new Map(known);
    const planned = yield* planQuery(sql, filter, reader);
    if (planned === undefined) return undefined;
    const plan = withUntagged(planned, filter, snapshot.untagged);
    if (plan.isDisjoint) {
      const mayBePast = pastKinds(snapshot, sql);
      const ranges: Range[] = [];
      for (const range of plan.ranges) {
        ranges.push(mayBePast(range.kind) ? { ...range, residual: true } : range);
        yield;
      }
      yield* countRanges(sql, filter, ranges, boundsOf(filter, snapshot), areGone, whole, tally);
      const kinds = new Set(ranges.filter(({ residual }) => residual).map(({ kind }) => kind));
      left = kinds.size === 0 ? [] : [{ ...filter, kinds }];
    }
  }
  if (left.length > 0 && !tally.isCapped) {
    const limits = { defaultLimit: max + 1, maxLimit: max + 1, maxCandidates: MAX_CANDIDATES };
    const scan = new Scan(sql, left, reader, limits, snapshot);
    while (!tally.isCapped) {
      const page = scan.page(PAGE_EVENTS);
      if (scan.isRefused) return undefined;
      tally.add(page.length, () => page.map(authorOfRaw));
      isPartial = scan.isPartial;
      if (scan.isDone) break;
      yield;
    }
  }
  const result = tally.result();
  return isPartial ? { count: result.count, isApproximate: true } : result;
}

class Tally {
  readonly #max: number;
  readonly #registers: HyperLogLog | undefined;
  #count = 0;

  constructor(max: number, sketched: string | undefined) {
    this.#max = max;
    this.#registers = sketched === undefined ? undefined : new HyperLogLog(sketched);
  }

  get isSketched(): boolean {
    return this.#registers !== undefined;
  }

  get isCapped(): boolean {
    return this.#count > this.#max;
  }

  /** Matches that are still worth looking at. */
  get room(): number {
    return this.#max + 1 - this.#count;
  }

  /** `authors` is asked for only where registers are wanted. */
  add(count: number, authors: () => readonly string[]): void {
    this.#count += count;
    if (this.#registers !== undefined) for (const author of authors()) this.#registers.add(author);
  }

  /** Registers of a part of the matches would claim less than there is, so a capped count comes without. */
  result(): Counted {
    if (this.isCapped) return { count: this.#max, isApproximate: true };
    return { count: this.#count, isApproximate: false, hll: this.#registers?.toHex() };
  }
}

/** Counts the ranges whose rows are matches as they are, without fetching an event unless its author is wanted. */
function* countRanges(
  sql: Sql,
  filter: Filter,
  ranges: readonly Range[],
  bounds: Bounds,
  areGone: boolean,
  known: ReadonlyMap<number, number> | undefined,
  tally: Tally,
): Steps<void> {
  const isKnown = (range: Range): boolean => known !== undefined && isWhole(range, filter, bounds);
  const exact = ranges.filter(({ residual }) => !residual);
  for (const range of exact) if (isKnown(range)) tally.add(known?.get(range.kind) ?? 0, () => []);
  const isLookedAt = tally.isSketched || areGone;
  const stretch = Math.floor(isLookedAt ? LOOKED_STRETCH : STRETCH);
  for (const range of exact.filter((range) => !isKnown(range))) {
    for (let from: string | undefined, isLast = false; !isLast; ) {
      if (tally.isCapped) return;
      const most = Math.min(stretch, tally.room);
      const part = countStretch(sql, range, bounds, { from, most, areGone, isSketched: tally.isSketched });
      tally.add(part.count, () => part.authors);
      from = part.end;
      isLast = part.entries < most;
      yield;
    }
  }
}

/** Whether a range holds all stored events of a kind. */
function isWhole({ index, kind }: Range, { since, until }: Filter, bounds: Bounds): boolean {
  return index === "kind" && since === undefined && until === undefined && oldestOf(bounds, kind) <= 0;
}
