import type { Event } from "../../protocol/event.ts";
import { readMeta } from "../schema.ts";
import type { Sql } from "../sql.ts";

/** A stored event, and where it is. */
export interface Found {
  readonly position: number;
  readonly event: Event;
}

/** The newest position that was ever used; 0 if none was. */
export function lastPosition(sql: Sql): number {
  const stored = Number(sql.all("SELECT max(seq) FROM event")[0]?.[0] ?? 0);
  return Math.max(stored, Number(readMeta(sql, "head") ?? 0));
}

/** The stored event of an id. Reads two rows at most. */
export function findEvent(sql: Sql, id: string): Event | undefined {
  const [row] = sql.all("SELECT raw FROM event WHERE id = unhex(?1)", id);
  return row === undefined ? undefined : (JSON.parse(row[0] as string) as Event);
}

/** The stored version of an address, by its key. */
export function findVersion(sql: Sql, key: string): Found | undefined {
  const [row] = sql.all("SELECT seq, raw FROM event WHERE address = unhex(?1)", key);
  return row && { position: row[0] as number, event: JSON.parse(row[1] as string) as Event };
}

/** Those of these ids that are stored, events of the kinds `except` aside. Reads at most two rows for each. */
export function storedOf(sql: Sql, ids: readonly string[], except: ReadonlySet<number>): Set<string> {
  const rows = sql.all(
    "SELECT value, e.kind FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)",
    JSON.stringify(ids),
  );
  return new Set(rows.filter(([, kind]) => !except.has(kind as number)).map(([id]) => id as string));
}

/** Those of these positions at which nothing is stored. */
export function missingOf(sql: Sql, positions: readonly number[]): Set<number> {
  const query = "SELECT value FROM json_each(?1) WHERE value NOT IN (SELECT seq FROM event WHERE seq = value)";
  return new Set(sql.all(query, JSON.stringify(positions)).map(([position]) => position as number));
}
