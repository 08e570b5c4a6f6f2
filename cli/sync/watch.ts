import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../src/protocol/event.ts";
import type { Management } from "../client/management.ts";
import { Failure, messageOf } from "../failure.ts";
import type { Side } from "./side.ts";
import { type Progress, type SyncOptions, sync } from "./sync.ts";
import { Transfer } from "./transfer.ts";

/** Between two tries to reach the relays, in milliseconds: doubled each time. */
const RETRY = { first: 500, max: 60_000 };

/** Connections that held so long were good ones, in milliseconds. */
const LASTING_MS = 30_000;

/** Events that wait to be carried at most; beyond, the sync begins anew. */
const MAX_WAITING = 10_000;

/** Ids of carried events that are remembered: they come back from where they were carried to. */
const MAX_REMEMBERED = 20_000;

export interface WatchOptions extends SyncOptions {
  /** Connects to both relays, the local one first. */
  open(): Promise<readonly [Side, Side]>;
  /** The relays are equal, and stay so from now on. */
  synced(progress: Progress): void;
  /** A connection is lost. */
  lost(reason: string): void;
  /** So many events that came were refused, for one reason. */
  refused(count: number, reason: string): void;
}

/**
 * Keeps two relays equal until the process ends: it listens to both, syncs, and carries what comes. After a loss it
 * does the same again. Rejects only if it cannot begin.
 */
export async function watch(options: WatchOptions): Promise<never> {
  let tries = 0;
  let hasBegun = false;
  for (;;) {
    const start = Date.now();
    let sides: readonly Side[] = [];
    try {
      sides = await options.open();
      await follow(sides as [Side, Side], options, () => {
        hasBegun = true;
      });
    } catch (error) {
      if (!hasBegun) throw error;
      options.lost(messageOf(error));
    } finally {
      for (const { connection } of sides) connection.close();
    }
    if (Date.now() - start > LASTING_MS) tries = 0;
    await sleep(Math.min(RETRY.first * 2 ** tries++, RETRY.max) * (0.5 + Math.random() / 2));
  }
}

/** One such round; it ends with a failure. */
async function follow([local, peer]: readonly [Side, Side], options: WatchOptions, begun: () => void): Promise<void> {
  const live = [
    ...(options.down ? [forward(peer, local, options, options.management)] : []),
    ...(options.up ? [forward(local, peer, options)] : []),
  ];
  // Listening began first, so nothing is missed between the sync and the live events.
  const first = sync(local, peer, options).then((progress) => {
    begun();
    options.synced(progress);
  });
  await Promise.race([Promise.all([first, ...live]), ...live, local.connection.closed, peer.connection.closed]);
}

/** Carries new events from one relay to the other, one batch after the other. Never resolves. */
async function forward(
  from: Side,
  to: Side,
  { filters, isDry, refused }: WatchOptions,
  management?: Management,
): Promise<void> {
  const transfer = new Transfer(from, to, isDry, management);
  const seen = new Set<string>();
  let waiting: Event[] = [];
  let wake = () => {};
  const carry = async () => {
    for (;;) {
      if (waiting.length > MAX_WAITING) throw new Failure("more events come than can be carried: syncing again");
      const events = waiting;
      waiting = [];
      if (events.length > 0) {
        await transfer.put(events);
        for (const [reason, count] of Object.entries(transfer.done.refused)) refused(count, reason);
        transfer.done.refused = {};
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    }
  };
  const take = (event: Event) => {
    if (seen.has(event.id) || waiting.length > MAX_WAITING) return;
    remember(seen, event.id);
    waiting.push(event);
    wake();
  };
  const live = from.connection.request(
    filters.map((filter) => ({ ...filter, limit: 0 })),
    take,
    true,
  );
  await Promise.race([live, carry()]);
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  if (seen.size > MAX_REMEMBERED) for (const oldest of [...seen].slice(0, MAX_REMEMBERED / 2)) seen.delete(oldest);
}
