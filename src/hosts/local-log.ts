import { VANISH_KIND } from "../protocol/deletion.ts";
import type { Event } from "../protocol/event.ts";
import { type Filter, matches } from "../protocol/filter.ts";
import type { RetentionRule } from "../protocol/retention.ts";
import type { Reader } from "../protocol/visibility.ts";
import type { Clock, EventLog } from "../relay/ports.ts";
import { freesRoom } from "../store/erase/deletion.ts";
import type { EventStore } from "../store/event-store.ts";
import { countMatches } from "../store/read/count.ts";
import { collectRecords } from "../store/read/records.ts";
import { Scan, type Snapshot } from "../store/read/scan.ts";
import type { Sql } from "../store/sql.ts";
import { pagesOf, TOO_LARGE } from "./local-pages.ts";

export interface LogLimits {
  defaultLimit: number;
  maxLimit: number;
  maxCount: number;
  /** Bytes of the database beyond which only what frees room is stored. */
  maxStorage: number;
  retention: readonly RetentionRule[];
  privateKinds: ReadonlySet<number>;
  /** Whether EOSE says if that was all (NIP-67). */
  eoseHintEnabled: boolean;
}

/** Events that are being removed, besides those of who vanished: hidden until they are gone. */
export interface Erasing {
  isPending: () => boolean;
  hides: (event: Event) => boolean;
}

/** How often a set is collected in which versions were replaced meanwhile; the last one is taken as it is. */
const MAX_TRIES = 3;

/** How long changed counts wait to be saved, in milliseconds: one row for all events of that time. */
const SAVE_COUNTS_MS = 1000;

/** Who is told of what has been committed. */
export interface LogEvents {
  stored: (event: Event) => void;
  /** Somebody vanished, and there is something to erase. */
  vanishing: () => void;
}

/** The event log over the store of the same object. */
export function localLog(
  sql: Sql,
  store: EventStore,
  limits: LogLimits,
  clock: Clock,
  erasing: Erasing,
  on: LogEvents,
): EventLog {
  const { vanishing } = store;
  const hides = (event: Event) => vanishing.hides(event) || erasing.hides(event);
  const isHiding = () => vanishing.isPending || erasing.isPending();
  const snapshot = (isIntact?: () => boolean): Snapshot => ({
    head: store.head,
    recent: store.recent,
    now: clock.nowSeconds(),
    retention: limits.retention,
    get hides() {
      return isHiding() ? hides : undefined;
    },
    counts: () => store.counts.known(),
    ...(isIntact && { isIntact }),
  });
  let isArmed = false;
  // Asked once for each batch: the size is a query of its own.
  let isFull = sql.size() >= limits.maxStorage;
  const saveCountsSoon = () => {
    if (isArmed || !store.counts.dirty) return;
    isArmed = true;
    clock.soon(SAVE_COUNTS_MS, () => {
      isArmed = false;
      store.counts.save(store.head);
    });
  };
  return {
    isFull: () => isFull,
    hasRoomFor: (event) => !isFull || freesRoom(sql, event),
    known(ids) {
      // An event that waits to be erased is refused, not known (R-05-21); `append` tells which they are.
      if (isHiding()) return new Set();
      // Who knows no more than the id of a private event does not learn that it is here (R-05-29).
      return store.storedOf(ids, limits.privateKinds);
    },
    blockOf: (event) => store.blockOf(event),
    find(id) {
      const event = store.find(id);
      if (event === undefined || limits.privateKinds.has(event.kind)) return undefined;
      return isHiding() && hides(event) ? undefined : event;
    },
    async append(batch, unkept) {
      const results = store.put(batch, unkept);
      isFull = sql.size() >= limits.maxStorage;
      saveCountsSoon();
      batch.forEach(({ event }, i) => {
        if (results[i]?.outcome === "stored") on.stored(event);
      });
      if (vanishing.isPending && batch.some(({ event }) => event.kind === VANISH_KIND)) on.vanishing();
      return results;
    },
    scan(filters: readonly Filter[], reader: Reader) {
      const scan = new Scan(sql, filters, reader, limits, snapshot());
      return pagesOf(scan, store, clock, (event) => isHiding() && hides(event), limits.eoseHintEnabled);
    },
    async count(filters: readonly Filter[], reader: Reader, sketched?: string) {
      const pause = () => clock.pause();
      const watch = store.losses.watch(reader);
      const moment = () => {
        watch.isIntact = true;
        return snapshot(() => watch.isIntact);
      };
      try {
        return (await countMatches(sql, filters, reader, moment, limits.maxCount, pause, sketched)) ?? TOO_LARGE;
      } finally {
        store.losses.end(watch);
      }
    },
    async records(filter, reader, admit) {
      const watch = store.losses.watch(
        reader,
        (event, tags, loss) => loss === "superseded" && matches(filter, event, tags),
      );
      const moment = () => {
        watch.isIntact = true;
        return snapshot();
      };
      try {
        for (let tries = 1; ; tries++) {
          const found = await collectRecords(sql, filter, reader, moment, admit, () => clock.pause());
          // Of what was replaced before it was reached the set has neither version.
          const isDone = watch.isIntact || tries === MAX_TRIES || typeof found === "string";
          if (found === undefined || isDone) return found ?? TOO_LARGE;
        }
      } finally {
        store.losses.end(watch);
      }
    },
  };
}
