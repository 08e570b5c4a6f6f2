import type { Event } from "../../src/protocol/event.ts";
import { RecordsBuilder } from "../../src/protocol/negentropy/builder.ts";
import { respond } from "../../src/protocol/negentropy/negentropy.ts";
import { Failure } from "../failure.ts";
import type { Responder } from "./differences.ts";
import type { Side, SyncFilter } from "./side.ts";

/** Events of one page. */
const PAGE = 500;

/** Events that are asked for when one second has more than a page. */
const LARGE_PAGE = 5000;

/** So many events, and no more, are an answer that a limit of the relay has cut: limits are seldom smaller. */
const COMMON_LIMIT = 100;

/** Bytes of one answer of what is compared here. */
const FRAME_LIMIT = 400_000;

/** All events of one stretch of time, in whole seconds; no `until` is the future too, no `since` the beginning. */
export interface Page {
  since?: number;
  until?: number;
  events: Event[];
}

/**
 * All events that match, from the newest on, in stretches of time that follow each other without a gap. The second in
 * which a page ends is asked for again, as the page may have only some of its events. A second that has more events
 * than the relay gives in one answer is told to `incomplete`.
 */
export async function* pagesOf(
  side: Side,
  filter: SyncFilter,
  incomplete: (second: number) => void,
): AsyncGenerator<Page> {
  const { since } = filter;
  /** The most events that one answer has had: the relay gives no more. */
  let most = 0;
  const ask = async (until: number | undefined, limit: number) => {
    const events = await side.request({ ...filter, ...(until !== undefined && { until }), limit });
    most = Math.max(most, events.length);
    // Whatever a relay gives besides would break the order of the stretches.
    return events.filter(({ created_at }) => created_at <= (until ?? Infinity) && created_at >= (since ?? 0));
  };
  let until = filter.until;
  while (until === undefined || until >= (since ?? 0)) {
    let events = await ask(until, PAGE);
    const oldest = oldestOf(events);
    if (oldest === undefined) break;
    if (oldest !== until) {
      yield { since: oldest + 1, ...(until !== undefined && { until }), events: events.filter(isAfter(oldest)) };
      until = oldest;
      continue;
    }
    if (events.length >= Math.min(PAGE, most)) {
      const larger = (await ask(until, LARGE_PAGE)).filter(isAfter(until - 1));
      if (larger.length > events.length) events = larger;
      const isFull = larger.length >= Math.min(LARGE_PAGE, most);
      if (isFull && (larger.length >= COMMON_LIMIT || (await ask(until - 1, 1)).length > 0)) incomplete(until);
    }
    yield { since: until, until, events };
    until--;
  }
  if (until !== undefined && until < (since ?? 0)) return;
  yield { ...(since !== undefined && { since }), ...(until !== undefined && { until }), events: [] };
}

/** Answers for events that are known here as a relay does. */
export function responderOf(events: Iterable<Event>): Responder {
  const builder = new RecordsBuilder();
  for (const { created_at, id } of events) builder.add(created_at, id);
  const records = builder.build();
  return {
    maxMessage: FRAME_LIMIT,
    async ask(message) {
      const answer = respond(records, message, FRAME_LIMIT);
      if ("error" in answer) throw new Failure(answer.error);
      return answer;
    },
  };
}

function oldestOf(events: readonly Event[]): number | undefined {
  return events.reduce<number | undefined>(
    (oldest, { created_at }) => (oldest === undefined ? created_at : Math.min(oldest, created_at)),
    undefined,
  );
}

function isAfter(second: number): (event: Event) => boolean {
  return ({ created_at }) => created_at > second;
}
