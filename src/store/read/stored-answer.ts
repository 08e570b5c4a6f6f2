import type { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { type Event, expirationOf, kindOfRaw, timeOfRaw } from "../../protocol/event.ts";
import type { Reason } from "../../protocol/reason.ts";
import { oldestKept, type RetentionRule, retentionOfEvent } from "../../protocol/retention.ts";
import type { EventStore } from "../event-store.ts";
import type { Completeness } from "./completeness.ts";
import type { Scan } from "./scan.ts";

/** Events of one page at most. */
const PAGE_EVENTS = 500;

export const TOO_LARGE: Reason = "blocked: query too large, ask for fewer authors, kinds or values at a time";

/** One page of a stored answer; it may be empty. `hint` comes with the last page only. */
export interface Page {
  /** Canonical JSON of each event, in order. */
  events: string[];
  isLast: boolean;
  hint?: Completeness;
  /** The REQ is not answered, because of this; there are no events. */
  refusal?: Reason;
}

/** An event that was accepted, and its position if it is stored. */
export interface Live {
  verified: VerifiedEvent;
  position: number | undefined;
}

/** What a stored answer asks while it is under way. */
export interface Surroundings {
  /** Unix seconds. */
  readonly nowSeconds: () => number;
  readonly retention: readonly RetentionRule[];
  /** Whether an event waits to be erased. */
  readonly hides: (event: Event) => boolean;
  /** Whether EOSE says if that was all (NIP-67). */
  readonly isHinting: boolean;
}

/**
 * A stored answer that has just been opened: it sees what was appended before, and nothing else. It may take many steps: what
 * goes meanwhile is neither in its further pages, which are read ahead, nor among the live events that are kept for after it.
 */
export class StoredAnswer {
  /** Position of the newest event that was appended before: what lies after it comes live. */
  readonly head: number;
  readonly #scan: Scan;
  readonly #store: EventStore;
  readonly #around: Surroundings;
  readonly #losses: number;
  readonly #openedAt: number;

  constructor(scan: Scan, store: EventStore, around: Surroundings) {
    this.head = store.head;
    this.#scan = scan;
    this.#store = store;
    this.#around = around;
    this.#losses = store.losses.count;
    this.#openedAt = around.nowSeconds();
  }

  /** The next page, as far as one step of work goes. Not to be called after the last. */
  next(): Page {
    const scan = this.#scan;
    const events = this.#current(scan.page(PAGE_EVENTS));
    if (scan.isRefused) return { events, isLast: true, refusal: TOO_LARGE };
    if (!scan.isDone) return { events, isLast: false };
    const hint = this.#around.isHinting ? scan.completeness() : "unknown";
    return hint === undefined ? { events, isLast: false } : { events, isLast: true, hint };
  }

  /** Those that may still be shown of live events that were kept since it was opened. */
  remaining(live: readonly Live[]): readonly Live[] {
    if (live.length === 0) return live;
    const { nowSeconds, hides } = this.#around;
    const now = nowSeconds();
    const areErased = this.#store.areErased(live.map(({ verified }) => verified.event));
    // Of what was replaced, whoever was there before gets every version.
    const removed = this.#store.lookups.removedOf(
      live.flatMap(({ position }) => position ?? []),
      this.#losses,
    );
    return live.filter(({ verified: { event }, position }, i) => {
      if (hasExpired(event, now) || this.#isPastRetention(event, now)) return false;
      if (hides(event) || areErased[i]) return false;
      return position === undefined || !removed.has(position);
    });
  }

  #current(raws: string[]): string[] {
    const now = this.#around.nowSeconds();
    const stored = this.#store.lookups.remaining(raws, this.#losses);
    return now === this.#openedAt ? stored : stored.filter((raw) => !this.#isOver(raw, now));
  }

  #isOver(raw: string, now: number): boolean {
    const mayExpire = raw.includes('["expiration",');
    if (!mayExpire && timeOfRaw(raw) >= oldestKept(this.#around.retention, kindOfRaw(raw), now)) return false;
    const event = JSON.parse(raw) as Event;
    return hasExpired(event, now) || this.#isPastRetention(event, now);
  }

  /** R-07-01. */
  #isPastRetention(event: Event, now: number): boolean {
    const seconds = retentionOfEvent(this.#around.retention, event);
    return seconds !== undefined && event.created_at <= now - seconds;
  }
}

function hasExpired(event: Event, now: number): boolean {
  const expiration = expirationOf(event);
  return expiration !== undefined && expiration <= now;
}
