import { type ClientMessage, MAX_SUB_ID } from "../protocol/message.ts";
import { exceedsCharacters } from "../protocol/text.ts";
import type { Steps } from "../store/steps.ts";
import { CREDIT } from "./fair-queue.ts";

/** A read that takes more than one step: it goes on between the frames of other connections. */
export interface Task {
  readonly message: ClientMessage;
  readonly steps: Steps<void>;
  /** Unix milliseconds. */
  readonly begunMs: number;
  /** What its first step may take, in units; 0 once that is done. */
  firstWork: number;
}

/** A read that is guessed to take no more, in units, is begun in the step that takes its frame. */
export const LITTLE = 200;

/** So much is guessed at most: more than the head start of whoever comes after a silence. */
const MOST = 2 * CREDIT;

/** Units of one event of an answer. */
const EVENT_WORK = 5;

/** What the first step of a read may take, in units: a REQ for a few events does not wait for many that want all. */
export function guessOf(message: ClientMessage): number {
  if (message.verb !== "REQ") return READS.has(message.verb) ? MOST : 0;
  let events = 0;
  for (const filter of message.filters) {
    const { ids, limit, search } = (filter ?? {}) as Record<string, unknown>;
    const wanted = Array.isArray(ids) ? ids.length : Number.POSITIVE_INFINITY;
    events += typeof limit === "number" && search === undefined ? Math.min(limit, wanted) : wanted;
    if (!(events * EVENT_WORK < MOST)) return MOST;
  }
  return Math.max(0, events * EVENT_WORK);
}

/** Messages by which a connection learns what is stored. */
export const READS: ReadonlySet<string> = new Set(["REQ", "COUNT", "NEG-OPEN", "NEG-MSG"]);

/** What a message opens, goes on with or closes; undefined if that is nothing, or too long to be open. */
export function subjectOf(message: ClientMessage | undefined): string | undefined {
  switch (message?.verb) {
    case "REQ":
    case "CLOSE":
      return exceedsCharacters(message.id, MAX_SUB_ID) ? undefined : `REQ ${message.id}`;
    case "NEG-OPEN":
    case "NEG-MSG":
    case "NEG-CLOSE":
      return exceedsCharacters(message.id, MAX_SUB_ID) ? undefined : `NEG ${message.id}`;
    default:
      return undefined;
  }
}
