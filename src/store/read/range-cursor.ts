import { idOfRaw, timeOfRaw } from "../../protocol/event.ts";
import { placeOf, placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { Merge, type Ordered } from "./merge.ts";
import { MAX_IDS, type Range } from "./query-plan.ts";
import { type Bounds, type Chunk, MAX_RANGES_AT_ONCE, type Position, readJoined, readRows } from "./range-read.ts";
import { StoredRow } from "./stored-row.ts";

/** Raw JSON read ahead of need at one time, in UTF-16 units, where events are large. */
const MAX_AHEAD = 1 << 20;

/** What the ranges of one scan have to give together. */
interface Demand {
  /** Events that are still wanted. */
  readonly most: () => number;
  /** Ranges that have not been read to their end. */
  open: number;
}

/**
 * Opens ranges as one, in the order of R-03-10: many in one statement. `most` says how many events are still wanted of all
 * together; each range gives its share of them at first.
 */
export function* openRanges(
  sql: Sql,
  ranges: readonly Range[],
  bounds: Bounds,
  most: () => number,
): Steps<Ordered<StoredRow>> {
  const demand: Demand = { most, open: ranges.length };
  const share = Math.ceil(most() / ranges.length);
  const merged = new Merge<StoredRow>();
  for (const group of groupsOf(ranges)) {
    const cursors = group.map((range) => new RangeCursor(sql, range, bounds, demand));
    const count = group[0]?.index === "id" ? ALL_IDS : share;
    const chunks = readJoined(sql, cursors, bounds, count);
    for (const [i, cursor] of cursors.entries()) cursor.take(chunks[i] as Chunk, count);
    if (ranges.length === 1 && cursors[0] !== undefined) return cursors[0];
    for (const cursor of cursors) merged.add(cursor);
    yield;
  }
  return merged;
}

/** Neighbours of one index, as many as one statement reads. What many ids have is read by a statement of its own. */
function* groupsOf(ranges: readonly Range[]): Generator<Range[]> {
  for (let group: Range[] = [], i = 0; i < ranges.length; group = []) {
    const { index } = ranges[i] as Range;
    const most = index === "id" ? 1 : MAX_RANGES_AT_ONCE;
    while (group.length < most && ranges[i]?.index === index) group.push(ranges[i++] as Range);
    yield group;
  }
}

/** Of a range by id: they are looked up all at once, because what is read of them again costs as much as the first time. */
const ALL_IDS = MAX_IDS + 1;

/**
 * Walks one range of one index. It reads its share of what is wanted, or as many rows as have been taken of it so far, so
 * that a range that gives little costs little, and one that gives much few statements.
 */
class RangeCursor implements Ordered<StoredRow>, Position {
  readonly #sql: Sql;
  readonly range: Range;
  readonly #bounds: Bounds;
  readonly #demand: Demand;
  #ahead: readonly string[] = [];
  #row: StoredRow | undefined;
  #next = 0;
  #taken = 0;
  /** Place of the last event that was read. */
  place: string;
  #isExhausted = false;
  /** There is a large event ahead: texts are read one by one. */
  #isLarge = false;

  constructor(sql: Sql, range: Range, bounds: Bounds, demand: Demand) {
    this.#sql = sql;
    this.range = range;
    this.#bounds = bounds;
    this.#demand = demand;
    this.place = placeOfTime(bounds.until);
  }

  /** The next row; undefined at the end. */
  peek(): StoredRow | undefined {
    if (this.#row !== undefined) return this.#row;
    while (this.#next === this.#ahead.length && !this.#isExhausted) this.#read();
    const raw = this.#ahead[this.#next];
    if (raw !== undefined) this.#row = new StoredRow(raw, this.range);
    return this.#row;
  }

  /** Steps over the row that {@link peek} showed. */
  advance(): void {
    this.#row = undefined;
    this.#next++;
    this.#taken++;
  }

  /** Goes on with what was read behind {@link place}, `count` entries or all there are. */
  take({ raws, entries, end, isLarge }: Chunk, count: number): void {
    const last = raws.at(-1);
    this.#isLarge = isLarge;
    if (!isLarge && entries < count) this.#exhaust();
    if (!isLarge) this.place = end ?? this.place;
    else if (last !== undefined) this.place = placeOf(timeOfRaw(last), idOfRaw(last));
    this.#ahead = raws;
    this.#next = 0;
  }

  #read(): void {
    const count = this.#wanted();
    if (this.#isLarge) return this.#readOneByOne(count);
    this.take(readJoined(this.#sql, [this], this.#bounds, count)[0] as Chunk, count);
  }

  #wanted(): number {
    if (this.range.index === "id") return ALL_IDS;
    const most = this.#demand.most();
    return Math.max(1, Math.min(most, Math.max(this.#taken, Math.ceil(most / this.#demand.open))));
  }

  #exhaust(): void {
    this.#isExhausted = true;
    this.#demand.open--;
  }

  #readOneByOne(count: number): void {
    const raws: string[] = [];
    let size = 0;
    let entries = 0;
    readRows(this.#sql, this, this.#bounds, count, (place, row) => {
      this.place = place;
      entries++;
      if (row === undefined) return true;
      raws.push(row.raw);
      size += row.raw.length;
      return size < MAX_AHEAD;
    });
    if (entries < count && size < MAX_AHEAD) this.#exhaust();
    this.#ahead = raws;
    this.#next = 0;
  }
}
