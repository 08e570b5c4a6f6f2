import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import { byOrder, hintsFor, isEmpty, isUnconfined, unionOf } from "./naive-rules.ts";

/** Defaults of reference 6.7. */
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 5000;

/**
 * R-03-10 to R-03-19: the stored events, in each choice that the reference leaves, with each EOSE that may follow them.
 * `matches` are the visible matches of each filter.
 */
export function storedAnswers(id: string, filters: Filter[], matches: Event[][]): { hint: string; frames: Frame[] }[] {
  const found = matches.map((events) => [...events].sort(byOrder));
  const limits = filters.map(({ limit }) => Math.min((limit as number | undefined) ?? DEFAULT_LIMIT, MAX_LIMIT));
  const taken = found.map((events, i) => events.slice(0, limits[i]));
  // Where the relay's own cap cuts, it should send the rest of the last second too (R-03-19).
  const extended = found.map((events, i) => {
    const last = events[(limits[i] as number) - 1];
    if (last === undefined || (filters[i]?.limit as number) <= MAX_LIMIT) return taken[i] as Event[];
    return events.filter((event, at) => at < (limits[i] as number) || event.created_at === last.created_at);
  });
  const isExtended = extended.some((events, i) => events.length !== taken[i]?.length);
  const all = unionOf(found);
  return (isExtended ? [taken, extended] : [taken]).flatMap((chosen) => {
    const sent = unionOf(chosen).sort(byOrder);
    const frames = sent.map((event): Frame => ["EVENT", id, event]);
    const [hint = "", ...unsure] = hintsFor(sent.length, all.length, filters);
    const ends: Frame[] = [["EOSE", id, [hint]], ...unsure.map((): Frame => ["EOSE", id])];
    return ends.map((end) => ({ hint, frames: [...frames, end] }));
  });
}

/** R-05-31, R-05-34: the answers that a COUNT may get. `matches` are the visible matches of each filter. */
export function countAnswers(id: string, filters: Filter[], matches: Event[][], authed: Set<string>): Frame[] {
  const unconfined = filters.filter((filter) => isUnconfined(filter, authed));
  const number: Frame = ["COUNT", id, { count: unionOf(matches).length }];
  const restricted: Frame = ["CLOSED", id, "restricted: …"];
  if (unconfined.length === 0) return [number];
  // Whether one such filter refuses its fellows, and whether an empty list confines, is left open.
  const isClear = unconfined.length === filters.length && !unconfined.some(isEmpty);
  return isClear ? [restricted] : [number, restricted];
}
