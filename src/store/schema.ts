import type { Sql } from "./sql.ts";

/** An empty index of NIP-50 in place of the one that is there: it is filled behind. */
const NEW_SEARCH = [
  "DROP TABLE search",
  "CREATE VIRTUAL TABLE search USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='ascii')",
  // It merges segments when it is told to, a page at a time: by itself it does hundreds in the midst of a write.
  "INSERT INTO search(search, rank) VALUES('automerge', 0)",
  "INSERT INTO search(search, rank) VALUES('usermerge', 8)",
  "INSERT INTO search(search, rank) VALUES('crisismerge', 500)",
  "INSERT INTO search(search, rank) VALUES('secure-delete', 1)",
  "DELETE FROM meta WHERE key = 'search'",
];

/**
 * Numbered, append-only migrations: entry n brings a store from version n to n + 1.
 *
 * `place` is the event's place in the order of R-03-10 as one value (`place.ts`), so that a query resumes exactly where it
 * stopped. `seq` is the arrival number, never re-used. A `tag` row may be left of an event that is gone; there is no `event`
 * at its `seq` then. Writing an event costs its row and the four indexes below
 * (`event_address` only for kinds that are replaced, `event_expiration` only for events that expire), and a `tag` row
 * for each indexed tag.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE event(
       seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, place BLOB NOT NULL, kind INTEGER NOT NULL,
       pubkey BLOB NOT NULL, address BLOB, expiration INTEGER, raw TEXT NOT NULL) STRICT`,
    "CREATE INDEX event_kind ON event(kind, place)",
    "CREATE INDEX event_author ON event(pubkey, kind, place)",
    "CREATE UNIQUE INDEX event_address ON event(address) WHERE address IS NOT NULL",
    "CREATE INDEX event_expiration ON event(expiration) WHERE expiration IS NOT NULL",
    `CREATE TABLE tag(
       key BLOB NOT NULL, kind INTEGER NOT NULL, place BLOB NOT NULL, seq INTEGER NOT NULL,
       PRIMARY KEY(key, kind, place)) STRICT, WITHOUT ROWID`,
  ],
  [
    "CREATE TABLE tombstone(id BLOB NOT NULL, pubkey BLOB NOT NULL, PRIMARY KEY(id, pubkey)) STRICT, WITHOUT ROWID",
    "CREATE TABLE address_tombstone(address BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    `CREATE TABLE vanished(
       pubkey BLOB PRIMARY KEY, until INTEGER NOT NULL, pending INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    "CREATE INDEX vanished_pending ON vanished(pending) WHERE pending = 1",
  ],
  // The index of NIP-50 (`search-index.ts`): rowid is the event's `seq`. Its entries are billed as one row each.
  ["CREATE VIRTUAL TABLE search USING fts5(text, content='', contentless_delete=1, tokenize='ascii')"],
  // Who may do what (`access-store.ts`), and what was changed about it.
  [
    `CREATE TABLE access(
       list TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(list, subject)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE audit(
       seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, pubkey TEXT NOT NULL, method TEXT NOT NULL,
       params TEXT NOT NULL) STRICT`,
  ],
  // It did not say which kinds the index of NIP-50 leaves out: what is missing is found again.
  ["DELETE FROM meta WHERE key = 'search'"],
  // What is hidden and still to be erased (`unfinished.ts`), with the text of the event that says what it is.
  [
    "CREATE TABLE unfinished(number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, work TEXT NOT NULL, raw TEXT NOT NULL) STRICT",
  ],
  // The index of NIP-50 knew where in a text a word stands, which is found in the text itself. It is filled anew.
  NEW_SEARCH,
  // Tombstones are found by their author, whose ban takes them away.
  [
    "ALTER TABLE tombstone RENAME TO tombstone_by_id",
    "CREATE TABLE tombstone(pubkey BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY(pubkey, id)) STRICT, WITHOUT ROWID",
    "INSERT INTO tombstone SELECT pubkey, id FROM tombstone_by_id",
    "DROP TABLE tombstone_by_id",
  ],
  // Nothing changes in what is stored. From here on the address key of a long `d` holds its hash, which older versions
  // do not look for.
  [],
  // How many changes of one caller are remembered is asked with each.
  ["CREATE INDEX audit_caller ON audit(pubkey)"],
  // It had words with their diacritics.
  NEW_SEARCH,
  // Whether what a tombstone names was ever stored here. Of older ones nobody knows.
  ["tombstone", "address_tombstone"].map(
    (table) => `ALTER TABLE ${table} ADD COLUMN was_stored INTEGER NOT NULL DEFAULT 1`,
  ),
  // What management has changed is stored under the names of the settings.
  [
    "UPDATE access SET subject = 'RELAY_NAME' WHERE list = 'setting' AND subject = 'name'",
    "UPDATE access SET subject = 'RELAY_DESCRIPTION' WHERE list = 'setting' AND subject = 'description'",
    "UPDATE access SET subject = 'RELAY_ICON' WHERE list = 'setting' AND subject = 'icon'",
  ],
  // The account of jobs (`ledger/ledger.ts`), which is filled behind from the events that are stored.
  [
    `CREATE TABLE job(
       id BLOB PRIMARY KEY, kind INTEGER NOT NULL, customer BLOB NOT NULL, made INTEGER NOT NULL,
       deadline INTEGER NOT NULL, ended INTEGER NOT NULL, open INTEGER, state INTEGER NOT NULL, feedback INTEGER,
       result INTEGER, provider BLOB, amount INTEGER) STRICT, WITHOUT ROWID`,
    "CREATE INDEX job_made ON job(made, id)",
    "CREATE INDEX job_open ON job(deadline) WHERE open IS NOT NULL",
    `CREATE TABLE evidence(
       job BLOB NOT NULL, class INTEGER NOT NULL, place BLOB NOT NULL, provider BLOB NOT NULL, kind INTEGER NOT NULL,
       state INTEGER NOT NULL, customer BLOB, amount INTEGER, PRIMARY KEY(job, class, place)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE provider(
       pubkey BLOB NOT NULL, kind INTEGER NOT NULL, handlers INTEGER NOT NULL, working INTEGER NOT NULL,
       failed INTEGER NOT NULL, answered INTEGER NOT NULL, feedback TEXT NOT NULL, result TEXT NOT NULL,
       PRIMARY KEY(pubkey, kind)) STRICT, WITHOUT ROWID`,
    `INSERT INTO meta SELECT 'ledger', '{"kind":-1,"place":""}' WHERE EXISTS(SELECT 1 FROM event)`,
  ],
  // Jobs whose requests have gone are found by their customer, of whom nothing may be left.
  ["CREATE INDEX job_gone ON job(customer, made) WHERE ended > 0"],
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

/** The version that a store is of; 0 of an empty one. */
export function schemaOf(sql: Sql): number {
  const exists = sql.all("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").length > 0;
  return exists ? Number(readMeta(sql, "schema") ?? 0) : 0;
}

/** Brings the store up to date, each step in one transaction. Throws {@link NewerSchemaError}. Reads 2 rows when current. */
export function migrate(sql: Sql): void {
  const version = schemaOf(sql);
  if (version === 0) {
    sql.all("CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID");
  }
  if (version > SCHEMA_VERSION) throw new NewerSchemaError(version);
  for (let next = version; next < SCHEMA_VERSION; next++) {
    sql.transaction(() => {
      for (const statement of MIGRATIONS[next] ?? []) sql.all(statement);
      writeMeta(sql, "schema", String(next + 1));
    });
  }
}

/** One of the few values that are not events. */
export function readMeta(sql: Sql, key: string): string | undefined {
  const row = sql.all("SELECT value FROM meta WHERE key = ?1", key)[0];
  return row === undefined ? undefined : String(row[0]);
}

/** Writes one row. */
export function writeMeta(sql: Sql, key: string, value: string): void {
  sql.all("INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value", key, value);
}
