import type { Event } from "../../protocol/event.ts";
import { placeOf } from "../place.ts";
import { readMeta, writeMeta } from "../schema.ts";
import type { Sql } from "../sql.ts";
import { JOB_COLUMNS, type JobRow, jobOf } from "./rows.ts";

/** What one step does: some two milliseconds. */
const ROWS = 200;
const JOBS = 50;
const EVENTS = 20;

/** Kinds, ascending and apart; both ends belong to them. */
type Ranges = readonly (readonly [from: number, to: number])[];

/** How far a rebuild is: first the ledger is emptied, then the events are taken in the order of their kind and place. */
type Cursor =
  | { readonly empties: "evidence" | "provider" }
  | { readonly empties: "job"; readonly after: string }
  | { readonly kind: number; readonly place: string };

/** Who is told of what is emptied: jobs are written, and of a kind so many handlers are not counted any more. */
interface Emptying {
  write(before: JobRow, after: JobRow | undefined): void;
  handlers(kind: number, count: number): void;
}

/**
 * Derives the ledger anew from the stored events, in bounded steps, across restarts. What is stored or removed meanwhile
 * counts at once where the steps have passed, and is found or missing by them elsewhere. Of requests that have gone, what
 * the ledger knows stays.
 */
export class Rebuild {
  readonly #sql: Sql;
  readonly #ranges: Ranges;
  readonly #take: (event: Event) => void;
  #cursor: Cursor | undefined;

  /** `take` is told of each event of these ranges of kinds, which are ascending. Reads one row. */
  constructor(sql: Sql, ranges: Ranges, take: (event: Event) => void) {
    this.#sql = sql;
    this.#ranges = ranges;
    this.#take = take;
    const saved = readMeta(sql, "ledger");
    this.#cursor = saved === undefined ? undefined : (JSON.parse(saved) as Cursor);
  }

  get isUnderWay(): boolean {
    return this.#cursor !== undefined;
  }

  /** Writes one row. */
  begin(): void {
    this.#save({ empties: "evidence" })();
  }

  /** Whether what happens to an event counts now. */
  covers({ kind, created_at, id }: Event): boolean {
    const cursor = this.#cursor;
    if (cursor === undefined) return true;
    if ("empties" in cursor) return false;
    return kind < cursor.kind || (kind === cursor.kind && placeOf(created_at, id) <= cursor.place);
  }

  /** Does a step, in the caller's transaction. Returns what to call when it has been committed. */
  step(emptying: Emptying): () => void {
    const cursor = this.#cursor;
    if (cursor === undefined) return () => {};
    if (!("empties" in cursor)) return this.#save(this.#takeSome(cursor));
    switch (cursor.empties) {
      case "evidence":
        return this.#save(this.#emptyEvidence() ? cursor : { empties: "provider" });
      case "provider":
        return this.#save(this.#emptyProviders(emptying) ? cursor : { empties: "job", after: "" });
      case "job":
        return this.#save(this.#emptyJobs(cursor.after, emptying));
    }
  }

  /** Whether there may be more. */
  #emptyEvidence(): boolean {
    const query = `DELETE FROM evidence WHERE (job, class, place) IN
      (SELECT job, class, place FROM evidence LIMIT ${ROWS}) RETURNING 1`;
    return this.#sql.all(query).length === ROWS;
  }

  /** The same. */
  #emptyProviders({ handlers }: Emptying): boolean {
    const query = `DELETE FROM provider WHERE (pubkey, kind) IN
      (SELECT pubkey, kind FROM provider LIMIT ${ROWS}) RETURNING kind, handlers`;
    const rows = this.#sql.all(query) as [number, number][];
    for (const [kind, count] of rows) handlers(kind, count);
    return rows.length === ROWS;
  }

  /** Jobs whose request is stored are found again; of others only what evidence made of them is. */
  #emptyJobs(after: string, { write }: Emptying): Cursor {
    const rows = this.#sql.all(
      `SELECT ${JOB_COLUMNS} FROM job j WHERE id > unhex(?1) ORDER BY id LIMIT ${JOBS}`,
      after,
    );
    const none = { state: "requested", feedback: undefined, result: undefined, provider: undefined } as const;
    for (const job of rows.map(jobOf)) {
      write(job, job.end === "live" ? undefined : { ...job, ...none, amount: undefined });
    }
    return rows.length === JOBS ? { empties: "job", after: rows.at(-1)?.[0] as string } : { kind: -1, place: "" };
  }

  #takeSome({ kind, place }: { kind: number; place: string }): Cursor | undefined {
    const range = this.#ranges.find(([, to]) => kind <= to);
    if (range === undefined) return undefined;
    const [from, to] = range;
    const rows = this.#sql.all(
      `SELECT kind, lower(hex(place)), raw FROM event INDEXED BY event_kind
       WHERE (kind, place) > (?1, unhex(?2)) AND kind <= ?3 ORDER BY kind, place LIMIT ${EVENTS}`,
      Math.max(kind, from - 1),
      kind < from ? LAST : place,
      to,
    );
    for (const [, , raw] of rows) this.#take(JSON.parse(raw as string) as Event);
    const last = rows.at(-1);
    if (rows.length < EVENTS || last === undefined) return { kind: to + 1, place: "" };
    return { kind: last[0] as number, place: last[1] as string };
  }

  /** Writes one row. */
  #save(cursor: Cursor | undefined): () => void {
    if (cursor === undefined) this.#sql.all("DELETE FROM meta WHERE key = 'ledger'");
    else writeMeta(this.#sql, "ledger", JSON.stringify(cursor));
    return () => {
      this.#cursor = cursor;
    };
  }
}

/** Behind every place. */
const LAST = "ff".repeat(40);
