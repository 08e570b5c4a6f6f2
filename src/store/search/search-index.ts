import type { Event } from "../../protocol/event.ts";
import type { FilterOptions } from "../../protocol/filter.ts";
import { foldingCost, searchableText, searchTokens } from "../../protocol/search/search-text.ts";
import { COST, STEP } from "../../protocol/work.ts";
import { insertRows } from "../rows.ts";
import { readMeta, writeMeta } from "../schema.ts";
import type { Row, Sql } from "../sql.ts";

/** Kinds that are not searched. */
export type SearchRules = NonNullable<FilterOptions["search"]>;

/** Events that are indexed in one step, at most. New events are left until there are so many: together they cost half. */
const FILL_EVENTS = 200;

/** Different words of an event that are indexed, the first ones. */
const MAX_WORDS = 4096;

/** The index is written anew once one of so many indexed events is gone, or so many seconds after the first of them went. */
const WORTH = 1000;
const WORDS_STAY = 86_400;

/** Pages of the index that are merged in one step. */
const MERGE_PAGES = 1;

/** Steps in which the index is written anew at most: so many, and one for so many positions. */
const MIN_REWRITES = 16;
const REWRITTEN = 10;

const INSERT_TEXTS = { into: "INTO search(rowid, text)", row: "(?,?)" };

/** What is kept of the index while search is off: nothing is known of it. */
const OFF = "off";

/** Positions that are still to be indexed, both included, because search was off before, or off for some kinds. */
interface Gap {
  readonly next: number;
  readonly end: number;
}

/** What is kept of an index. */
interface State {
  /** The kinds that it leaves out. */
  readonly exceptKinds: readonly number[];
  /** The newest position that is indexed: what came later is looked through. */
  readonly head: number;
  readonly gap?: Gap | undefined;
  /** When it is to be written anew at the latest, in Unix seconds: it has words of events that are gone. */
  readonly rewriteAt?: number | undefined;
}

/**
 * The full-text index of NIP-50. It knows which events have the words; what matches is decided by the event itself. The texts
 * are stored as tokens of `search-text.ts`, so both agree on what a word is. New events are indexed behind, many together: one
 * row written for each event with text, one when it goes.
 */
export class SearchIndex {
  readonly #sql: Sql;
  #rules: SearchRules | undefined;
  readonly #nowSeconds: () => number;
  #head: number;
  #gap: Gap | undefined;
  /** Segments of the index may be waiting to be merged, which is never done in the midst of other work. */
  #isMerging = false;
  /** Indexed events that went since the index was last written anew: words of theirs may still be in it. */
  #gone = 0;
  /** Steps that writing the index anew may still take; undefined while nobody does. */
  #rewritesLeft: number | undefined;
  /** See {@link State}. */
  #rewriteAt: number | undefined;

  /**
   * `head` is the newest position. Reads one row; writes one if search, or a kind of it, has been switched. Where search is
   * switched off nothing of the index is left.
   */
  constructor(sql: Sql, rules: SearchRules | undefined, head: number, nowSeconds: () => number) {
    this.#sql = sql;
    this.#nowSeconds = nowSeconds;
    this.#head = head;
    this.follow(rules, head);
  }

  /** Begins anew with these rules, as after a restart, in a store whose newest position is `head`. Reads and writes as the constructor. */
  follow(rules: SearchRules | undefined, head: number): void {
    const sql = this.#sql;
    this.#rules = rules;
    this.#head = head;
    this.#gap = undefined;
    this.#rewritesLeft = undefined;
    this.#rewriteAt = undefined;
    const text = readMeta(sql, "search") ?? OFF;
    if (rules === undefined) {
      if (text === OFF) return;
      sql.transaction(() => {
        sql.all("INSERT INTO search(search) VALUES('delete-all')");
        writeMeta(sql, "search", OFF);
      });
      return;
    }
    const found = text === OFF ? undefined : (JSON.parse(text) as State);
    const lacksNothing = found?.exceptKinds.every((kind) => rules.exceptKinds.has(kind)) === true;
    if (lacksNothing && found !== undefined) {
      this.#head = found.head;
      this.#gap = found.gap;
      this.#rewriteAt = found.rewriteAt;
    } else if (head > 0) this.#gap = { next: 1, end: head };
    if (JSON.stringify(this.#state(this.#head, this.#gap)) !== text) this.#save(this.#head, this.#gap);
  }

  /** The newest position that is indexed. */
  get head(): number {
    return this.#head;
  }

  /** Whether {@link fill} has something to do in a store whose newest position is `head`. */
  isBehind(head: number): boolean {
    if (this.#rules === undefined) return false;
    return this.#isMerging || this.#gap !== undefined || head - this.#head >= FILL_EVENTS || this.#isWorn;
  }

  /** To be called in the transaction that removes the event. Writes a row, and one for the first after it was written anew. */
  remove(position: number): void {
    if (this.#rules === undefined || position > this.#head) return;
    this.#sql.all("DELETE FROM search WHERE rowid = ?1", position);
    this.#gone++;
    if (this.#rewriteAt === undefined) this.#rewriteBy(this.#nowSeconds() + WORDS_STAY);
  }

  /**
   * To be called in the transaction in which somebody's last event has been erased: no word of it is to be left either.
   * Writes one row if there may be.
   */
  forget = (): void => {
    if (this.#rewriteAt !== undefined && this.#rewriteAt > 0) this.#rewriteBy(0);
  };

  /** When {@link isBehind} will be true at the latest, in Unix seconds, because words of events that are gone have to go. */
  get dueAt(): number | undefined {
    return this.#rewriteAt;
  }

  /** Whether the index is to be written anew: where nobody insists, once as many went as make it worth while. */
  get #isWorn(): boolean {
    if (this.#rewritesLeft !== undefined) return true;
    if (this.#rewriteAt === undefined) return false;
    return this.#gone * WORTH > this.#head || this.#rewriteAt <= this.#nowSeconds();
  }

  #rewriteBy(seconds: number): void {
    this.#rewriteAt = seconds;
    this.#save(this.#head, this.#gap);
  }

  /**
   * Indexes a bounded number of events, or brings what is indexed into order, in the caller's transaction. Returns what to
   * call when it has been committed.
   */
  fill(head: number): () => void {
    if (this.#isMerging) return this.#merge(MERGE_PAGES);
    const gap = this.#gap;
    const isTail = gap === undefined || head - this.#head >= FILL_EVENTS;
    const [next, end] = isTail ? [this.#head + 1, head] : [gap.next, gap.end];
    if (isTail && head - this.#head < FILL_EVENTS) return this.#isWorn ? this.#merge(-MERGE_PAGES) : () => {};
    const last = this.#index(next, end, !isTail);
    const indexed = isTail ? last : this.#head;
    const left = isTail || last >= end ? (isTail ? gap : undefined) : { next: last + 1, end };
    this.#save(indexed, left);
    return () => {
      this.#head = indexed;
      this.#gap = left;
      this.#isMerging = true;
    };
  }

  /** Indexes events from a position on, as far as a step goes. Returns the last position that is done with. */
  #index(next: number, end: number, mayBeThere: boolean): number {
    const rows: Row[] = [];
    const { meter } = this.#sql;
    const until = meter.spent + STEP;
    const isMissing = mayBeThere ? "AND NOT EXISTS (SELECT 1 FROM search WHERE search.rowid = seq)" : "";
    this.#sql.each(
      `SELECT seq, raw FROM event WHERE seq BETWEEN ?1 AND ?2 ${isMissing} ORDER BY seq LIMIT ?3 + 0`,
      [next, end, FILL_EVENTS],
      ([position, raw]) => {
        const words = this.#wordsOf(JSON.parse(raw as string) as Event);
        rows.push([position as number, words.join(" ")]);
        meter.spent += COST.parsed * (raw as string).length + COST.indexed * words.length;
        return meter.spent < until;
      },
    );
    insertRows(
      this.#sql,
      INSERT_TEXTS,
      rows.filter(([, text]) => text !== ""),
    );
    const isThrough = rows.length < FILL_EVENTS && meter.spent < until;
    return isThrough ? end : (rows.at(-1)?.[0] as number);
  }

  /** What is indexed of an event: its different tokens; none if it is not searched. */
  #wordsOf(event: Event): string[] {
    if (this.#rules?.exceptKinds.has(event.kind)) return [];
    const text = searchableText(event);
    this.#sql.meter.spent += foldingCost(text);
    const tokens = [...new Set(searchTokens(text))];
    return tokens.length > MAX_WORDS ? tokens.slice(0, MAX_WORDS) : tokens;
  }

  /**
   * Merges some pages of segments that have become many; with a negative number, all of them into one, so that no word of an
   * event that is gone is left.
   */
  #merge(pages: number): () => void {
    const changes = () => Number(this.#sql.all("SELECT total_changes()")[0]?.[0]);
    const before = changes();
    this.#sql.all("INSERT INTO search(search, rank) VALUES('merge', CAST(?1 AS INTEGER))", pages);
    this.#sql.meter.spent += COST.merged * MERGE_PAGES;
    if (pages < 0) this.#beginRewriting();
    // The documentation's own test for whether there was anything to do. An SQLite that always finds something is not let go on.
    const isDone = changes() - before < 2 || (pages < 0 && this.#rewritesLeft === 0);
    if (isDone && pages < 0) {
      this.#rewritesLeft = undefined;
      this.#save(this.#head, this.#gap);
    }
    return () => {
      if (isDone && pages > 0) this.#isMerging = false;
    };
  }

  /** What goes from now on may stay in what has been written anew: it is for the next time. */
  #beginRewriting(): void {
    if (this.#rewritesLeft === undefined) {
      this.#rewritesLeft = MIN_REWRITES + Math.ceil(this.#head / REWRITTEN);
      this.#gone = 0;
      this.#rewriteAt = undefined;
    }
    this.#rewritesLeft--;
  }

  /** Writes one row. */
  #save(head: number, gap: Gap | undefined): void {
    writeMeta(this.#sql, "search", JSON.stringify(this.#state(head, gap)));
  }

  #state(head: number, gap: Gap | undefined): State {
    return {
      exceptKinds: [...(this.#rules?.exceptKinds ?? [])].sort((a, b) => a - b),
      head,
      gap,
      // What is interrupted begins again.
      rewriteAt: this.#rewritesLeft === undefined ? this.#rewriteAt : 0,
    };
  }
}
