import type { EventStore } from "./event-store.ts";
import type { Row, Sql, SqlValue } from "./sql.ts";

/** Rows that one page has at most. */
const MAX_ROWS = 1000;

/** Lists of access that go with a relay: the others are about work under way, or made anew. */
export const KEPT_LISTS = [
  "banned-pubkey",
  "allowed-pubkey",
  "banned-event",
  "allowed-event",
  "reported-event",
  "allowed-kind",
  "disallowed-kind",
  "blocked-ip",
  "admin",
  "member",
  "joined",
  "role",
  "invite",
  "setting",
] as const;

/** What one page of a table is read with: its values, and those that tell where the next page begins, which are the first of them. */
interface Source {
  values: string;
  from: string;
  key: readonly string[];
  /** How a value of the key is bound. */
  bind: string;
}

const SOURCES = {
  access: {
    values: "list, subject, detail",
    from: `access WHERE list IN (${KEPT_LISTS.map((list) => `'${list}'`).join(", ")})`,
    key: ["list", "subject"],
    bind: "?",
  },
  audit: { values: "seq, at, pubkey, method, params", from: "audit WHERE true", key: ["seq"], bind: "?+0" },
  tombstone: {
    values: "lower(hex(pubkey)), lower(hex(id)), was_stored",
    from: "tombstone WHERE true",
    key: ["pubkey", "id"],
    bind: "unhex(?)",
  },
  address_tombstone: {
    values: "lower(hex(address)), until, was_stored",
    from: "address_tombstone WHERE true",
    key: ["address"],
    bind: "unhex(?)",
  },
  vanished: { values: "lower(hex(pubkey)), until", from: "vanished WHERE true", key: ["pubkey"], bind: "unhex(?)" },
} satisfies Record<string, Source>;

export type StateTable = keyof typeof SOURCES;

/** The tables that hold what a relay knows besides its events, in the order in which they are restored. */
export const STATE_TABLES = Object.keys(SOURCES) as StateTable[];

/** A row of one of them; no value is null. */
export type StateRow = Row;

/** Rows of one table in the order of their keys. */
export interface StatePage {
  rows: Row[];
  /** Where the next page begins; the last page has none. */
  next?: SqlValue[];
}

/** Reads and restores what a relay knows besides its events. */
export class StateTables {
  readonly #sql: Sql;
  readonly #store: EventStore;

  constructor(sql: Sql, store: EventStore) {
    this.#sql = sql;
    this.#store = store;
  }

  /** A page of a table behind a key, which is as the `next` of a page. */
  page(table: StateTable, after?: readonly SqlValue[]): StatePage {
    const { values, from, key, bind }: Source = SOURCES[table];
    const bound = key.map(() => bind).join(", ");
    const behind = after === undefined ? "" : `AND (${key.join(", ")}) > (${bound})`;
    const rows = this.#sql.all(
      `SELECT ${values} FROM ${from} ${behind} ORDER BY ${key.join(", ")} LIMIT ${MAX_ROWS}`,
      ...(after ?? []).slice(0, key.length),
    );
    const last = rows.at(-1);
    return { rows, ...(rows.length === MAX_ROWS && last !== undefined && { next: last.slice(0, key.length) }) };
  }

  /** Whether an event is stored that another key than this one has signed. */
  hasEventsBut(pubkey: string): boolean {
    return this.#sql.all("SELECT 1 FROM event WHERE pubkey <> unhex(?1) LIMIT 1", pubkey).length > 0;
  }

  /** Whether this change is recorded already. */
  hasRecord(at: number, pubkey: string, method: string, params: string): boolean {
    const query = "SELECT 1 FROM audit WHERE pubkey = ?1 AND at = ?2 AND method = ?3 AND params = ?4 LIMIT 1";
    return this.#sql.all(query, pubkey, at, method, params).length > 0;
  }

  /** Restores rows of deletions and requests to vanish, in one transaction. What is known already stays as it is. */
  restoreErasures(table: "tombstone" | "address_tombstone" | "vanished", rows: readonly Row[]): void {
    this.#store.priors.expectGone();
    this.#sql.transaction(() => {
      for (const row of rows) this.#restore(table, row);
    });
    if (table !== "vanished") return;
    for (const [pubkey, until] of rows) this.#store.vanishing.begin(requestOf(pubkey, until));
  }

  #restore(table: "tombstone" | "address_tombstone" | "vanished", row: Row): void {
    const [first = null, second = null, wasStored = 1] = row;
    if (table === "vanished") return this.#store.vanishing.request(requestOf(first, second));
    if (table === "tombstone") {
      this.#sql.all(
        `INSERT INTO tombstone VALUES(unhex(?1), unhex(?2), ?3 + 0)
         ON CONFLICT(pubkey, id) DO UPDATE SET was_stored = max(was_stored, excluded.was_stored)`,
        first,
        second,
        wasStored,
      );
      return;
    }
    this.#sql.all(
      `INSERT INTO address_tombstone VALUES(unhex(?1), ?2 + 0, ?3 + 0)
       ON CONFLICT(address) DO UPDATE SET until = max(until, excluded.until), was_stored = max(was_stored, excluded.was_stored)`,
      first,
      second,
      wasStored,
    );
  }
}

function requestOf(pubkey: SqlValue | undefined, until: SqlValue | undefined): { pubkey: string; created_at: number } {
  return { pubkey: String(pubkey), created_at: Number(until) };
}
