import { filterFaults, mayBeTooMuch } from "../support/model/naive-filter.ts";
import { MAX_MESSAGE_LENGTH } from "./frame-text.ts";

// Who gets which answer to a frame: sections 1.2 and 1.5 of the reference, without a look at what is asked.

/** What is on where nothing is configured. */
const SWITCHES = { and: false, search: true };

/** An answer that must come: for one of these subjects. `mayFail`: what came later may have ended it. */
export interface Demand {
  subjects: string[];
  mayFail: boolean;
}

/** M-08, R-01-14. */
const MAX_ECHOED_SUB_ID = 256;
const MAX_ECHOED_EVENT_ID = 64;
/** R-01-12. */
const MAX_SUB_ID = 64;
/** M-16. */
const MAX_NESTING = 8;

/** The answers to these frames, sent in one go. */
export function demandsOf(texts: readonly string[], isAuthed: boolean): Demand[] {
  const subjects = texts.map((text) => answerTo(text, isAuthed));
  return subjects.flatMap((own, i): Demand[] => {
    // A REQ or a sync ends without a word where its id is closed or used again (R-01-16, R-03-24, R-05-41).
    const isLater = subjects.slice(i + 1).some((later) => later.id === own.id);
    if (own.subjects.length === 0) return [];
    return [{ subjects: own.subjects, mayFail: own.isOptional || (own.id !== undefined && isLater) }];
  });
}

export interface Subjects {
  /** For one of them an answer comes; none, and nothing comes. */
  subjects: string[];
  isOptional: boolean;
  /** What later frames may end. */
  id?: string;
}

/** What answers one frame. */
export function answerTo(text: string, isAuthed: boolean): Subjects {
  if (text === "ping") return one("pong");
  if (new TextEncoder().encode(text).length > MAX_MESSAGE_LENGTH) return refusalOf(text);
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return one("NOTICE");
  }
  if (!Array.isArray(frame)) return one("NOTICE");
  const answer = typedAnswer(frame, isAuthed) ?? one("NOTICE");
  if (depthOf(frame) <= MAX_NESTING) return answer;
  return {
    ...answer,
    subjects: [...answer.subjects, "NOTICE"],
    isOptional: answer.isOptional || answer.subjects.length === 0,
  };
}

/** M-15: a frame that is too large may be no JSON behind its id; which of several ids counts is not looked at here. */
function refusalOf(text: string): Subjects {
  const [, verb = ""] = /^\s*\[\s*"([A-Z-]+)"\s*,/.exec(text) ?? [];
  const strings = /^EVENT$|^AUTH$/.test(verb) ? /"id"\s*:\s*("(?:[^"\\]|\\.)*")/g : /^[^,]*,\s*("(?:[^"\\]|\\.)*")/g;
  const ids = [...text.matchAll(strings)].flatMap(([, literal = ""]) => {
    try {
      return [JSON.parse(literal) as string];
    } catch {
      return [];
    }
  });
  const forms: Record<string, string> = { EVENT: "OK", AUTH: "OK", REQ: "CLOSED", COUNT: "CLOSED" };
  const form = forms[verb] ?? (verb.startsWith("NEG-") ? "NEG" : undefined);
  const subjects = one(...(form === undefined ? [] : ids.map((id) => `${form} ${id}`)), "NOTICE");
  return verb === "REQ" || form === "NEG"
    ? { ...subjects, id: `${form === "NEG" ? "NEG" : "REQ"} ${ids[0]}` }
    : subjects;
}

function one(...subjects: string[]): Subjects {
  return { subjects, isOptional: false };
}

/** Undefined: a NOTICE. */
function typedAnswer([verb, target, ...filters]: unknown[], isAuthed: boolean): Subjects | undefined {
  switch (verb) {
    case "EVENT":
    case "AUTH": {
      if (typeof target !== "object" || target === null || Array.isArray(target)) return undefined;
      if (verb === "AUTH" && !("id" in target)) return one("NOTICE", "OK of a computed id");
      const { id } = target as { id?: unknown };
      return typeof id === "string" && [...id].length <= MAX_ECHOED_EVENT_ID ? one(`OK ${id}`) : undefined;
    }
    case "REQ":
      if (!isSubId(target)) return undefined;
      return { ...one(...outcomes(target, filters, isAuthed, ["EOSE"])), id: `REQ ${target}` };
    case "COUNT":
      // What it may not count it refuses (R-05-31).
      return isSubId(target) ? one(...outcomes(target, filters, isAuthed, ["COUNT", "CLOSED"])) : undefined;
    case "NEG-OPEN":
    case "NEG-MSG":
      return isSubId(target) ? { ...one(`NEG ${target}`), id: `NEG ${target}` } : undefined;
    case "CLOSE":
    case "NEG-CLOSE": {
      if (typeof target !== "string" || !target.isWellFormed() || !isAuthed) return undefined;
      return { subjects: [], isOptional: true, id: `${verb === "CLOSE" ? "REQ" : "NEG"} ${target}` };
    }
    case "PING":
      return one("PONG");
  }
  return undefined;
}

/** R-03-07, R-03-08, M-08, M-09: what is wrong is refused, the rest is answered. */
function outcomes(id: string, filters: unknown[], isAuthed: boolean, answers: string[]): string[] {
  const isRefused =
    !isAuthed ||
    filters.length === 0 ||
    [...id].length > MAX_SUB_ID ||
    filters.some((filter) => filterFaults(filter, SWITCHES).length > 0);
  const all = isRefused ? ["CLOSED"] : filters.some(mayBeTooMuch) ? [...answers, "CLOSED"] : answers;
  return all.map((verb) => `${verb} ${id}`);
}

function isSubId(id: unknown): id is string {
  return typeof id === "string" && id !== "" && id.isWellFormed() && [...id].length <= MAX_ECHOED_SUB_ID;
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
