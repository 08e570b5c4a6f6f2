import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import { type Event, indexedTags } from "../protocol/event.ts";
import { supersedes } from "../protocol/kind.ts";
import { type Changes, type CountChange, Counts, changeOf, mustSave } from "./counts.ts";
import { Deletions, type Remove } from "./erase/deletions.ts";
import { Leftovers } from "./erase/leftovers.ts";
import { keysOf, removeTags } from "./erase/tags.ts";
import { Vanishing } from "./erase/vanish.ts";
import { insertEvents, type Placed } from "./insert.ts";
import { Ledger, type Parting } from "./ledger/ledger.ts";
import { headOf, Lookups } from "./lookups.ts";
import { type Loss, Losses, type Lost } from "./losses.ts";
import { type Candidate, candidateOf, type Prior, Priors } from "./prior.ts";
import { Recent } from "./recent.ts";
import { isNew, type PutResult, runsOf } from "./runs.ts";
import { writeMeta } from "./schema.ts";
import { SearchIndex, type SearchRules } from "./search/search-index.ts";
import type { Row, Sql } from "./sql.ts";

/** What one transaction removes at most: so many tags together with their events, or events of those who vanished. A millisecond. */
const REMOVED_AT_ONCE = 250;

/** The events of one relay in SQLite: the only writer. */
export class EventStore {
  readonly #sql: Sql;
  /** How many events of each kind are stored. */
  readonly counts: Counts;
  #head: number;
  readonly losses = new Losses();
  /** Whose requests to vanish are known. */
  readonly vanishing: Vanishing;
  /** What kind 5 events name that is still to be removed. */
  readonly deletions: Deletions;
  /** Tags of events that are gone, or still to be written. */
  readonly leftovers: Leftovers;
  readonly priors: Priors;
  readonly search: SearchIndex;
  /** What has become of jobs. */
  readonly ledger: Ledger;
  /** Finds what is stored. */
  readonly lookups: Lookups;
  /** Texts of the newest events. */
  readonly recent: Recent;
  /** Called with each event that has been stored, once it is committed. Must not throw. */
  onAdded: (event: Event) => void = () => {};
  /** Of the transaction under way. */
  #changes: CountChange[] = [];
  #added: Placed[] = [];
  #removed: Lost[] = [];
  #undo: (() => void)[] = [];
  /** Tags that it may still remove at once; further ones are left over. */
  #room = 0;
  #revision = 0;

  /** With `search`, texts are indexed for NIP-50. Without `nowSeconds` the time is always 0. */
  constructor(sql: Sql, options: { search?: SearchRules | undefined; nowSeconds?: () => number } = {}) {
    this.#sql = sql;
    this.#head = headOf(sql);
    const nowSeconds = options.nowSeconds ?? (() => 0);
    this.counts = new Counts(sql, this.#head, nowSeconds);
    // After a crash they are counted anew: better now than in the midst of other work.
    this.counts.byKind();
    this.lookups = new Lookups(sql, this.losses);
    this.recent = new Recent(this.#head);
    this.vanishing = new Vanishing(sql);
    this.deletions = new Deletions(sql);
    this.leftovers = new Leftovers(sql);
    this.priors = new Priors(sql, this.deletions);
    this.ledger = new Ledger(sql, nowSeconds);
    this.search = new SearchIndex(sql, options.search, this.#head, nowSeconds);
  }

  /** Position of the newest stored event; 0 in an empty store. */
  get head(): number {
    return this.#head;
  }

  /** Grows with everything that is written. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether events that are stored count as erased: {@link hides} tells which. */
  get isHiding(): boolean {
    return this.vanishing.isPending || this.deletions.isPending;
  }

  /** Whether a stored event counts as erased: its author vanished, or a deletion covers it. */
  hides = (event: Event): boolean => this.vanishing.hides(event) || this.deletions.covers(event);

  /** Whether {@link eraseSome} has something to do. */
  get isErasing(): boolean {
    return this.deletions.isPending || this.leftovers.isPending;
  }

  /** Whether {@link work} has something to do. */
  get hasWork(): boolean {
    return this.vanishing.isPending || this.isErasing || this.ledger.isRebuilding || this.search.isBehind(this.#head);
  }

  /**
   * One bounded step of what the store has to do behind: erasing what is hidden, then the ledger, then indexing words. To be
   * called, when there is time, until {@link hasWork} is false. Throws if the database does; it is safe to try again.
   */
  work(): void {
    if (this.isErasing) this.eraseSome();
    else if (this.vanishing.isPending) this.eraseVanished(REMOVED_AT_ONCE);
    else if (this.ledger.isRebuilding) this.workLedger();
    else if (this.search.isBehind(this.#head)) this.fillSearch();
  }

  /** Erases a bounded part of what is hidden already. To be called, when there is time, until {@link isErasing} is false. */
  eraseSome(): void {
    const { isPending } = this.deletions;
    this.#atomically(() => (isPending ? this.deletions.step(this.#cancel) : this.leftovers.step()), isPending)();
  }

  /** Why an event must not come, stored or not: step 12 of R-02-12. Reads one row for each key it concerns at most. */
  blockOf = (event: Event): Prior["block"] => this.priors.of([candidateOf(event)])[0]?.block;

  /** Of each of these events whether it was deleted or its author vanished, in one statement; it may have come before. */
  areErased(events: readonly Event[]): boolean[] {
    const priors = this.priors.of(events.map(candidateOf));
    return priors.map(({ block, isErased }) => block === "deleted" || isErased);
  }

  /**
   * Stores a batch in one transaction, in order. If a write throws, the batch is undone and each event is tried by
   * itself, so that one that cannot be stored does not take the others with it (R-06-17). Requests to vanish that are
   * `unkept` are carried out and not stored.
   */
  put(batch: readonly VerifiedEvent[], unkept: ReadonlySet<VerifiedEvent> = new Set()): PutResult[] {
    // What is unkept comes alone, as all that erases does.
    const isUnkept = ([first]: readonly VerifiedEvent[]) => first !== undefined && unkept.has(first);
    if (batch.some(({ event: { kind } }) => kind === DELETION_KIND || kind === VANISH_KIND)) this.priors.expectGone();
    const results = this.#tryAll(batch, (run) => (isUnkept(run) ? run.map(this.#obey) : this.#putRun(run)));
    for (const { event } of batch.filter((_, i) => isNew(results[i]))) {
      if (event.kind === VANISH_KIND) this.vanishing.begin(event);
      else if (event.kind !== DELETION_KIND || !this.deletions.isPending) continue;
      this.losses.noteHiding();
    }
    return results;
  }

  #tryAll(batch: readonly VerifiedEvent[], putRun: (run: readonly VerifiedEvent[]) => PutResult[]): PutResult[] {
    try {
      return this.#atomically(() => runsOf(batch).flatMap(putRun));
    } catch {
      return batch.flatMap((event) => {
        try {
          return this.#atomically(() => putRun([event]));
        } catch (error) {
          return { outcome: "failed", error };
        }
      });
    }
  }

  /** Erases up to `max` events of those who asked to vanish (R-05-20). */
  eraseVanished = (max: number): void =>
    this.#atomically(() => this.vanishing.erase(max, this.#erase, this.ledger.leaveOf, this.search.forget), true)();

  /**
   * Removes events that were found, as rows of position and raw JSON. Returns how many there were. With `forgetsDeletions`
   * the tombstones of a kind 5 go with it.
   */
  removeRows(rows: readonly Row[], why: "gone" | "erased", forgetsDeletions = false): number {
    if (rows.length === 0) return 0;
    this.#atomically(() => {
      for (const [position, raw] of rows) {
        const event = JSON.parse(raw as string) as Event;
        if (forgetsDeletions && event.kind === DELETION_KIND) this.leftovers.add(position as number, "tombstones");
        this.#remove(position as number, event, why);
      }
    }, true);
    return rows.length;
  }

  /** A bounded step of deriving the ledger anew. */
  workLedger = (): void => this.#atomically(() => this.ledger.step(), true)();

  /** Lets jobs go from the ledger that are too old at `now`, in seconds: a bounded step. */
  leaveLedger = (now: number): void => this.#atomically(() => this.ledger.leave(now), true);

  /** Lets jobs go whose requests have gone, of a customer or of an id: a bounded step. Returns how many; 0 if none is left. */
  leaveLedgerOf = (subject: string): number => this.#atomically(() => this.ledger.leaveOf(subject), true);

  /** Indexes some of the events whose words are not yet, or puts the index in order: a bounded step. */
  fillSearch = (): void => this.#atomically(() => this.search.fill(this.#head))();

  /** Does all of `body` or nothing. With `storesNone`, for a body that stores no events, the counts are saved with it. */
  #atomically<T>(body: () => T, storesNone = false): T {
    const head = this.#head;
    this.#changes = [];
    this.#added = [];
    this.#removed = [];
    this.#undo = [];
    this.#room = REMOVED_AT_ONCE;
    try {
      let changes: Changes = { events: this.#changes, tallies: [] };
      const result = this.#sql.transaction(() => {
        const done = body();
        changes = { events: this.#changes, tallies: this.ledger.settle() };
        if (storesNone || mustSave(changes)) this.counts.saveRemoved(this.#head, changes, this.#undo);
        return done;
      });
      this.#revision++;
      if (!storesNone && !mustSave(changes)) this.counts.apply(changes);
      for (const { position, verified } of this.#added) {
        this.recent.add(position, verified.event, verified.raw);
        this.onAdded(verified.event);
      }
      for (const lost of this.#removed) {
        this.recent.remove(lost.position);
        this.losses.add(lost);
      }
      return result;
    } catch (error) {
      this.#head = head;
      this.ledger.forget();
      for (const undo of this.#undo.reverse()) undo();
      throw error;
    }
  }

  /** A request to vanish that is not kept. */
  readonly #obey = ({ event }: VerifiedEvent): PutResult => {
    const wasObeyed = this.vanishing.isObeyed(event);
    if (!wasObeyed) this.vanishing.request(event);
    return { outcome: "obeyed", isNew: !wasObeyed };
  };

  /**
   * Duplicate check, replacement and insert (steps 11 to 15 of R-02-12), inside the caller's transaction. What erases others
   * comes alone ({@link runsOf}).
   */
  #putRun(run: readonly VerifiedEvent[]): PutResult[] {
    const candidates = run.map(({ event }) => candidateOf(event));
    const priors = this.priors.of(candidates);
    const placed: Placed[] = [];
    const ids = new Set<string>();
    const results = run.map((verified, i): PutResult => {
      const { event, address } = candidates[i] as Candidate;
      const { isStored, isErased, block } = priors[i] as Prior;
      if (block === "deleted") return { outcome: block };
      if (isStored) return { outcome: isErased ? "vanished" : "duplicate" };
      if (block !== undefined) return { outcome: block };
      if (ids.has(event.id)) return { outcome: "duplicate" };
      const current = address === null ? undefined : this.#current(address);
      if (current !== undefined && !supersedes(event, current.event)) return { outcome: "superseded" };
      const position = ++this.#head;
      if (current !== undefined) this.#remove(current.position, current.event, "gone", "superseded");
      placed.push({ position, verified, address, isUntagged: this.leftovers.defers(verified) });
      ids.add(event.id);
      this.#changes.push(changeOf(event, 1));
      this.ledger.added(event);
      return { outcome: "stored", position };
    });
    insertEvents(this.#sql, placed);
    this.#added.push(...placed);
    for (const { position, verified, isUntagged } of placed) {
      const { event } = verified;
      if (isUntagged) this.#undo.push(this.leftovers.defer(position, verified));
      if (event.kind === DELETION_KIND) this.#undo.push(this.deletions.begin(event, verified.raw, this.#cancel));
      if (event.kind === VANISH_KIND) this.vanishing.request(event, position);
    }
    return results;
  }

  /** The stored version of an address; one that is only to be removed goes now. */
  #current(key: string): { position: number; event: Event } | undefined {
    const row = this.#sql.all("SELECT seq, raw FROM event WHERE address = unhex(?1)", key)[0];
    if (row === undefined) return undefined;
    const current = { position: row[0] as number, event: JSON.parse(row[1] as string) as Event };
    if (!this.deletions.covers(current.event)) return current;
    this.#cancel(current.position, current.event);
    return undefined;
  }

  readonly #cancel: Remove = (position, event) => this.#remove(position, event, "cancelled");
  readonly #erase: Remove = (position, event) => this.#remove(position, event, "erased");

  /** One row for the event and one for each of its tags, or for all of them if they are many. Who watches knows what is hidden. */
  #remove(position: number, event: Event, why: Parting, loss: Loss = "removed"): void {
    const tags = indexedTags(event);
    if (!this.hides(event)) this.losses.note(event, tags, loss);
    this.#undo.push(this.leftovers.abandon(position));
    if (tags.length <= this.#room) removeTags(this.#sql, position, event, keysOf(tags));
    else this.leftovers.add(position, "tags");
    this.#room -= Math.min(tags.length, this.#room);
    this.search.remove(position);
    this.#sql.all("DELETE FROM event WHERE seq = ?1", position);
    this.#removed.push({ position, id: event.id, loss });
    // A position is never used again, not even that of the newest event.
    if (position === this.#head) writeMeta(this.#sql, "head", String(position));
    this.#changes.push(changeOf(event, -1));
    this.ledger.removed(event, why);
  }
}
