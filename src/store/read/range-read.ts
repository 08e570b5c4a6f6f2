import type { TaggedEvent } from "../../protocol/event.ts";
import type { RetentionRule } from "../../protocol/retention.ts";
import { COST } from "../../protocol/work.ts";
import { placeOfTime } from "../place.ts";
import type { Recent } from "../recent.ts";
import type { Row, Sql, SqlValue } from "../sql.ts";
import { oldestOf } from "./kept.ts";
import type { Range } from "./query-plan.ts";
import { StoredRow } from "./stored-row.ts";

/** What all ranges of one scan have in common. Times are seconds. */
export interface Bounds {
  readonly since: number;
  readonly until: number;
  /** Positions above are not seen: they were stored after the scan began. */
  readonly head: number;
  readonly now: number;
  readonly retention: readonly RetentionRule[];
  /** Events that cannot be found by all of their tags yet. */
  readonly untagged?: readonly TaggedEvent[] | undefined;
  /** Texts of new events, where they are kept. */
  readonly recent?: Recent | undefined;
}

/**
 * Events of fewer bytes are read many in one string, which takes half the time of a row for each. With the most rows of
 * one read that is 2 MB; the platform's strings end at 4.
 */
const MAX_JOINED = 4096;

/** Ranges that are read in one statement, which has 100 parameters at most. */
export const MAX_RANGES_AT_ONCE = 16;

/** Where a statement finds what it reads by, as SQL. */
interface Terms {
  readonly place: string;
  readonly end: string;
  readonly head: string;
  readonly now: string;
  readonly kind: string;
  readonly key: string;
}

const OF_ONE: Terms = { place: "?1", end: "?2", head: "?3", now: "?4", kind: "?5", key: "?6" };

/** A row for each range. */
const OF_MANY: Terms = {
  place: "range.column1",
  end: "range.column2",
  head: "?1",
  now: "?2",
  kind: "range.column3",
  key: "range.column4",
};

function unexpired(now: string): string {
  return `(e.expiration IS NULL OR e.expiration > ${now})`;
}

/**
 * Whether the event of an entry is to be seen. Never a condition of a statement, which would walk over any number of others
 * to find one: those that are not come back as nothing.
 */
export const IS_THERE = `(e.seq IS NOT NULL AND ${unexpired(OF_ONE.now)})`;

function inBounds(table: string, { place, end, head }: Terms): string {
  return `${table}.place > unhex(${place}) AND ${table}.place < unhex(${end}) AND ${table}.seq <= ${head}`;
}

/** The tag row has the order; the event is fetched by its position, if it is still there. */
const TAGGED = "LEFT JOIN event e ON e.seq = t.seq";

/** Where the events of a range are found, expired ones too. */
function sourceOf(index: Range["index"], terms: Terms, tagged = ""): string {
  const { kind, key } = terms;
  switch (index) {
    case "id":
      return `FROM json_each(${key}) AS id CROSS JOIN event e ON e.id = unhex(id.value) WHERE ${inBounds("e", terms)}`;
    case "kind":
      return `FROM event e INDEXED BY event_kind WHERE e.kind = ${kind} AND ${inBounds("e", terms)}`;
    case "author":
      return `FROM event e INDEXED BY event_author
        WHERE e.pubkey = unhex(${key}) AND e.kind = ${kind} AND ${inBounds("e", terms)}`;
    case "tag":
      return `FROM tag t ${tagged} WHERE t.key = unhex(${key}) AND t.kind = ${kind} AND ${inBounds("t", terms)}`;
  }
}

function forAll(statement: (index: Range["index"]) => string): Record<Range["index"], string> {
  return { id: statement("id"), kind: statement("kind"), author: statement("author"), tag: statement("tag") };
}

/** The table that has the order of an index. */
export function tableOf(index: Range["index"]): string {
  return index === "tag" ? "t" : "e";
}

/** Where the index alone says what there is, expired or not. ?1 to ?6 are place, end, head, now, kind, key. */
export const ENTRIES = forAll((index) => sourceOf(index, OF_ONE));

/** The same with the events `e`. */
export const EVENTS = forAll((index) => sourceOf(index, OF_ONE, TAGGED));

/** `?7` as it stands would have the statement planned anew at every call: SQLite looks at the value of a bare LIMIT. */
function reading(index: Range["index"], columns: string): string {
  return `SELECT ${columns} ${EVENTS[index]} ORDER BY ${tableOf(index)}.place LIMIT ?7 + 0`;
}

const READ_RAWS = forAll((index) => reading(index, `${placeOfEntry(index)}, CASE WHEN ${IS_THERE} THEN e.raw END`));
const READ_PLACES = forAll((index) => reading(index, `${placeOfEntry(index)}, ${IS_THERE}`));

function placeOfEntry(index: Range["index"]): string {
  return `lower(hex(${tableOf(index)}.place))`;
}

/** A line that stands for an event which has expired, and the empty one for one that is too large. */
const EXPIRED = "-";
const TEXT = `CASE WHEN octet_length(e.raw) < ${MAX_JOINED} THEN e.raw ELSE '' END`;

/**
 * For each of the ranges, whose rows are to be appended, one string of lines, which JSON texts are; the last is the place
 * of the last event. ?1 to ?4 are head, now, floor and count: above the floor a line is the position, and the row of the
 * event is not read.
 */
const READ_JOINED = forAll((index) => {
  const table = tableOf(index);
  const isKept = `${table}.seq > ?3`;
  const source = sourceOf(index, OF_MANY);
  const isThere = unexpired(OF_MANY.now);
  const text =
    index === "tag"
      ? `coalesce((SELECT ${TEXT} FROM event e WHERE e.seq = t.seq AND ${isThere}), '${EXPIRED}')`
      : `CASE WHEN ${isThere} THEN ${TEXT} ELSE '${EXPIRED}' END`;
  const line = `CASE WHEN ${isKept} THEN ${table}.seq ELSE ${text} END AS line`;
  const lines = `SELECT ${line}, ${table}.place AS place ${source} ORDER BY ${table}.place LIMIT ?4 + 0`;
  return `SELECT (SELECT group_concat(line, char(10)) || char(10) || hex(max(place)) FROM (${lines}))
    FROM (VALUES `;
});

/** A place in a range. */
export interface Position {
  readonly range: Range;
  /** As lowercase hex (`place.ts`). */
  readonly place: string;
}

/** What was read behind a position. */
export interface Chunk {
  /** Those that have not expired, up to the first that is large. */
  readonly rows: readonly StoredRow[];
  /** Entries of the index, those of expired events too. */
  readonly entries: number;
  /** Place of the last entry; undefined if there is none. */
  readonly end: string | undefined;
  /** There is an event of {@link MAX_JOINED} bytes or more: `entries` and `end` are behind it. */
  readonly isLarge: boolean;
}

/** The statement that reads so many ranges. */
function joinedOf(index: Range["index"], count: number): string {
  const statements = JOINED[index];
  statements[count] ??= `${READ_JOINED[index]}${Array(count).fill("(?, ?, ?, ?)").join()}) AS range`;
  return statements[count];
}

const JOINED: Record<Range["index"], string[]> = { id: [], kind: [], author: [], tag: [] };

/** Up to `count` events behind each position. The ranges are of one index, and {@link MAX_RANGES_AT_ONCE} at most. */
export function readJoined(sql: Sql, from: readonly Position[], bounds: Bounds, count: number): Chunk[] {
  const [first] = from;
  if (first === undefined) return [];
  const { head, now, recent } = bounds;
  const floor = recent?.floor ?? Number.MAX_SAFE_INTEGER;
  sql.meter.spent += COST.seek * from.length;
  // Not as JSON: what `json_each` gives is billed as rows that are read.
  const bindings: SqlValue[] = [head, now, floor, count];
  for (const { range, place } of from) bindings.push(place, endOf(range, bounds), range.kind, range.key);
  return sql
    .all(joinedOf(first.range.index, from.length), ...bindings)
    .map(([joined]) => (typeof joined === "string" ? chunkOf(joined.split("\n"), bounds) : NO_MORE));
}

const NO_MORE: Chunk = { rows: [], entries: 0, end: undefined, isLarge: false };

function chunkOf(lines: string[], { recent, now }: Bounds): Chunk {
  const end = lines.pop();
  const rows: StoredRow[] = [];
  for (const line of lines) {
    if (line === "") return { rows, entries: lines.length, end, isLarge: true };
    if (line.startsWith("{")) rows.push(new StoredRow(line));
    else if (line !== EXPIRED) {
      const row = recent?.get(Number(line), now);
      if (row !== undefined) rows.push(row);
    }
  }
  return { rows, entries: lines.length, end, isLarge: false };
}

/** Up to `count` places of entries of a range behind a position, and whether their events are to be seen. */
export function readPlaces(
  sql: Sql,
  from: Position,
  bounds: Bounds,
  count: number,
): (readonly [place: string, isThere: boolean])[] {
  const rows = sql.all(READ_PLACES[from.range.index], ...bindingsOf(from, bounds, count));
  return rows.map(([place, isThere]) => [place as string, isThere === 1]);
}

/** Up to `count` entries of a range behind a position, while `take` says so; without a row where there is nothing to see. */
export function readRows(
  sql: Sql,
  from: Position,
  bounds: Bounds,
  count: number,
  take: (place: string, row: StoredRow | undefined) => boolean,
): void {
  sql.each(READ_RAWS[from.range.index], bindingsOf(from, bounds, count), ([place, raw]: Row) =>
    take(place as string, raw === null ? undefined : new StoredRow(raw as string)),
  );
}

/** ?1 to ?7 of a statement on one range. */
export function bindingsOf({ range, place }: Position, bounds: Bounds, count: number) {
  return [place, endOf(range, bounds), bounds.head, bounds.now, range.kind, range.key, count];
}

/** Where a range ends. One by id may hold any kind: its events are checked against what is kept when they are read. */
function endOf({ index, kind }: Range, bounds: Bounds): string {
  const { since } = bounds;
  return placeOfTime((index === "id" ? since : Math.max(since, oldestOf(bounds, kind))) - 1);
}
