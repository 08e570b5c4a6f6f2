import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import type { Event, TaggedEvent } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import type { Records } from "../protocol/negentropy/records.ts";
import type { Reason } from "../protocol/reason.ts";
import type { RetentionRule } from "../protocol/retention.ts";
import type { Reader } from "../protocol/visibility.ts";
import { buriesTooMany, freesRoom } from "./erase/deletion.ts";
import type { EventStore } from "./event-store.ts";
import { type ArchivePage, archivePage } from "./read/archive.ts";
import { type Counted, countMatches } from "./read/count.ts";
import type { Hides } from "./read/filter-scan.ts";
import { collectRecords } from "./read/records.ts";
import { Scan, type Snapshot } from "./read/scan.ts";
import { StoredAnswer, TOO_LARGE } from "./read/stored-answer.ts";
import type { Recent } from "./recent.ts";
import type { PutResult } from "./runs.ts";
import { writeMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";
import type { Steps } from "./steps.ts";

export interface LogLimits {
  readonly defaultLimit: number;
  readonly maxLimit: number;
  readonly maxCount: number;
  /** Bytes of the database beyond which only what frees room is stored. */
  readonly maxStorage: number;
  readonly retention: readonly RetentionRule[];
  readonly privateKinds: ReadonlySet<number>;
  /** Whether EOSE says if that was all (NIP-67). */
  readonly eoseHintEnabled: boolean;
}

/** Events that are being removed, besides those that the store knows of: hidden until they are gone. */
export interface Erasing {
  isPending(): boolean;
  hides(event: Event): boolean;
}

/** Answer to a COUNT. */
export type CountResult = Counted;

/** How often a set is collected in which versions were replaced meanwhile; the last one is taken as it is. */
const MAX_TRIES = 3;

/** The durable log of events, as the relay sees it. Everything that is read is what its reader may see. */
export class EventLog {
  readonly #sql: Sql;
  readonly #store: EventStore;
  readonly #limits: LogLimits;
  readonly #nowSeconds: () => number;
  readonly #erasing: Erasing;
  /** Bytes of the database, when that was last asked. */
  #size = 0;
  /** Of the store, when it was last asked how large it is: that is a query of its own. */
  #revision = -1;

  constructor(sql: Sql, store: EventStore, limits: LogLimits, nowSeconds: () => number, erasing: Erasing) {
    this.#sql = sql;
    this.#store = store;
    this.#limits = limits;
    this.#nowSeconds = nowSeconds;
    this.#erasing = erasing;
  }

  /** Whether the store is so full that it takes only what frees room. Once it is, that is asked each time: anything may make room. */
  isFull(): boolean {
    const { revision } = this.#store;
    const { maxStorage } = this.#limits;
    if (this.#size >= maxStorage || this.#revision !== revision) this.#size = this.#sql.size();
    this.#revision = revision;
    return this.#size >= maxStorage;
  }

  /** Writes one row, which says nothing, to see whether that can be done. Throws if it cannot. */
  tryToWrite(): void {
    writeMeta(this.#sql, "tried", String(this.#nowSeconds()));
  }

  /** Whether the store takes this event: it is not full, or the event is a small kind 5 that frees room. */
  hasRoomFor(event: VerifiedEvent): boolean {
    return !this.isFull() || freesRoom(this.#sql, event);
  }

  /** Whether a kind 5 may leave its tombstones, as far as those of its author go (R-05-06). */
  mayBury(verified: VerifiedEvent): boolean {
    const { event } = verified;
    if (!buriesTooMany(this.#sql, event, this.#store.deletions.pendingOf(event.pubkey))) return true;
    return freesRoom(this.#sql, verified) || this.#store.lookups.find(event.id) !== undefined;
  }

  /** Whether nothing of what a request to vanish asks for is left to do (R-05-22). */
  isObeyed(event: Event): boolean {
    return this.#store.vanishing.isObeyed(event);
  }

  /**
   * Ids of these events that are stored: a hint, which lets them skip the signature check; {@link append}
   * decides. Never those of private kinds: only who has the whole event is told that it is known (R-05-29).
   */
  known(events: readonly Event[]): ReadonlySet<string> {
    // An event that waits to be erased is refused, not known (R-05-21).
    const shown = this.#isHiding ? events.filter((event) => !this.#hides(event)) : events;
    return this.#store.lookups.storedOf(
      shown.map(({ id }) => id),
      this.#limits.privateKinds,
    );
  }

  /** Why an event that is not appended must not be passed on either (R-05-06, R-05-21). */
  blockOf(event: Event): "deleted" | "vanished" | undefined {
    return this.#store.blockOf(event);
  }

  /** The stored event of an id, unless it is of a private kind or hidden: for judging others, not for showing it. */
  find(id: string): Event | undefined {
    const event = this.#store.lookups.find(id);
    if (event === undefined || this.#limits.privateKinds.has(event.kind)) return undefined;
    return this.#isHiding && this.#hides(event) ? undefined : event;
  }

  /**
   * Stores events in order, in one transaction; one result for each. Requests to vanish that are `unkept` are carried out
   * only. What cannot be written is `failed`; nothing is thrown.
   */
  append(batch: readonly VerifiedEvent[], unkept?: ReadonlySet<VerifiedEvent>): PutResult[] {
    return this.#store.put(batch, unkept);
  }

  /** Position of the newest stored event. */
  get head(): number {
    return this.#store.head;
  }

  /** What is stored behind a position, whoever may read it, in the order of positions; private kinds only if named. */
  archive(after: number, named: ReadonlySet<number>): Steps<ArchivePage> {
    return archivePage(this.#sql, after, {
      now: this.#nowSeconds(),
      retention: this.#limits.retention,
      except: new Set([...this.#limits.privateKinds].filter((kind) => !named.has(kind))),
      hides: () => (this.#isHiding ? (event) => this.#hides(event) : undefined),
    });
  }

  /** Opens the stored answer to a REQ. Everything appended so far is seen. Reads nothing yet. */
  scan(filters: readonly Filter[], reader: Reader): StoredAnswer {
    const scan = new Scan(this.#sql, filters, reader, this.#limits, this.#snapshot());
    return new StoredAnswer(scan, this.#store, {
      nowSeconds: this.#nowSeconds,
      retention: this.#limits.retention,
      hides: (event) => this.#isHiding && this.#hides(event),
      isHinting: this.#limits.eoseHintEnabled,
    });
  }

  /**
   * Size of the union of visible matches at one moment (R-05-34). With `sketched`, the value of a tag, the registers of
   * their authors too (R-05-36). A reason if the query is too large.
   */
  *count(filters: readonly Filter[], reader: Reader, sketched?: string): Steps<CountResult | Reason> {
    const { losses } = this.#store;
    const watch = losses.watch(reader);
    const moment = () => {
      watch.isIntact = true;
      return this.#snapshot(() => watch.isIntact);
    };
    try {
      const { maxCount } = this.#limits;
      return (yield* countMatches(this.#sql, filters, reader, moment, maxCount, sketched)) ?? TOO_LARGE;
    } finally {
      losses.end(watch);
    }
  }

  /**
   * The visible matches of one filter as they are now, up to its limit (R-05-42). Around each pause `refuse` is told how many
   * were found so far; when it gives a reason, the search ends with that.
   */
  *records(filter: Filter, reader: Reader, refuse: (found: number) => Reason | undefined): Steps<Records | Reason> {
    const { losses } = this.#store;
    const watch = losses.watch(reader, (event, tags, loss) => loss === "superseded" && matches(filter, event, tags));
    const moment = () => {
      watch.isIntact = true;
      return this.#snapshot();
    };
    try {
      for (let tries = 1; ; tries++) {
        const found = yield* collectRecords(this.#sql, filter, reader, moment, refuse);
        if (found === undefined) return TOO_LARGE;
        // Of what was replaced before it was reached the set has neither version.
        if (typeof found === "string" || watch.isIntact || tries === MAX_TRIES) return found;
      }
    } finally {
      losses.end(watch);
    }
  }

  /** Whether {@link saveCounts} has something to do, about a second after events were stored. */
  get hasUnsavedCounts(): boolean {
    return this.#store.counts.dirty;
  }

  /** Writes how many events of each kind are stored: one row. Throws if it cannot; it is safe to try again. */
  saveCounts(): void {
    this.#store.counts.save(this.#store.head);
  }

  get #isHiding(): boolean {
    return this.#store.isHiding || this.#erasing.isPending();
  }

  #hides(event: Event): boolean {
    return this.#store.hides(event) || this.#erasing.hides(event);
  }

  #snapshot(isIntact?: () => boolean): Snapshot {
    const { losses } = this.#store;
    const [wasHiding, { count }] = [this.#isHiding, losses];
    return new Moment(this.#store, this.#limits.retention, this.#nowSeconds(), isIntact, {
      isPending: () => wasHiding || this.#isHiding,
      // What was hidden, and has been erased since, may be among rows that were read ahead.
      hides: (event) => this.#hides(event) || (wasHiding && losses.has(event.id, count)),
    });
  }
}

/** The log as it is now. A class: of an object literal with a getter the engine makes a new hidden class each time. */
class Moment implements Snapshot {
  readonly head: number;
  readonly recent: Recent;
  readonly indexed: number;
  readonly hasLeftovers: boolean;
  readonly untagged: readonly TaggedEvent[];
  readonly #counts: EventStore["counts"];
  readonly #erasing: Erasing;
  readonly retention: readonly RetentionRule[];
  readonly now: number;
  readonly isIntact: (() => boolean) | undefined;

  constructor(
    { head, recent, search, leftovers, counts }: EventStore,
    retention: readonly RetentionRule[],
    now: number,
    isIntact: (() => boolean) | undefined,
    erasing: Erasing,
  ) {
    this.head = head;
    this.recent = recent;
    this.indexed = search.head;
    this.hasLeftovers = leftovers.isPending;
    this.untagged = leftovers.untagged;
    this.#counts = counts;
    this.#erasing = erasing;
    this.retention = retention;
    this.now = now;
    this.isIntact = isIntact;
  }

  get hides(): Hides | undefined {
    return this.#erasing.isPending() ? this.#erasing.hides : undefined;
  }

  counts() {
    return this.#counts.known();
  }
}
