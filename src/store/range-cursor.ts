import { idOfRaw, kindOfRaw, timeOfRaw } from "../protocol/event.ts";
import type { Comparable } from "./merge.ts";
import { placeOf, placeOfTime } from "./place.ts";
import { MAX_IDS, type Range } from "./query-plan.ts";
import type { Recent } from "./recent.ts";
import type { Row, Sql } from "./sql.ts";

/** A stored event on its way out: its text, which says all that may be asked. Mostly nothing is. */
export class StoredRow implements Comparable<StoredRow> {
  #time: number | undefined;
  #id: string | undefined;

  constructor(
    readonly raw: string,
    private readonly range: Pick<Range, "index" | "kind" | "residual">,
  ) {}

  /** Its place in the order of R-03-10, as lowercase hex (`place.ts`). */
  get place(): string {
    return placeOf(this.time, this.id);
  }

  /** Unix seconds. */
  get time(): number {
    this.#time ??= timeOfRaw(this.raw);
    return this.#time;
  }

  get id(): string {
    this.#id ??= idOfRaw(this.raw);
    return this.#id;
  }

  /** The order of R-03-10. */
  compare(other: StoredRow): number {
    const later = other.time - this.time;
    if (later !== 0) return later;
    return this.id < other.id ? -1 : this.id > other.id ? 1 : 0;
  }

  get kind(): number {
    return this.range.index === "id" ? kindOfRaw(this.raw) : this.range.kind;
  }

  /** The row must still be held against the whole filter. */
  get residual(): boolean {
    return this.range.residual;
  }
}

/** What all ranges of one scan have in common. Times are seconds. */
export interface Bounds {
  readonly since: number;
  readonly until: number;
  /** Positions above are not seen: they were stored after the scan began. */
  readonly head: number;
  readonly now: number;
  /** The smallest created_at of a kind that is still kept (R-07-01). */
  readonly oldestKept: (kind: number) => number;
  /** Texts of new events, where they are kept. */
  readonly recent?: Recent | undefined;
}

/** Raw JSON read ahead of need at one time, in UTF-16 units, where events are large. */
const MAX_AHEAD = 1 << 20;

/**
 * Events of fewer bytes are read many in one string, which takes half the time of a row for each. With the most rows of
 * one read that is 2 MB; the platform's strings end at 4.
 */
const MAX_JOINED = 4096;

export const UNEXPIRED = "(e.expiration IS NULL OR e.expiration > ?4)";

function inBounds(table: string): string {
  return `${table}.place > unhex(?1) AND ${table}.place < unhex(?2) AND ${table}.seq <= ?3`;
}

/** Where the events of a range are found: ?1 to ?6 are place, end, head, now, kind, key. */
export const SOURCES: Record<Range["index"], string> = {
  id: `FROM json_each(?6) CROSS JOIN event e ON e.id = unhex(value) WHERE ${inBounds("e")} AND ${UNEXPIRED}`,
  kind: `FROM event e INDEXED BY event_kind WHERE e.kind = ?5 AND ${inBounds("e")} AND ${UNEXPIRED}`,
  author: `FROM event e INDEXED BY event_author
    WHERE e.pubkey = unhex(?6) AND e.kind = ?5 AND ${inBounds("e")} AND ${UNEXPIRED}`,
  // The tag row has the order; the event is fetched by its position.
  tag: `FROM tag t CROSS JOIN event e ON e.seq = t.seq
    WHERE t.key = unhex(?6) AND t.kind = ?5 AND ${inBounds("t")} AND ${UNEXPIRED}`,
};

/** `?7` as it stands would have the statement planned anew at every call: SQLite looks at the value of a bare LIMIT. */
function reading(index: Range["index"], columns: string): string {
  return `SELECT ${columns} ${SOURCES[index]} ORDER BY ${index === "tag" ? "t" : "e"}.place LIMIT ?7 + 0`;
}

function forAll(statement: (index: Range["index"]) => string): Record<Range["index"], string> {
  return { id: statement("id"), kind: statement("kind"), author: statement("author"), tag: statement("tag") };
}

const READ_RAWS = forAll((index) => reading(index, "e.raw"));

/** A line that stands for an event which has expired, and the empty one for one that is too large. */
const EXPIRED = "-";
const TEXT = `CASE WHEN octet_length(e.raw) < ${MAX_JOINED} THEN e.raw ELSE '' END`;

/**
 * One string of lines, which JSON texts are, and the place of the last. Above the position ?8 a line is the position: then
 * the row of the event is not read.
 */
const READ_JOINED = forAll((index) => {
  const table = index === "tag" ? "t" : "e";
  const source = {
    tag: `FROM tag t WHERE t.key = unhex(?6) AND t.kind = ?5 AND ${inBounds("t")}`,
    other: SOURCES[index].replace(UNEXPIRED, `(e.seq > ?8 OR ${UNEXPIRED})`),
  };
  const text = `coalesce((SELECT ${TEXT} FROM event e WHERE e.seq = t.seq AND ${UNEXPIRED}), '${EXPIRED}')`;
  const line = `CASE WHEN ${table}.seq > ?8 THEN ${table}.seq ELSE ${index === "tag" ? text : TEXT} END AS line`;
  return `SELECT group_concat(line, char(10)), hex(max(place)) FROM (
    SELECT ${line}, ${table}.place AS place ${index === "tag" ? source.tag : source.other}
    ORDER BY ${table}.place LIMIT ?7 + 0)`;
});

const READ_PLACES = forAll((index) => reading(index, `lower(hex(${index === "tag" ? "t" : "e"}.place))`));

/** Up to `count` places of a range behind `place`. */
export function readPlaces(sql: Sql, range: Range, bounds: Bounds, place: string, count: number): string[] {
  return sql
    .all(READ_PLACES[range.index], ...bindingsOf(range, bounds, place, count))
    .map(([place]) => place as string);
}

/** Up to `count` events of a range behind `place`, while `take` says so. */
export function readRows(
  sql: Sql,
  range: Range,
  bounds: Bounds,
  place: string,
  count: number,
  take: (row: StoredRow) => boolean,
): void {
  const bindings = bindingsOf(range, bounds, place, count);
  sql.each(READ_RAWS[range.index], bindings, ([raw]: Row) => take(new StoredRow(raw as string, range)));
}

function bindingsOf(range: Range, bounds: Bounds, place: string, count: number) {
  return [place, endOf(range, bounds), bounds.head, bounds.now, range.kind, range.key, count];
}

/** Where a range ends. One by id may hold any kind: its events are held against what is kept when they are read. */
export function endOf({ index, kind }: Range, { since, oldestKept }: Bounds): string {
  return placeOfTime((index === "id" ? since : Math.max(since, oldestKept(kind))) - 1);
}

/**
 * Walks one range of one index. After its first read it reads as many rows as have been taken so far, so that a range
 * that gives little costs little, and one that gives much few statements. Ids are looked up all at once: what is read of
 * them again costs as much as the first time.
 */
export class RangeCursor {
  readonly #range: Range;
  readonly #sql: Sql;
  readonly #bounds: Bounds;
  #ahead: readonly string[] = [];
  #row: StoredRow | undefined;
  #next = 0;
  #taken = 0;
  /** Place of the last event that was read. */
  #place: string;
  #isExhausted = false;
  /** There is a large event ahead: texts are read one by one. */
  #isLarge = false;

  constructor(sql: Sql, range: Range, bounds: Bounds) {
    this.#range = range;
    this.#sql = sql;
    this.#bounds = bounds;
    this.#place = placeOfTime(bounds.until);
  }

  /** The next row; undefined at the end. `first` rows are read at the first need, never more than `most`. */
  peek(first: number, most: number): StoredRow | undefined {
    if (this.#row !== undefined) return this.#row;
    while (this.#next === this.#ahead.length && !this.#isExhausted) {
      const wanted = Math.max(1, Math.min(most, this.#taken === 0 ? first : this.#taken));
      this.#read(this.#range.index === "id" ? MAX_IDS + 1 : wanted);
    }
    const raw = this.#ahead[this.#next];
    if (raw !== undefined) this.#row = new StoredRow(raw, this.#range);
    return this.#row;
  }

  /** Steps over the row that {@link peek} showed. */
  advance(): void {
    this.#row = undefined;
    this.#next++;
    this.#taken++;
  }

  #read(count: number): void {
    this.#ahead = this.#isLarge ? this.#readOneByOne(count) : this.#readJoined(count);
    this.#next = 0;
  }

  #readJoined(count: number): string[] {
    const { recent, now } = this.#bounds;
    const bindings = bindingsOf(this.#range, this.#bounds, this.#place, count);
    const floor = recent?.floor ?? Number.MAX_SAFE_INTEGER;
    const [joined, end] = this.#sql.all(READ_JOINED[this.#range.index], ...bindings, floor)[0] ?? [];
    const lines = typeof joined === "string" ? joined.split("\n") : [];
    const raws: string[] = [];
    for (const line of lines) {
      this.#isLarge = line === "";
      if (this.#isLarge) break;
      const raw = line.startsWith("{") ? line : line === EXPIRED ? undefined : recent?.get(Number(line), now);
      if (raw !== undefined) raws.push(raw);
    }
    this.#isExhausted = !this.#isLarge && lines.length < count;
    const last = raws.at(-1);
    if (!this.#isLarge && typeof end === "string" && end !== "") this.#place = end;
    else if (last !== undefined) this.#place = placeOf(timeOfRaw(last), idOfRaw(last));
    return raws;
  }

  #readOneByOne(count: number): string[] {
    const raws: string[] = [];
    let size = 0;
    readRows(this.#sql, this.#range, this.#bounds, this.#place, count, (row) => {
      raws.push(row.raw);
      size += row.raw.length;
      this.#place = row.place;
      return size < MAX_AHEAD;
    });
    this.#isExhausted = raws.length < count && size < MAX_AHEAD;
    return raws;
  }
}
