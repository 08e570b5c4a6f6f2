import type { Sql, SqlValue } from "./sql.ts";

/** Entries of one list at most; they are all kept in memory. */
export const MAX_LIST = 20_000;

/** How long changes are remembered, in seconds: a year. */
const AUDIT_SECONDS = 31_536_000;

/** Changes past that time which go with a new one. */
const FORGOTTEN_AT_ONCE = 20;

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

/** Changes of one caller that are remembered: who makes more loses its own, not those of others. */
const MAX_OWN_AUDIT = 10_000;

/** The entries of one list, and their subjects in order. */
interface List {
  readonly details: Map<string, string>;
  readonly subjects: string[];
}

/**
 * Lists of keys, events, kinds and addresses with a detail for each entry: in memory for reading, in SQLite for keeping.
 * Every change is one row written at once.
 */
export class AccessStore {
  readonly #sql: Sql;
  readonly #lists = new Map<string, List>();
  /** What takes back, in memory, what the transaction under way has done so far. */
  #undo: (() => void)[] | undefined;
  #revision = 0;
  /** What it was when the transaction under way began. */
  #revisionBefore = -1;
  /** How many changes of a caller are remembered, of those that were asked about. */
  readonly #recorded = new Map<string, number>();

  /** Reads every entry. */
  constructor(sql: Sql) {
    this.#sql = sql;
    for (const [list, subject, detail] of sql.all("SELECT list, subject, detail FROM access")) {
      const { details, subjects } = this.#list(list as string);
      details.set(subject as string, detail as string);
      subjects.push(subject as string);
    }
    for (const { subjects } of this.#lists.values()) subjects.sort((a, b) => (a < b ? -1 : 1));
  }

  /** Grows with everything that changes an entry: not where what was asked for is so already. */
  get revision(): number {
    return this.#revision;
  }

  /** Does all of `body` in one transaction or, if it throws, nothing. */
  atomically<T>(body: () => T): T {
    this.#undo = [];
    this.#revisionBefore = this.#revision;
    try {
      return this.#sql.transaction(body);
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      this.#recorded.clear();
      throw error;
    } finally {
      this.#undo = undefined;
      this.#revisionBefore = -1;
    }
  }

  has(list: string, subject: string): boolean {
    return this.#lists.get(list)?.details.has(subject) ?? false;
  }

  /** What is kept with an entry; undefined if there is none. */
  get(list: string, subject: string): string | undefined {
    return this.#lists.get(list)?.details.get(subject);
  }

  /** Entries of a list, in the order of their subjects. Takes time for each: some milliseconds for a full list. */
  entries(list: string): [subject: string, detail: string][] {
    const { subjects = [], details } = this.#lists.get(list) ?? {};
    return subjects.map((subject) => [subject, details?.get(subject) ?? ""]);
  }

  /** The first subject of a list. */
  first(list: string): string | undefined {
    return this.#lists.get(list)?.subjects[0];
  }

  size(list: string): number {
    return this.#lists.get(list)?.details.size ?? 0;
  }

  /** Adds or changes an entry. False, and nothing is done, if the list is full ({@link MAX_LIST}). */
  put(list: string, subject: string, detail: string): boolean {
    const entries = this.#list(list);
    const old = entries.details.get(subject);
    if (old === detail) return true;
    if (old === undefined && entries.details.size >= MAX_LIST) return false;
    this.#sql.all(
      "INSERT INTO access VALUES(?1, ?2, ?3) ON CONFLICT(list, subject) DO UPDATE SET detail = excluded.detail",
      list,
      subject,
      detail,
    );
    this.#set(entries, subject, detail);
    this.#undo?.push(() => this.#set(entries, subject, old));
    return true;
  }

  /** Whether there was such an entry; there is none after. */
  remove(list: string, subject: string): boolean {
    const entries = this.#list(list);
    const old = entries.details.get(subject);
    if (old === undefined) return false;
    this.#sql.all("DELETE FROM access WHERE list = ?1 AND subject = ?2", list, subject);
    this.#set(entries, subject, undefined);
    this.#undo?.push(() => this.#set(entries, subject, old));
    return true;
  }

  /** Whether so many changes of a caller are remembered that the next has the oldest of them forgotten. */
  isRecordFull(pubkey: string): boolean {
    return this.#recordedOf(pubkey) >= MAX_OWN_AUDIT;
  }

  /**
   * Remembers a change for a year: one row, and some for those whose time is over. Nobody can have what others did forgotten.
   * Of a transaction that has changed no entry there is nothing to remember, unless it has changed something else.
   */
  record(entry: Omit<AuditEntry, "position">, isElsewhere = false): void {
    const { at, pubkey, method, params } = entry;
    if (this.#revision === this.#revisionBefore && !isElsewhere) return;
    if (this.isRecordFull(pubkey)) {
      this.#forget("SELECT seq, pubkey FROM audit WHERE pubkey = ?1 ORDER BY seq LIMIT 1", pubkey);
    }
    this.#forget(
      `SELECT seq, pubkey FROM (SELECT * FROM audit ORDER BY seq LIMIT ${FORGOTTEN_AT_ONCE}) WHERE at < ?1`,
      at - AUDIT_SECONDS,
    );
    this.#recorded.set(pubkey, this.#recordedOf(pubkey) + 1);
    this.#sql.all("INSERT INTO audit(at, pubkey, method, params) VALUES(?1, ?2, ?3, ?4)", at, pubkey, method, params);
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

  #recordedOf(pubkey: string): number {
    const known = this.#recorded.get(pubkey);
    if (known !== undefined) return known;
    const count = Number(this.#sql.all("SELECT count(*) FROM audit WHERE pubkey = ?1", pubkey)[0]?.[0]);
    this.#recorded.set(pubkey, count);
    return count;
  }

  /** Forgets what a query for position and caller finds. */
  #forget(query: string, binding: SqlValue): void {
    for (const [position, pubkey] of this.#sql.all(query, binding)) {
      this.#recorded.set(pubkey as string, this.#recordedOf(pubkey as string) - 1);
      this.#sql.all("DELETE FROM audit WHERE seq = ?1", position as number);
    }
  }

  /** In memory; without a detail the entry goes. */
  #set({ details, subjects }: List, subject: string, detail: string | undefined): void {
    this.#revision++;
    if (detail === undefined) {
      if (details.delete(subject)) subjects.splice(placeIn(subjects, subject), 1);
    } else {
      if (!details.has(subject)) subjects.splice(placeIn(subjects, subject), 0, subject);
      details.set(subject, detail);
    }
  }

  #list(name: string): List {
    const list = this.#lists.get(name) ?? { details: new Map<string, string>(), subjects: [] };
    this.#lists.set(name, list);
    return list;
  }
}

/** Where a subject stands, or would stand, in a list in order. */
function placeIn(subjects: readonly string[], subject: string): number {
  let [low, high] = [0, subjects.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((subjects[middle] as string) < subject) low = middle + 1;
    else high = middle;
  }
  return low;
}
