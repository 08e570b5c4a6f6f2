import { type Event, kindOfRaw, timeOfRaw } from "../../protocol/event.ts";
import { isMixed, oldestKept, type RetentionRule, retentionOfEvent } from "../../protocol/retention.ts";
import { STEP } from "../../protocol/work.ts";
import type { Sql } from "../sql.ts";
import type { Steps } from "../steps.ts";

/** Characters of events in one page at most, but for the last of them; and events that one page looks at. */
const MAX_CHARACTERS = 1 << 20;
const MAX_LOOKED_AT = 10_000;

/** Events that one statement reads at most. */
const READ_AT_ONCE = 250;

/** Stored events in the order of their positions. */
export interface ArchivePage {
  /** Canonical JSON of each. */
  raws: string[];
  /** Position up to which everything was looked at. */
  position: number;
  /** There was nothing behind it when this page was read. */
  isLast: boolean;
}

/** What of the store an archive leaves out. */
export interface ArchiveRules {
  now: number;
  retention: readonly RetentionRule[];
  /** Kinds that are left out. */
  except: ReadonlySet<number>;
  /** Undefined while nothing is hidden. */
  hides(): ((event: Event) => boolean) | undefined;
}

/**
 * A page of all that is stored behind a position, whoever may read it: for an operator who keeps an archive (R-05-77). What is hidden,
 * expired or past its retention is left out, as everywhere.
 */
export function* archivePage(sql: Sql, after: number, rules: ArchiveRules): Steps<ArchivePage> {
  const page: ArchivePage = { raws: [], position: after, isLast: false };
  let characters = 0;
  let looked = 0;
  while (characters < MAX_CHARACTERS && looked < MAX_LOOKED_AT) {
    const end = sql.meter.spent + STEP;
    const hides = rules.hides();
    let read = 0;
    let isCut = false;
    sql.each(
      `SELECT seq, raw, expiration FROM event WHERE seq > ?1 ORDER BY seq LIMIT ${READ_AT_ONCE}`,
      [page.position],
      (row) => {
        const [position, raw, expiration] = row as [number, string, number | null];
        read++;
        page.position = position;
        if (!(expiration !== null && expiration <= rules.now) && isKept(raw, rules, hides)) {
          page.raws.push(raw);
          characters += raw.length;
        }
        isCut = characters >= MAX_CHARACTERS || sql.meter.spent >= end;
        return !isCut;
      },
    );
    looked += read;
    if (!isCut && read < READ_AT_ONCE) {
      page.isLast = true;
      break;
    }
    yield;
  }
  return page;
}

function isKept(
  raw: string,
  { now, retention, except }: ArchiveRules,
  hides: ReturnType<ArchiveRules["hides"]>,
): boolean {
  const kind = kindOfRaw(raw);
  if (except.has(kind)) return false;
  if (timeOfRaw(raw) < oldestKept(retention, kind, now)) {
    if (!isMixed(retention, kind)) return false;
    if (retentionOfEvent(retention, JSON.parse(raw) as Event) !== undefined) return false;
  }
  return hides === undefined || !hides(JSON.parse(raw) as Event);
}
