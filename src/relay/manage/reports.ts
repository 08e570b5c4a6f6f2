import type { Event } from "../../protocol/event.ts";
import { isHex64 } from "../../protocol/text.ts";
import type { AccessLists } from "../ports.ts";

/** Events that wait for a moderator at most; reports about others are kept as events only. */
const MAX_REPORTED = 1000;

/** Events that one report puts there at most. */
const MAX_REPORT = 10;

/** Characters of what a report says that are shown. */
const MAX_DETAIL = 200;

/** Those of these ids that are stored; private kinds are never told of. */
export type StoredOf = (ids: readonly string[]) => { has(id: string): boolean };

/**
 * A report (NIP-56) was stored: the events that it names and that are here wait for a moderator, unless one has judged
 * them already. The first report about an event is the one that is shown.
 */
export function noteReport(report: Event, lists: AccessLists, storedOf: StoredOf): void {
  const named = report.tags.filter(([name, id]) => name === "e" && isHex64(id)).slice(0, MAX_REPORT);
  const stored = storedOf(named.map(([, id = ""]) => id));
  for (const [, id = "", type = ""] of named) {
    if (!stored.has(id) || isJudged(lists, id) || lists.has("reported-event", id)) continue;
    if (lists.size("reported-event") >= MAX_REPORTED) dropGoneReports(lists, storedOf);
    if (lists.size("reported-event") >= MAX_REPORTED) return;
    const said = [type, report.content].filter((part) => part !== "").join(": ");
    lists.put("reported-event", id, said.slice(0, MAX_DETAIL).toWellFormed());
  }
}

function isJudged(lists: AccessLists, id: string): boolean {
  return lists.has("allowed-event", id) || lists.has("banned-event", id);
}

/** Events that have been deleted or have expired need no moderator. */
export function dropGoneReports(lists: AccessLists, storedOf: StoredOf): void {
  const ids = lists.entries("reported-event").map(([id]) => id);
  const stored = storedOf(ids);
  for (const id of ids) if (!stored.has(id)) lists.remove("reported-event", id);
}
