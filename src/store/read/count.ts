import { authorOfRaw } from "../../protocol/event.ts";
import type { Filter } from "../../protocol/filter.ts";
import { HyperLogLog } from "../../protocol/hyperloglog.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { Pace } from "../pace.ts";
import type { Sql } from "../sql.ts";
import { finish } from "../steps.ts";
import { type Plan, planQuery, type Range } from "./query-plan.ts";
import { countStretch, hasExpired } from "./range-count.ts";
import type { Bounds } from "./range-read.ts";
import { boundsOf, Scan, type Snapshot } from "./scan.ts";

/** How often a count is begun that was disturbed; the last one is given as approximate. */
const MAX_TRIES = 3;

/** What a search may look at for one COUNT, as for a REQ but more: a number needs no answer at once. */
const MAX_CANDIDATES = 20_000;

/** Events read at one time. */
const PAGE_EVENTS = 1000;

/** What reading a page takes, or a step of a search; an event that is looked at; opening a range: in index entries. */
const PAGE_COST = 25_000;
const LOOK_COST = 10;
const RANGE_COST = 120;

/** Answer to a COUNT: a size, whether it may be another, and the registers if they were asked for. */
export interface Counted {
  count: number;
  isApproximate: boolean;
  hll?: string | undefined;
}

/**
 * Size of the union of the filters' visible matches at one moment, up to `max`; `limit` is ignored (R-05-34). With
 * `sketched`, the registers of their authors too (R-05-36). Undefined if a filter would touch too many index ranges.
 * `pause` lets other work in between stretches of some 20 ms. If an event goes meanwhile, the count is begun again from
 * a new `snapshot`; when that does not end well either, it is approximate.
 */
export async function countMatches(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: () => Snapshot,
  max: number,
  pause: () => Promise<void>,
  sketched?: string,
): Promise<Counted | undefined> {
  const pace = new Pace(pause);
  for (let tries = 1; ; tries++) {
    const moment = snapshot();
    const counted = await countAt(sql, filters, reader, moment, max, pace, sketched);
    if (counted === undefined || counted.isApproximate || moment.isIntact?.() !== false) return counted;
    if (tries === MAX_TRIES) return { count: counted.count, isApproximate: true };
  }
}

/** The same, as far as nothing goes meanwhile. */
async function countAt(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: Snapshot,
  max: number,
  pace: Pace,
  sketched: string | undefined,
): Promise<Counted | undefined> {
  const tally = new Tally(max, sketched);
  let isPartial = false;
  let left = filters.map((filter): Filter => ({ ...filter, limit: max + 1 }));
  const [filter] = left;
  if (left.length === 1 && filter !== undefined && filter.search === undefined && snapshot.hides === undefined) {
    const isAnyExpired = hasExpired(sql, snapshot.now);
    // Of this turn, in which the counts are those of the snapshot.
    const known = isAnyExpired || tally.isSketched ? undefined : snapshot.counts?.();
    const whole = known && new Map(known);
    const plan = await finish(planQuery(sql, filter, reader), pace);
    if (plan === undefined) return undefined;
    if (plan.isDisjoint) {
      await countRanges(sql, filter, plan, boundsOf(filter, snapshot), isAnyExpired, whole, tally, pace);
      const kinds = new Set(plan.ranges.filter(({ residual }) => residual).map(({ kind }) => kind));
      left = kinds.size === 0 ? [] : [{ ...filter, kinds }];
    }
  }
  if (left.length > 0 && !tally.isCapped) {
    const limits = { defaultLimit: max + 1, maxLimit: max + 1, maxCandidates: MAX_CANDIDATES };
    const scan = new Scan(sql, left, reader, limits, snapshot);
    while (!tally.isCapped) {
      await pace.rest();
      const page = scan.page(PAGE_EVENTS);
      if (scan.isRefused) return undefined;
      pace.spend(PAGE_COST);
      tally.add(page.length, () => page.map(authorOfRaw));
      isPartial = scan.isPartial;
      if (scan.isDone) break;
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
async function countRanges(
  sql: Sql,
  filter: Filter,
  plan: Plan,
  bounds: Bounds,
  isAnyExpired: boolean,
  known: ReadonlyMap<number, number> | undefined,
  tally: Tally,
  pace: Pace,
): Promise<void> {
  const isKnown = (range: Range): boolean => known !== undefined && isWhole(range, filter, bounds);
  const exact = plan.ranges.filter(({ residual }) => !residual);
  for (const range of exact) if (isKnown(range)) tally.add(known?.get(range.kind) ?? 0, () => []);
  const cost = tally.isSketched || isAnyExpired ? LOOK_COST : 1;
  for (const range of exact.filter((range) => !isKnown(range))) {
    for (let from: string | undefined, isLast = false; !isLast; ) {
      if (tally.isCapped) return;
      await pace.rest();
      const most = Math.min(Math.ceil(pace.left / cost), tally.room);
      const part = countStretch(sql, range, bounds, { from, most, isAnyExpired, isSketched: tally.isSketched });
      tally.add(part.count, () => part.authors);
      pace.spend(part.count * cost + RANGE_COST);
      from = part.end;
      isLast = part.count < most;
    }
  }
}

/** Whether a range holds all stored events of a kind. */
function isWhole({ index, kind }: Range, { since, until }: Filter, bounds: Bounds): boolean {
  return index === "kind" && since === undefined && until === undefined && bounds.oldestKept(kind) <= 0;
}
