import { COST } from "../../protocol/work.ts";
import { placeOfTime } from "../place.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";
import { Merge, type Ordered } from "./merge.ts";
import { MAX_IDS, type Range } from "./query-plan.ts";
import { type Bounds, type Chunk, MAX_RANGES_AT_ONCE, type Position, readJoined, readRows } from "./range-read.ts";
import type { StoredRow } from "./stored-row.ts";

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
  const sources: Ordered<StoredRow>[] = [];
  const merged = new Merge<StoredRow>();
  for (const group of groupsOf(ranges)) {
    if (sources.length > 0) yield;
    const added = open(sql, group, bounds, demand, share);
    for (const source of added) merged.add(source);
    sources.push(...added);
  }
  const [only] = sources;
  return sources.length === 1 && only !== undefined ? only : merged;
}

/** Opens ranges of one index. Of those by id, new events are found without asking the database. */
function open(sql: Sql, ranges: readonly Range[], bounds: Bounds, demand: Demand, share: number): Ordered<StoredRow>[] {
  const [first] = ranges;
  if (first?.index !== "id") {
    const cursors = ranges.map((range) => new RangeCursor(sql, range, bounds, demand));
    const chunks = readJoined(sql, cursors, bounds, share);
    for (const [i, cursor] of cursors.entries()) cursor.take(chunks[i] as Chunk, share);
    return cursors;
  }
  const { found, others } = recentOf(JSON.parse(first.key) as string[], bounds);
  sql.meter.spent += COST.entry * found.length;
  if (others.length === 0) return [new Rows(found)];
  const cursor = new RangeCursor(sql, { ...first, key: JSON.stringify(others) }, bounds, demand);
  cursor.take(readJoined(sql, [cursor], bounds, ALL_IDS)[0] as Chunk, ALL_IDS);
  return found.length === 0 ? [cursor] : [new Rows(found), cursor];
}

/** Of these ids the events that are kept in memory, in order, and those that are not. */
function recentOf(
  ids: readonly string[],
  { recent, head, now, since, until }: Bounds,
): { found: StoredRow[]; others: string[] } {
  const found: StoredRow[] = [];
  const others: string[] = [];
  for (const id of ids) {
    const position = recent?.positionOf(id);
    if (position === undefined) others.push(id);
    else if (position <= head) {
      const row = recent?.get(position, now);
      if (row !== undefined && row.time >= since && row.time <= until) found.push(row);
    }
  }
  return { found: found.sort((a, b) => a.compare(b)), others };
}

/** Rows in order that have been found already. */
class Rows implements Ordered<StoredRow> {
  readonly #rows: readonly StoredRow[];
  #next = 0;

  constructor(rows: readonly StoredRow[]) {
    this.#rows = rows;
  }

  peek(): StoredRow | undefined {
    return this.#rows[this.#next];
  }

  advance(): void {
    this.#next++;
  }
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
  #ahead: readonly StoredRow[] = [];
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
    while (this.#next === this.#ahead.length && !this.#isExhausted) this.#read();
    return this.#ahead[this.#next];
  }

  /** Steps over the row that {@link peek} showed. Ranges that have the same rows would else all read much at once. */
  advance(isShared = false): void {
    this.#next++;
    if (!isShared) this.#taken++;
  }

  /** Goes on with what was read behind {@link place}, `count` entries or all there are. */
  take({ rows, entries, end, isLarge }: Chunk, count: number): void {
    const last = rows.at(-1);
    this.#isLarge = isLarge;
    if (!isLarge && entries < count) this.#exhaust();
    if (!isLarge) this.place = end ?? this.place;
    else if (last !== undefined) this.place = last.place;
    this.#ahead = rows;
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
    const rows: StoredRow[] = [];
    let size = 0;
    let entries = 0;
    readRows(this.#sql, this, this.#bounds, count, (place, row) => {
      this.place = place;
      entries++;
      if (row === undefined) return true;
      rows.push(row);
      size += row.raw.length;
      return size < MAX_AHEAD;
    });
    if (entries < count && size < MAX_AHEAD) this.#exhaust();
    this.#ahead = rows;
    this.#next = 0;
  }
}
