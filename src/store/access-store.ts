import type { Row, Sql } from "./sql.ts";

/** Entries of one list at most; they are all kept in memory. */
export const MAX_LIST = 20_000;

/** Changes that are remembered; the oldest give way. */
const MAX_AUDIT = 10_000;

/** One change, and who made it. */
export interface AuditEntry {
  position: number;
  /** Unix seconds. */
  at: number;
  pubkey: string;
  method: string;
  /** JSON of the parameters, its length bounded by the caller. */
  params: string;
}

/**
 * Lists of keys, events, kinds and addresses with a detail for each entry: in memory for reading, in SQLite for keeping.
 * Every change is one row written at once.
 */
export class AccessStore {
  readonly #sql: Sql;
  readonly #lists = new Map<string, Map<string, string>>();
  /** What takes back, in memory, what the transaction under way has done so far. */
  #undo: (() => void)[] | undefined;

  /** Reads every entry. */
  constructor(sql: Sql) {
    this.#sql = sql;
    for (const [list, subject, detail] of sql.all("SELECT list, subject, detail FROM access")) {
      this.#list(list as string).set(subject as string, detail as string);
    }
  }

  /** Does all of `body` in one transaction or, if it throws, nothing. */
  atomically<T>(body: () => T): T {
    this.#undo = [];
    try {
      return this.#sql.transaction(body);
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  has(list: string, subject: string): boolean {
    return this.#lists.get(list)?.has(subject) ?? false;
  }

  /** What is kept with an entry; undefined if there is none. */
  get(list: string, subject: string): string | undefined {
    return this.#lists.get(list)?.get(subject);
  }

  /** Entries of a list, in the order of their subjects. */
  entries(list: string): [subject: string, detail: string][] {
    return [...(this.#lists.get(list) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  size(list: string): number {
    return this.#lists.get(list)?.size ?? 0;
  }

  /** Adds or changes an entry. False, and nothing is done, if the list is full ({@link MAX_LIST}). */
  put(list: string, subject: string, detail: string): boolean {
    const entries = this.#list(list);
    if (entries.size >= MAX_LIST && !entries.has(subject)) return false;
    this.#sql.all(
      "INSERT INTO access VALUES(?1, ?2, ?3) ON CONFLICT(list, subject) DO UPDATE SET detail = excluded.detail",
      list,
      subject,
      detail,
    );
    const old = entries.get(subject);
    this.#undo?.push(() => (old === undefined ? entries.delete(subject) : entries.set(subject, old)));
    entries.set(subject, detail);
    return true;
  }

  /** Whether there was such an entry; there is none after. */
  remove(list: string, subject: string): boolean {
    const entries = this.#list(list);
    const old = entries.get(subject);
    if (old === undefined) return false;
    this.#sql.all("DELETE FROM access WHERE list = ?1 AND subject = ?2", list, subject);
    this.#undo?.push(() => entries.set(subject, old));
    return entries.delete(subject);
  }

  /** Remembers a change: one row, and one for the oldest when there are {@link MAX_AUDIT}. */
  record(entry: Omit<AuditEntry, "position">): void {
    const { at, pubkey, method, params } = entry;
    const [[position]] = this.#sql.all(
      "INSERT INTO audit(at, pubkey, method, params) VALUES(?1, ?2, ?3, ?4) RETURNING seq",
      at,
      pubkey,
      method,
      params,
    ) as [Row];
    this.#sql.all("DELETE FROM audit WHERE seq <= ?1", (position as number) - MAX_AUDIT);
  }

  /** Up to `limit` changes before a position, newest first. */
  changes(before: number, limit: number): AuditEntry[] {
    const rows = this.#sql.all(
      "SELECT seq, at, pubkey, method, params FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2 + 0",
      before,
      limit,
    );
    return rows.map(
      ([position, at, pubkey, method, params]) => ({ position, at, pubkey, method, params }) as AuditEntry,
    );
  }

  #list(name: string): Map<string, string> {
    const list = this.#lists.get(name) ?? new Map<string, string>();
    this.#lists.set(name, list);
    return list;
  }
}
