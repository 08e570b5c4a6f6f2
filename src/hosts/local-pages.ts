import { type Event, expirationOf } from "../protocol/event.ts";
import type { Clock, LiveEvent, Page, Pages } from "../relay/ports.ts";
import type { EventStore } from "../store/event-store.ts";
import type { Scan } from "../store/read/scan.ts";

/** Events read in one turn, so that one large REQ does not hold up every other connection. */
const PAGE_EVENTS = 500;

export const TOO_LARGE = "blocked: query too large, ask for fewer authors, kinds or values at a time";

/**
 * A stored answer that has just been opened. It may take many turns: what goes meanwhile is neither in its further pages,
 * which are read ahead, nor among the live events that are kept for after it. `hides` tells what waits to be erased.
 */
export function pagesOf(
  scan: Scan,
  store: EventStore,
  clock: Clock,
  hides: (event: Event) => boolean,
  isHinting: boolean,
): Pages {
  const { head } = store;
  const { count } = store.losses;
  const openedAt = clock.nowSeconds();

  const current = (raws: string[]): string[] => {
    const now = clock.nowSeconds();
    const stored = store.remaining(raws, count);
    return now === openedAt ? stored : stored.filter((raw) => !hasExpired(raw, now));
  };

  return {
    head,
    async next(): Promise<Page> {
      const events = current(scan.page(PAGE_EVENTS));
      if (scan.isRefused) return { events, isLast: true, refusal: TOO_LARGE };
      if (!scan.isDone) return { events, isLast: false };
      const hint = isHinting ? scan.completeness() : "unknown";
      return hint === undefined ? { events, isLast: false } : { events, isLast: true, hint };
    },
    remaining(live: readonly LiveEvent[]): readonly LiveEvent[] {
      if (live.length === 0) return live;
      const now = clock.nowSeconds();
      const areErased = store.areErased(live.map(({ verified }) => verified.event));
      // Of what was replaced, whoever was there before gets every version.
      const removed = store.removedOf(
        live.flatMap(({ position }) => position ?? []),
        count,
      );
      return live.filter(({ verified: { event }, position }, i) => {
        if (isOver(event, now) || hides(event) || areErased[i]) return false;
        return position === undefined || !removed.has(position);
      });
    },
  };
}

function hasExpired(raw: string, now: number): boolean {
  return raw.includes('["expiration",') && isOver(JSON.parse(raw) as Event, now);
}

function isOver(event: Event, now: number): boolean {
  const expiration = expirationOf(event);
  return expiration !== undefined && expiration <= now;
}
