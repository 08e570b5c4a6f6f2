import { CREDIT } from "./fair-queue.ts";

/** What a character of a frame may take, in units: one of an EVENT with many tags does. */
const WORK_OF_CHARACTER = 0.3;

/** So much is assumed of a length at most: it is not to wait for long either. */
const MAX_OF_LENGTH = 4000;

/** What a read may take that does not show that it is small: more than the head start of whoever comes after a silence. */
const LARGE = 2 * CREDIT;

/** Units of one event of an answer. */
const EVENT_WORK = 5;

/** A frame longer than this shows nothing: reading it would take too long. */
const MAX_SHOWN = 1024;

/** Ids that fit into that. */
const MAX_IDS = 16;

const READ = /^\s*\[\s*"(?:REQ|COUNT|NEG-)/;
const LIMIT = /"limit"\s*:\s*(\d{1,3})\b/;
const IDS = /"ids"\s*:/;

/**
 * What a frame may take, in units, by a look at its text. So a REQ for a few events is served before many that want all, and
 * all that a frame reads in its first step it reads at once (R-04-03).
 */
export function guessWork(text: string): number {
  return Math.min(text.length * WORK_OF_CHARACTER, MAX_OF_LENGTH) + (READ.test(text) ? guessRead(text) : 0);
}

/** Small is a REQ of one filter with a small limit, or for ids. What only seems so has its first step early, and no more. */
function guessRead(text: string): number {
  if (!text.startsWith('["REQ"') || text.length > MAX_SHOWN || text.includes("\\") || text.includes('"search"'))
    return LARGE;
  if (text.indexOf("{") !== text.lastIndexOf("{")) return LARGE;
  const first = text.indexOf('"limit"');
  if (first !== text.lastIndexOf('"limit"')) return LARGE;
  const limit = Number(LIMIT.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  const events = IDS.test(text) ? Math.min(limit, MAX_IDS) : limit;
  return Math.min(events * EVENT_WORK, LARGE);
}
