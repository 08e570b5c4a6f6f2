import type { Event } from "../../src/protocol/event.ts";
import type { Management } from "../client/management.ts";
import { Failure } from "../failure.ts";
import { type Differences, differences } from "./differences.ts";
import { type Page, pagesOf, responderOf } from "./pages.ts";
import { NoNegentropy, type Side, type SyncFilter, TooMany } from "./side.ts";
import { Transfer, type Transferred } from "./transfer.ts";

/** Of a sync: the local relay is first, its peer second. */
export interface SyncOptions {
  filters: readonly SyncFilter[];
  down: boolean;
  up: boolean;
  isDry: boolean;
  /** The management of the local relay, if what it lacks is to be restored instead of published. */
  management?: Management | undefined;
  report(progress: Progress): void;
}

/** What a sync has done so far. */
export interface Progress {
  /** From the peer to the local relay. */
  down: Transferred;
  up: Transferred;
  roundTrips: number;
  /** Characters of messages, both connections together. */
  traffic: { sent: number; received: number };
  /** Whether both relays compared their sets by NIP-77. */
  negentropy: boolean;
  /** Seconds of which a relay did not give all events in one answer. */
  incomplete: number[];
}

/** A part of what differs; `events` are those of it that are here already. */
interface Found {
  ids: Differences;
  events?: ReadonlyMap<string, Event>;
  /** Whose they are. */
  owner?: Side;
}

/** Before this second, in 2020, there are few events. */
const FIRST = 1_600_000_000;

/** Makes two relays equal, as far as they admit it. It keeps no state: what differs is what is left to do. */
export async function sync(local: Side, peer: Side, options: SyncOptions): Promise<Progress> {
  const down = new Transfer(peer, local, options.isDry, options.management);
  const up = new Transfer(local, peer, options.isDry);
  const incomplete: number[] = [];
  const progress = (): Progress => ({
    down: down.done,
    up: up.done,
    roundTrips: local.roundTrips + peer.roundTrips,
    traffic: {
      sent: local.connection.traffic.sent + peer.connection.traffic.sent,
      received: local.connection.traffic.received + peer.connection.traffic.received,
    },
    negentropy: local.hasNegentropy && peer.hasNegentropy,
    incomplete,
  });
  for (const filter of options.filters) {
    for await (const { ids, events, owner } of compared(local, peer, filter, (second) => incomplete.push(second))) {
      const [onlyLocal, onlyPeer] = ids;
      await Promise.all([
        options.down && down.move(onlyPeer, owner === peer ? events : undefined),
        options.up && up.move(onlyLocal, owner === local ? events : undefined),
      ]);
      options.report(progress());
    }
  }
  return progress();
}

/** What differs, by NIP-77; or by pages, from where on it is known that one of the two has none. */
async function* compared(
  local: Side,
  peer: Side,
  filter: SyncFilter,
  incomplete: (second: number) => void,
): AsyncGenerator<Found> {
  while (local.hasNegentropy && peer.hasNegentropy) {
    try {
      return yield* negotiated(local, peer, filter);
    } catch (error) {
      if (!(error instanceof NoNegentropy)) throw error;
    }
  }
  const [paged, other] = peer.hasNegentropy ? [local, peer] : [peer, local];
  for await (const page of pagesOf(paged, filter, incomplete)) {
    const events = new Map(page.events.map((event) => [event.id, event]));
    const window = windowOf(filter, page);
    const first = responderOf(page.events);
    const negotiation = other.hasNegentropy ? other.negotiation(window) : undefined;
    const second = negotiation ?? responderOf(await allOf(other, window, incomplete));
    try {
      for await (const [onlyPaged, onlyOther] of differences([first, second])) {
        const ids: Differences = paged === local ? [onlyPaged, onlyOther] : [onlyOther, onlyPaged];
        yield { ids, events, owner: paged };
      }
    } finally {
      negotiation?.end();
    }
  }
}

/** Compares by NIP-77; in stretches of time where one relay does not compare all at once. */
async function* negotiated(local: Side, peer: Side, filter: SyncFilter): AsyncGenerator<Found> {
  const windows: { since?: number; until?: number }[] = [{}];
  for (let window = windows.pop(); window !== undefined; window = windows.pop()) {
    const both = [local, peer].map((side) => side.negotiation(windowOf(filter, window))) as never;
    try {
      for await (const ids of differences(both)) yield { ids };
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      windows.push(...halvesOf({ ...filter, ...window }, error.message));
    } finally {
      for (const negotiation of both as { end(): void }[]) negotiation.end();
    }
  }
}

/** Two stretches of time instead of one. */
function halvesOf({ since = 0, until }: SyncFilter, why: string) {
  const end = until ?? Math.max(Math.floor(Date.now() / 1000), since);
  if (until !== undefined && since >= until) {
    throw new Failure(`a relay compares no more events at a time (${why}), and one second has more: give --pages`);
  }
  // What is dated in the future is a stretch of its own.
  if (until === undefined) return [{ since: end + 1 }, { since, until: end }];
  const middle = since < FIRST && FIRST < end ? FIRST - 1 : Math.floor((since + end) / 2);
  return [
    { since, until: middle },
    { since: middle + 1, until: end },
  ];
}

/** All events of a relay without NIP-77 in a stretch of time. */
async function allOf(side: Side, filter: SyncFilter, incomplete: (second: number) => void): Promise<Event[]> {
  const events: Event[] = [];
  for await (const page of pagesOf(side, filter, incomplete)) events.push(...page.events);
  return events;
}

function windowOf(filter: SyncFilter, { since, until }: Omit<Page, "events">): SyncFilter {
  return { ...filter, ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}
