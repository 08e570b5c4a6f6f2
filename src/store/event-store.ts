import { type Event, expirationOf, indexedTags } from "../protocol/event.ts";
import { addressOf, supersedes } from "../protocol/kind.ts";
import type { VerifiedEvent } from "../protocol/verify.ts";
import { type CountChange, Counts } from "./counts.ts";
import { addressKey, tagKey } from "./keys.ts";
import type { Sql } from "./sql.ts";

/** What became of one event. `failed` means that nothing of it was written. */
export type PutResult =
  | { outcome: "stored"; position: number }
  | { outcome: "duplicate" }
  | { outcome: "superseded" }
  | { outcome: "failed"; error: unknown };

/** The events of one relay in SQLite: the only writer. */
export class EventStore {
  readonly #sql: Sql;
  /** How many events of each kind are stored. */
  readonly counts: Counts;
  #head: number;
  /** Of the transaction under way. */
  #changes: CountChange[] = [];

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#head = Number(sql.all("SELECT max(seq) FROM event")[0]?.[0] ?? 0);
    this.counts = new Counts(sql, this.#head);
  }

  /** Position of the newest stored event; 0 in an empty store. */
  get head(): number {
    return this.#head;
  }

  /** Throws if the store cannot be read. Reads at most one row. */
  check(): void {
    this.#sql.all("SELECT 1 FROM event LIMIT 1");
  }

  /** Whether an event of this id is stored. Reads at most one row. */
  has(id: string): boolean {
    return this.#sql.all("SELECT 1 FROM event WHERE id = unhex(?1)", id).length > 0;
  }

  /**
   * Stores a batch in one transaction, in order. If a write throws, the batch is undone and each event is tried by
   * itself, so that one that cannot be stored does not take the others with it (R-06-17).
   */
  put(batch: readonly VerifiedEvent[]): PutResult[] {
    try {
      return this.#atomically(() => batch.map((event) => this.#putOne(event)));
    } catch {
      return batch.map((event) => {
        try {
          return this.#atomically(() => this.#putOne(event));
        } catch (error) {
          return { outcome: "failed", error };
        }
      });
    }
  }

  #atomically<T>(body: () => T): T {
    const head = this.#head;
    this.#changes = [];
    try {
      const result = this.#sql.transaction(body);
      this.counts.apply(this.#changes);
      return result;
    } catch (error) {
      this.#head = head;
      throw error;
    }
  }

  /** Duplicate check, replacement and insert (steps 11 to 15 of R-02-12), inside the caller's transaction. */
  #putOne({ event, raw, tags }: VerifiedEvent): PutResult {
    if (this.has(event.id)) return { outcome: "duplicate" };
    const address = addressOf(event);
    const key = address === undefined ? null : addressKey(address);
    if (key !== null) {
      const current = this.#sql.all("SELECT seq, raw FROM event WHERE address = unhex(?1)", key)[0];
      if (current !== undefined) {
        const stored = JSON.parse(current[1] as string) as Event;
        if (!supersedes(event, stored)) return { outcome: "superseded" };
        this.#remove(current[0] as number, stored);
      }
    }
    const position = ++this.#head;
    this.#sql.all(
      "INSERT INTO event VALUES(?1, unhex(?2), ?3, ?4, unhex(?5), unhex(?6), ?7, ?8)",
      position,
      event.id,
      -event.created_at,
      event.kind,
      event.pubkey,
      key,
      expirationOf(event) ?? null,
      raw,
    );
    if (tags.length > 0) {
      this.#sql.all(
        "INSERT INTO tag SELECT unhex(value), ?2, ?3, unhex(?4), ?5 FROM json_each(?1)",
        JSON.stringify(tags.map(([letter, value]) => tagKey(letter, value))),
        event.kind,
        -event.created_at,
        event.id,
        position,
      );
    }
    this.#changes.push([event.kind, 1]);
    return { outcome: "stored", position };
  }

  /** One row for the event and one for each of its tags; entries of indexes are free. */
  #remove(position: number, event: Event): void {
    for (const [letter, value] of indexedTags(event)) {
      this.#sql.all(
        "DELETE FROM tag WHERE key = unhex(?1) AND kind = ?2 AND rank = ?3 AND id = unhex(?4)",
        tagKey(letter, value),
        event.kind,
        -event.created_at,
        event.id,
      );
    }
    this.#sql.all("DELETE FROM event WHERE seq = ?1", position);
    this.#changes.push([event.kind, -1]);
  }
}
