import type { Event } from "../../protocol/event.ts";
import type { FilterOptions } from "../../protocol/filter.ts";
import { searchableText, searchTokens } from "../../protocol/search/search-text.ts";
import { insertRows } from "../rows.ts";
import { readMeta, writeMeta } from "../schema.ts";
import type { Row, Sql } from "../sql.ts";

/** Kinds that are not searched. */
export type SearchRules = NonNullable<FilterOptions["search"]>;

/** Events, and UTF-16 units of raw JSON, that are indexed in one stretch. */
const FILL_EVENTS = 500;
const FILL_SIZE = 1 << 20;

/** Rows of position and tokens. */
export const INSERT_TEXTS = { into: "INTO search(rowid, text)", row: "(?,?)" };

/** What is kept of the index while search is off: nothing is known of it. */
const OFF = "off";

/** Positions that are still to be indexed, both included, because search was off before, or off for some kinds. */
interface Gap {
  readonly next: number;
  readonly end: number;
}

/** What is kept of an index: the kinds that it leaves out, and where it has a gap. */
interface State {
  readonly exceptKinds: readonly number[];
  readonly gap?: Gap | undefined;
}

/**
 * The full-text index of NIP-50: one row written for each event with text, one when it goes. It knows which events have
 * the words; what matches is decided by the event itself. The texts are stored as tokens of `search-text.ts`, so both
 * agree on what a word is.
 */
export class SearchIndex {
  readonly #sql: Sql;
  readonly #rules: SearchRules | undefined;
  #gap: Gap | undefined;

  /** `head` is the newest position. Reads one row; writes one if search, or a kind of it, has been switched. */
  constructor(sql: Sql, rules: SearchRules | undefined, head: number) {
    this.#sql = sql;
    this.#rules = rules;
    const text = readMeta(sql, "search") ?? OFF;
    if (rules === undefined) {
      if (text !== OFF) writeMeta(sql, "search", OFF);
      return;
    }
    const found = text === OFF ? undefined : (JSON.parse(text) as State);
    const lacksNothing = found?.exceptKinds.every((kind) => rules.exceptKinds.has(kind)) === true;
    this.#gap = lacksNothing ? found?.gap : { next: 1, end: head };
    if (JSON.stringify(this.#state(this.#gap)) !== text) this.#gap = this.#save(this.#gap);
  }

  /** Whether older events are still to be indexed. */
  get isBehind(): boolean {
    return this.#gap !== undefined;
  }

  /** What is indexed of an event: its tokens; undefined if it has none, or is not searched. */
  textOf(event: Event): string | undefined {
    if (this.#rules === undefined || this.#rules.exceptKinds.has(event.kind)) return undefined;
    const tokens = searchTokens(searchableText(event));
    return tokens.length > 0 ? tokens.join(" ") : undefined;
  }

  /** To be called in the transaction that removes the event, also where search is off: nothing of it is left. */
  remove(position: number): void {
    this.#sql.all("DELETE FROM search WHERE rowid = ?1", position);
  }

  /**
   * Indexes a bounded number of older events, in the caller's transaction. Returns what to call when it has been
   * committed.
   */
  fill(): () => void {
    if (this.#gap === undefined) return () => {};
    const rows: Row[] = [];
    let size = 0;
    this.#sql.each(
      `SELECT seq, raw FROM event WHERE seq BETWEEN ?1 AND ?2
         AND NOT EXISTS (SELECT 1 FROM search WHERE search.rowid = seq) ORDER BY seq LIMIT ?3 + 0`,
      [this.#gap.next, this.#gap.end, FILL_EVENTS],
      (row) => {
        rows.push(row);
        size += (row[1] as string).length;
        return size < FILL_SIZE;
      },
    );
    const texts = rows.flatMap(([position, raw]) => {
      const text = this.textOf(JSON.parse(raw as string) as Event);
      return text === undefined ? [] : [[position as number, text]];
    });
    insertRows(this.#sql, INSERT_TEXTS, texts);
    const last = rows.at(-1)?.[0] as number | undefined;
    const gap = this.#save({ next: (last ?? this.#gap.end) + 1, end: this.#gap.end });
    return () => {
      this.#gap = gap;
    };
  }

  /** Writes one row. Returns the gap, if there is anything in it. */
  #save(gap: Gap | undefined): Gap | undefined {
    const left = gap === undefined || gap.next > gap.end ? undefined : gap;
    writeMeta(this.#sql, "search", JSON.stringify(this.#state(left)));
    return left;
  }

  #state(gap: Gap | undefined): State {
    return { exceptKinds: [...(this.#rules?.exceptKinds ?? [])].sort((a, b) => a - b), gap };
  }
}
