import type { Sql } from "./sql.ts";

/**
 * Numbered, append-only migrations: entry n brings a store from version n to n + 1.
 *
 * `rank` is the negated created_at, so that ascending (rank, id) is the order of R-03-10 and one position in it is one
 * row value. `seq` is the arrival number, never re-used. Writing an event costs its row and the four indexes below
 * (`event_address` only for kinds that are replaced, `event_expiration` only for events that expire), and a `tag` row
 * for each indexed tag.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE event(
     seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, rank INTEGER NOT NULL, kind INTEGER NOT NULL,
     pubkey BLOB NOT NULL, address BLOB, expiration INTEGER, raw TEXT NOT NULL) STRICT;
   CREATE INDEX event_kind ON event(kind, rank, id);
   CREATE INDEX event_author ON event(pubkey, kind, rank, id);
   CREATE UNIQUE INDEX event_address ON event(address) WHERE address IS NOT NULL;
   CREATE INDEX event_expiration ON event(expiration) WHERE expiration IS NOT NULL;
   CREATE TABLE tag(
     key BLOB NOT NULL, kind INTEGER NOT NULL, rank INTEGER NOT NULL, id BLOB NOT NULL, seq INTEGER NOT NULL,
     PRIMARY KEY(key, kind, rank, id)) STRICT, WITHOUT ROWID;`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** The data was written by a newer Nexus; this one leaves it alone. */
export class NewerSchemaError extends Error {
  override readonly name = "NewerSchemaError";
  constructor(found: number) {
    super(
      `The data was written by a newer Nexus (schema ${found}, this one knows ${SCHEMA_VERSION}). ` +
        "Start the newer version, or choose another data directory.",
    );
  }
}

/** Brings the store up to date, each step in one transaction. Throws {@link NewerSchemaError}. Reads 2 rows when current. */
export function migrate(sql: Sql): void {
  const exists = sql.all("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").length > 0;
  if (!exists) sql.all("CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID");
  const version = Number(sql.all("SELECT value FROM meta WHERE key = 'schema'")[0]?.[0] ?? 0);
  if (version > SCHEMA_VERSION) throw new NewerSchemaError(version);
  for (let next = version; next < SCHEMA_VERSION; next++) {
    sql.transaction(() => {
      sql.all(MIGRATIONS[next] as string);
      sql.all(
        "INSERT INTO meta VALUES('schema', ?1) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        String(next + 1),
      );
    });
  }
}
