import type { Event } from "nostr-tools/pure";
import { useEffect, useRef, useState } from "preact/hooks";
import { plainReason } from "../api/management.ts";
import { type Filter, fetchEvents, subscribe } from "../relay/client.ts";

/** Events that the page holds at most: the oldest go. */
export const MAX_SHOWN = 1000;

/** How long what comes is collected before it is drawn, in milliseconds. */
const DRAW_MS = 100;

/** What a filter has found so far. */
export interface Explored {
  /** The newest first. */
  readonly events: readonly Event[];
  /** The stored ones are all there. */
  readonly isStored: boolean;
  /** How many have come since. */
  readonly live: number;
  /** Why the relay has refused or ended it. */
  readonly error: string | undefined;
  readonly isLoadingOlder: boolean;
  /** Whether there may be older ones. */
  readonly hasOlder: boolean;
  loadOlder(): void;
}

const NOTHING = { events: [] as readonly Event[], isStored: false, live: 0, hasOlder: false, isLoadingOlder: false };

/** Asks for what a filter finds, and goes on with what comes while `isLive`. Undefined asks for nothing. */
export function useExplored(filter: Filter | undefined, isLive: boolean): Explored {
  const [state, setState] = useState<typeof NOTHING & { error?: string | undefined }>(NOTHING);
  const asked = JSON.stringify(filter);
  const turn = useRef(0);
  useEffect(() => {
    turn.current++;
    setState(NOTHING);
    if (filter === undefined) return;
    let isStored = false;
    let waiting: Event[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      const come = waiting;
      waiting = [];
      setState((old) => {
        const events = merged(old.events, come);
        const live = old.isStored ? old.live + events.length - old.events.length : 0;
        const hasOlder = old.isStored ? old.hasOlder : isStored && events.length >= Number(filter.limit);
        return { ...old, events: events.slice(0, MAX_SHOWN), isStored, live: Math.max(old.live, live), hasOlder };
      });
    };
    const close = subscribe([filter], {
      event(event) {
        waiting.push(event);
        if (isStored) timer ??= setTimeout(draw, DRAW_MS);
      },
      stored() {
        isStored = true;
        draw();
        if (!isLive) close();
      },
      closed: (reason) => setState((old) => ({ ...old, isStored: true, error: plainReason(reason) })),
    });
    return () => {
      clearTimeout(timer);
      close();
    };
  }, [asked, isLive]);

  const loadOlder = () => {
    const oldest = state.events.at(-1);
    if (filter === undefined || oldest === undefined) return;
    const mine = turn.current;
    setState((old) => ({ ...old, isLoadingOlder: true, error: undefined }));
    olderThan(filter, oldest, new Set(state.events.map(({ id }) => id))).then(
      (older) => {
        if (mine !== turn.current) return;
        setState((old) => {
          const events = [...old.events, ...older].slice(0, MAX_SHOWN);
          return { ...old, events, isLoadingOlder: false, hasOlder: older.length > 0 && events.length < MAX_SHOWN };
        });
      },
      (error) =>
        mine === turn.current && setState((old) => ({ ...old, isLoadingOlder: false, error: String(error.message) })),
    );
  };
  return { ...state, error: state.error, loadOlder };
}

/** Events of a filter that are not newer than one, but for those that are known. */
async function olderThan(filter: Filter, { created_at }: Event, known: ReadonlySet<string>): Promise<Event[]> {
  const ask = async (bounds: Filter) => {
    const found = await fetchEvents([{ ...filter, ...bounds }]);
    return { isFull: found.length >= Number(filter.limit), fresh: found.filter(({ id }) => !known.has(id)) };
  };
  const same = await ask({ until: created_at });
  if (same.fresh.length > 0 || !same.isFull) return same.fresh;
  // A whole page is of one second: the rest of that comes first.
  const second = await ask({ since: created_at, until: created_at, limit: MAX_SHOWN });
  return second.fresh.length > 0 ? second.fresh : (await ask({ until: created_at - 1 })).fresh;
}

/** Events without repetition, the newest first. */
function merged(known: readonly Event[], come: readonly Event[]): Event[] {
  const byId = new Map([...known, ...come].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
}
