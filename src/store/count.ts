import { authorOfRaw } from "../protocol/event.ts";
import type { Filter } from "../protocol/filter.ts";
import { HyperLogLog } from "../protocol/hyperloglog.ts";
import type { Reader } from "../protocol/visibility.ts";
import { type Plan, planQuery, type Range } from "./query-plan.ts";
import { countStretch, hasExpired } from "./range-count.ts";
import type { Bounds } from "./range-cursor.ts";
import { boundsOf, Scan, type Snapshot } from "./scan.ts";
import type { Sql } from "./sql.ts";

/** Events looked at in one stretch before other work gets its turn. */
const SCAN_STRETCH = 1000;

/** The same for index entries that are counted unseen, and for those whose author is read: some ten milliseconds. */
const COUNT_STRETCH = 50_000;
const AUTHOR_STRETCH = 2000;

/** What opening a range takes, in index entries. */
const RANGE_COST = 200;

/** Answer to a COUNT: a size, whether it is only the cap, and the registers if they were asked for. */
export interface Counted {
  count: number;
  isCapped: boolean;
  hll?: string | undefined;
}

/**
 * Size of the union of the filters' visible matches, up to `max`; `limit` is ignored (R-05-34). With `sketched`, the
 * registers of their authors too (R-05-36). Undefined if a filter would touch too many index ranges. `pause` lets other
 * work in between stretches.
 */
export async function countMatches(
  sql: Sql,
  filters: readonly Filter[],
  reader: Reader,
  snapshot: Snapshot,
  max: number,
  pause: () => Promise<void>,
  sketched?: string,
): Promise<Counted | undefined> {
  const tally = new Tally(max, sketched);
  let isPartial = false;
  let left = filters.map((filter): Filter => ({ ...filter, limit: max + 1 }));
  const [filter] = left;
  if (left.length === 1 && filter !== undefined && filter.search === undefined && snapshot.hides === undefined) {
    const plan = planQuery(sql, filter, reader);
    if (plan === undefined) return undefined;
    if (plan.isDisjoint) {
      await countRanges(sql, filter, plan, snapshot, tally, pause);
      const kinds = new Set(plan.ranges.filter(({ residual }) => residual).map(({ kind }) => kind));
      left = kinds.size === 0 ? [] : [{ ...filter, kinds }];
    }
  }
  if (left.length > 0 && !tally.isCapped) {
    const scan = Scan.open(sql, left, reader, { defaultLimit: max + 1, maxLimit: max + 1 }, snapshot);
    if (scan === undefined) return undefined;
    while (!tally.isCapped) {
      const page = scan.page(SCAN_STRETCH);
      tally.add(page.length, () => page.map(authorOfRaw));
      isPartial = scan.isPartial;
      if (scan.isDone) break;
      await pause();
    }
  }
  const result = tally.result();
  return isPartial ? { count: result.count, isCapped: true } : result;
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
    if (this.isCapped) return { count: this.#max, isCapped: true };
    return { count: this.#count, isCapped: false, hll: this.#registers?.toHex() };
  }
}

/** Counts the ranges whose rows are matches as they are, without fetching an event unless its author is wanted. */
async function countRanges(
  sql: Sql,
  filter: Filter,
  plan: Plan,
  snapshot: Snapshot,
  tally: Tally,
  pause: () => Promise<void>,
): Promise<void> {
  const bounds = boundsOf(filter, snapshot);
  const isAnyExpired = hasExpired(sql, bounds.now);
  const known = isAnyExpired || tally.isSketched ? undefined : snapshot.counts?.();
  const isKnown = (range: Range): boolean => known !== undefined && isWhole(range, filter, bounds);
  const exact = plan.ranges.filter(({ residual }) => !residual);
  // In this turn, while the counts are those of the snapshot.
  for (const range of exact) if (isKnown(range)) tally.add(known?.get(range.kind) ?? 0, () => []);
  const stretch = tally.isSketched || isAnyExpired ? AUTHOR_STRETCH : COUNT_STRETCH;
  let work = 0;
  for (const range of exact.filter((range) => !isKnown(range))) {
    for (let from: string | undefined, isLast = false; !isLast; ) {
      if (tally.isCapped) return;
      if (work >= stretch) {
        work = 0;
        await pause();
      }
      const most = Math.min(stretch, tally.room);
      const part = countStretch(sql, range, bounds, { from, most, isAnyExpired, isSketched: tally.isSketched });
      tally.add(part.count, () => part.authors);
      work += part.count + RANGE_COST;
      from = part.end;
      isLast = part.count < most;
    }
  }
}

/** Whether a range holds all stored events of a kind. */
function isWhole({ index, kind }: Range, { since, until }: Filter, bounds: Bounds): boolean {
  return index === "kind" && since === undefined && until === undefined && bounds.oldestKept(kind) <= 0;
}
