import { type Event, idOfRaw } from "../protocol/event.ts";
import type { Losses } from "./losses.ts";
import { readMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** Events of one author that are counted for a ban. */
const MOST_COUNTED = 5000;

/** Position of the newest event that was ever stored; 0 if there was none. Reads two rows. */
export function headOf(sql: Sql): number {
  const stored = Number(sql.all("SELECT max(seq) FROM event")[0]?.[0] ?? 0);
  return Math.max(stored, Number(readMeta(sql, "head") ?? 0));
}

/** Finds stored events by id, and tells which of those that were read have gone since. */
export class Lookups {
  readonly #sql: Sql;
  readonly #losses: Losses;

  constructor(sql: Sql, losses: Losses) {
    this.#sql = sql;
    this.#losses = losses;
  }

  /** Throws if the store cannot be read. Reads at most one row. */
  check(): void {
    this.#sql.all("SELECT 1 FROM event LIMIT 1");
  }

  /** The stored event of an id. Reads two rows at most. */
  find(id: string): Event | undefined {
    const [row] = this.#sql.all("SELECT raw FROM event WHERE id = unhex(?1)", id);
    return row === undefined ? undefined : (JSON.parse(row[0] as string) as Event);
  }

  /** Those of these ids that are stored, events of the kinds `except` aside. Reads at most two rows for each. */
  storedOf(ids: readonly string[], except: ReadonlySet<number>): Set<string> {
    const rows = this.#sql.all(
      "SELECT value, e.kind FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)",
      JSON.stringify(ids),
    );
    return new Set(rows.filter(([, kind]) => !except.has(kind as number)).map(([id]) => id as string));
  }

  /** How many events of an author are stored, and how many of them of other kinds than `except`: 5,000 at most. */
  storedBy(pubkey: string, except: ReadonlySet<number>): { stored: number; shown: number } {
    const [row] = this.#sql.all(
      `SELECT count(*), total(kind NOT IN (SELECT value FROM json_each(?2)))
       FROM (SELECT kind FROM event INDEXED BY event_author WHERE pubkey = unhex(?1) LIMIT ${MOST_COUNTED})`,
      pubkey,
      JSON.stringify([...except]),
    );
    return { stored: Number(row?.[0]), shown: Number(row?.[1]) };
  }

  /** Those of these raw events that are where they were when {@link Losses.count} was what is given. */
  remaining(raws: string[], count: number): string[] {
    if (this.#losses.count === count) return raws;
    if (this.#losses.remembers(count)) return raws.filter((raw) => !this.#losses.has(idOfRaw(raw), count));
    const stored = this.storedOf(raws.map(idOfRaw), new Set());
    return raws.filter((raw) => stored.has(idOfRaw(raw)));
  }

  /** The same for positions: those that are gone, but for what a newer version has replaced. */
  removedOf(positions: readonly number[], count: number): Set<number> {
    const lost = this.#losses.since(count);
    if (lost !== undefined)
      return new Set(lost.flatMap(({ position, loss }) => (loss === "removed" ? [position] : [])));
    const query = "SELECT value FROM json_each(?1) WHERE value NOT IN (SELECT seq FROM event WHERE seq = value)";
    return new Set(this.#sql.all(query, JSON.stringify(positions)).map(([position]) => position as number));
  }
}
