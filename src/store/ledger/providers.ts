import { type Durations, placeOfDuration } from "../../protocol/job/durations.ts";
import type { Claim } from "../../protocol/job/state.ts";
import { insertRows } from "../rows.ts";
import type { Row, Sql } from "../sql.ts";

/** What one provider has done about the requests of one kind that are stored. */
export interface ProviderRow {
  readonly pubkey: string;
  readonly kind: number;
  /** Handlers on record that name the kind (NIP-89). */
  handlers: number;
  /** Jobs that it works on, has failed at, has answered. */
  working: number;
  failed: number;
  answered: number;
  /** Seconds from the request to its first feedback, and to its first result. */
  readonly feedback: Durations;
  readonly result: Durations;
}

/** Changes in the accounts of providers, gathered and written together: one row for each provider and kind. */
export class Providers {
  readonly #sql: Sql;
  readonly #changes = new Map<string, ProviderRow>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** A provider has made something of a job, or what it had made does not count any more. */
  claim(pubkey: string, kind: number, { state, feedback, result }: Claim, change: 1 | -1): void {
    const row = this.#of(pubkey, kind);
    if (state === "success") row.answered += change;
    else if (state === "error") row.failed += change;
    else row.working += change;
    if (feedback !== undefined) add(row.feedback, placeOfDuration(feedback), change);
    if (result !== undefined) add(row.result, placeOfDuration(result), change);
  }

  /** A handler for a kind comes or goes. */
  handle(pubkey: string, kind: number, change: 1 | -1): void {
    this.#of(pubkey, kind).handlers += change;
  }

  /** Writes one row for each account that has changed, in the caller's transaction. */
  flush(): void {
    const changes = [...this.#changes].filter(([, change]) => !isNothing(change));
    this.forget();
    if (changes.length === 0) return;
    const keys = JSON.stringify(changes.map(([key]) => key));
    const known = new Map(this.#sql.all(KNOWN, keys).map((row) => [keyOf(row[0] as string, row[1] as number), row]));
    const rows = changes.flatMap(([key, change]) => {
      const row = known.get(key);
      const after = row === undefined ? change : sumOf(providerOf(row), change);
      if (!isNothing(after)) return [after];
      this.#sql.all("DELETE FROM provider WHERE pubkey = unhex(?1) AND kind = ?2", after.pubkey, after.kind);
      return [];
    });
    insertRows(
      this.#sql,
      { into: "OR REPLACE INTO provider", row: "(unhex(?),?,?,?,?,?,?,?)" },
      rows.map((row) => [
        row.pubkey,
        row.kind,
        row.handlers,
        row.working,
        row.failed,
        row.answered,
        textOf(row.feedback),
        textOf(row.result),
      ]),
    );
  }

  /** The transaction is undone. */
  forget(): void {
    this.#changes.clear();
  }

  #of(pubkey: string, kind: number): ProviderRow {
    const key = keyOf(pubkey, kind);
    const known = this.#changes.get(key);
    if (known !== undefined) return known;
    const counts = { handlers: 0, working: 0, failed: 0, answered: 0 };
    const change = { pubkey, kind, ...counts, feedback: new Map(), result: new Map() };
    this.#changes.set(key, change);
    return change;
  }
}

export const PROVIDER_COLUMNS =
  "lower(hex(p.pubkey)), p.kind, p.handlers, p.working, p.failed, p.answered, p.feedback, p.result";

const KNOWN = `SELECT ${PROVIDER_COLUMNS} FROM json_each(?1) CROSS JOIN provider p
  ON p.pubkey = unhex(substr(value, 1, 64)) AND p.kind = CAST(substr(value, 65) AS INTEGER)`;

/** An account from its {@link PROVIDER_COLUMNS}. */
export function providerOf([pubkey, kind, handlers, working, failed, answered, feedback, result]: Row): ProviderRow {
  return {
    pubkey: pubkey as string,
    kind: kind as number,
    handlers: handlers as number,
    working: working as number,
    failed: failed as number,
    answered: answered as number,
    feedback: new Map(JSON.parse(feedback as string) as [number, number][]),
    result: new Map(JSON.parse(result as string) as [number, number][]),
  };
}

const keyOf = (pubkey: string, kind: number) => `${pubkey}${kind}`;
const textOf = (durations: Durations) => JSON.stringify([...durations].sort(([a], [b]) => a - b));

function sumOf(row: ProviderRow, change: ProviderRow): ProviderRow {
  for (const member of ["handlers", "working", "failed", "answered"] as const) row[member] += change[member];
  for (const [place, count] of change.feedback) add(row.feedback, place, count);
  for (const [place, count] of change.result) add(row.result, place, count);
  return row;
}

function isNothing({ handlers, working, failed, answered, feedback, result }: ProviderRow): boolean {
  return [handlers, working, failed, answered, feedback.size, result.size].every((number) => number === 0);
}

function add(durations: Durations, place: number, change: number): void {
  const count = (durations.get(place) ?? 0) + change;
  if (count === 0) durations.delete(place);
  else durations.set(place, count);
}
