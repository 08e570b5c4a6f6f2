import { type Event, expirationOf } from "../protocol/event.ts";
import { RELAY_KINDS } from "../protocol/kind.ts";
import { type RetentionRule, retentionOfEvent } from "../protocol/retention.ts";
import type { Cleanup } from "../store/erase/cleanup.ts";
import type { Erasing } from "../store/event-log.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Config } from "./config/config.ts";
import type { AccessLists, Clock, Logger } from "./ports.ts";

/** Periodic work: bounded, idempotent, and only when something is due. */
export interface Chore {
  readonly name: string;
  /** When the chore has to run next, in Unix seconds; undefined if there is nothing to do. */
  due(): number | undefined;
  /** Does one bounded step of what is due. */
  run(): void;
}

/** Wait after a chore has failed, in seconds. */
const RETRY_SECONDS = 60;

/** All periodic work of a relay. Its host sees to it that {@link run} is called when it is due. */
export class Chores {
  readonly #chores: readonly Chore[];
  readonly #clock: Clock;
  readonly #report: Logger;
  /** A chore that has failed is not tried before then, in Unix seconds. */
  readonly #retryAt = new Map<Chore, number>();
  /** Called when something has become due earlier than was known, in Unix seconds. */
  onDue: (seconds: number) => void = () => {};

  constructor(chores: readonly Chore[], clock: Clock, report: Logger) {
    this.#chores = chores;
    this.#clock = clock;
    this.#report = report;
  }

  /** When {@link run} is to be called next, in Unix seconds; infinity if there is nothing to do. Reads a few rows. */
  nextDue(): number {
    return Math.min(...this.#chores.map((chore) => this.#dueOf(chore)));
  }

  /** Runs one step of the chore that has been due for longest; whether there was one. Never throws. */
  run(): boolean {
    const now = this.#clock.nowSeconds();
    const first = this.#chores.reduce<[Chore | undefined, number]>(
      ([best, at], chore) => {
        const due = this.#dueOf(chore);
        return due <= now && due < at ? [chore, due] : [best, at];
      },
      [undefined, Number.POSITIVE_INFINITY],
    )[0];
    if (first === undefined) return false;
    try {
      this.#retryAt.delete(first);
      first.run();
    } catch (error) {
      this.#failed(first, error);
    }
    return true;
  }

  #dueOf(chore: Chore): number {
    try {
      return Math.max(chore.due() ?? Number.POSITIVE_INFINITY, this.#retryAt.get(chore) ?? 0);
    } catch (error) {
      this.#failed(chore, error);
      return this.#retryAt.get(chore) as number;
    }
  }

  #failed(chore: Chore, error: unknown): void {
    this.#report("chore failed", { chore: chore.name, error: String(error) });
    this.#retryAt.set(chore, this.#clock.nowSeconds() + RETRY_SECONDS);
  }
}

/** What bans hide, by when it is to be erased. */
class Banned {
  readonly #lists: AccessLists;
  #revision = -1;
  #first: { subject: string; due: number } | undefined;

  constructor(lists: AccessLists) {
    this.#lists = lists;
  }

  /** What is due first, and when, in Unix seconds. */
  first(): { subject: string; due: number } | undefined {
    const { revision } = this.#lists;
    if (this.#revision === revision) return this.#first;
    this.#revision = revision;
    this.#first = undefined;
    for (const [subject, detail] of this.#lists.entries("erasing")) {
      const due = Number(detail);
      if (this.#first === undefined || due < this.#first.due) this.#first = { subject, due };
    }
    return this.#first;
  }
}

/** Events that one run of a chore removes at most. */
const MAX_REMOVED = 250;

/** Expired events are invisible at once and are removed together, once in so many seconds. */
const EXPIRY_STEP = 60;
/** The same for events past their retention; R-07-01 allows an hour. */
const RETENTION_STEP = 1800;
/** The same for jobs that leave the ledger. */
const LEDGER_STEP = 3600;

/**
 * The periodic work of a store: banned authors and events, what only the relay may say (R-05-63), what the store itself has
 * to erase (NIP-09, NIP-62) and to index (NIP-50), expiry (NIP-40), retention (R-07-01), and the ledger of jobs (R-07-18).
 */
export function storeChores(
  store: EventStore,
  cleanup: Cleanup,
  lists: AccessLists,
  config: Pick<Config, "retention">,
  clock: Clock,
  isFull: () => boolean,
): Chore[] {
  const banned = new Banned(lists);
  return [
    {
      name: "banned",
      due: () => {
        const { subject = "", due } = banned.first() ?? {};
        // A deletion under way would leave its tombstones.
        if (due === undefined || store.deletions.pendingOf(subject) > 0) return undefined;
        return isFull() ? 0 : due;
      },
      run: () => {
        const subject = banned.first()?.subject;
        if (subject === undefined) return;
        cleanup.removeEvent(subject);
        if (cleanup.removeAuthor(subject, MAX_REMOVED) === 0) lists.remove("erasing", subject);
      },
    },
    {
      name: "deletions of banned",
      due: () => {
        const key = lists.first("forgetting");
        return key === undefined || store.deletions.pendingOf(key) > 0 ? undefined : clock.nowSeconds();
      },
      run: () => {
        const key = lists.first("forgetting") ?? "";
        if (cleanup.removeDeletions(key, MAX_REMOVED) === 0) lists.remove("forgetting", key);
      },
    },
    {
      name: "foreign",
      due: () => (lists.has("signing", "foreign") ? clock.nowSeconds() : undefined),
      run: () => {
        const self = lists.get("signing", "self") ?? "";
        if (cleanup.removeOthers(RELAY_KINDS, self, MAX_REMOVED) === 0) lists.remove("signing", "foreign");
      },
    },
    {
      name: "store",
      due: () => (store.hasWork ? clock.nowSeconds() : store.search.dueAt),
      run: () => store.work(),
    },
    {
      name: "expiry",
      due: () => roundUp(cleanup.nextExpiration(), EXPIRY_STEP),
      run: () => cleanup.removeExpired(clock.nowSeconds(), MAX_REMOVED),
    },
    {
      name: "retention",
      due: () => roundUp(cleanup.nextPastRetention(config.retention), RETENTION_STEP),
      run: () => cleanup.removePastRetention(config.retention, clock.nowSeconds(), MAX_REMOVED),
    },
    {
      name: "ledger",
      due: () => roundUp(store.ledger.nextLeave(), LEDGER_STEP),
      run: () => store.leaveLedger(clock.nowSeconds()),
    },
  ];
}

/** What the chores "banned" and "foreign" have still to remove. */
export function erasingOf(lists: AccessLists): Erasing {
  const isForeign = ({ kind, pubkey }: Event): boolean =>
    lists.has("signing", "foreign") && RELAY_KINDS.has(kind) && pubkey !== lists.get("signing", "self");
  return {
    isPending: () => lists.size("erasing") > 0 || lists.has("signing", "foreign"),
    hides: (event) => lists.has("erasing", event.pubkey) || lists.has("erasing", event.id) || isForeign(event),
  };
}

/** When an event that has just been stored will expire or pass its retention, in Unix seconds; infinity if never. */
export function dueOf(event: Event, rules: readonly RetentionRule[]): number {
  const seconds = retentionOfEvent(rules, event);
  const retention = roundUp(seconds === undefined ? undefined : event.created_at + seconds, RETENTION_STEP);
  const expiry = roundUp(expirationOf(event), EXPIRY_STEP);
  return Math.min(retention ?? Number.POSITIVE_INFINITY, expiry ?? Number.POSITIVE_INFINITY);
}

function roundUp(seconds: number | undefined, step: number): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(seconds / step) * step;
}
