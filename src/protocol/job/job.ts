import type { Event } from "../event.ts";
import type { Reason } from "../reason.ts";
import { exceedsObjects, isHex64 } from "../text.ts";
import { FEEDBACK_KIND, type JobRole, PROFILES, profileOfRequest, roleOfKind } from "./profile.ts";

/** NIP-89: what jobs a handler does. */
export const HANDLER_KIND = 31990;

/** How well formed events about jobs must be (reference 7.3). */
export type JobLevel = "off" | "standard" | "strict";

/** The stored event of an id, if there is one. */
export type FindEvent = (id: string) => Event | undefined;

/** The role that an event has by its kind and its shape. Others use these kinds too, such as zap polls 6969 (R-07-02). */
export function jobRole(event: Event, profiles = PROFILES): JobRole | undefined {
  const role = roleOfKind(event.kind, profiles);
  if (role === undefined) return undefined;
  const has = (name: string) => first(event, name) !== undefined;
  if (role === "request") {
    const known = profileOfRequest(event.kind, profiles)?.requestTags;
    const isOne = known === undefined || event.tags.length === 0 || event.tags.some(([name = ""]) => known.has(name));
    return isOne ? role : undefined;
  }
  // A reply that is a poll has them too.
  const isAnswer = checkAnswer(event) === undefined && !has("poll_option");
  return isAnswer || has(role === "result" ? "request" : "status") ? role : undefined;
}

/**
 * What an event about jobs lacks, by the table of reference 7.3; undefined for every other event. `strict` takes every event
 * of these kinds for one. Only `strict` looks at the request of a result, if it is stored (R-07-03). What is encrypted is
 * not looked into (R-07-06).
 */
export function checkJob(event: Event, level: JobLevel, find: FindEvent): Reason | undefined {
  if (level === "off") return undefined;
  const isStrict = level === "strict";
  if (event.kind === HANDLER_KIND) return checkHandler(event, isStrict);
  switch (isStrict ? roleOfKind(event.kind) : jobRole(event)) {
    case "request":
      return isStrict ? checkRequest(event) : undefined;
    case "result":
      return checkAnswer(event) ?? (isStrict ? checkResult(event, find) : undefined);
    case "feedback":
      return checkAnswer(event, find) ?? checkFeedback(event, isStrict);
  }
  return undefined;
}

const INPUT_TYPES: ReadonlySet<string | undefined> = new Set(["url", "event", "job", "text"]);
const STATUSES: ReadonlySet<string | undefined> = new Set([
  "payment-required",
  "processing",
  "error",
  "success",
  "partial",
]);

function checkRequest(event: Event): Reason | undefined {
  const inputs = all(event, "i");
  if (!inputs.every((tag) => INPUT_TYPES.has(tag[2])))
    return "invalid: an i tag needs the type url, event, job or text";
  const isEncrypted = first(event, "encrypted") !== undefined;
  if (inputs.length === 0 && !isEncrypted) return "invalid: an i tag or an encrypted tag is missing";
  if (isEncrypted && (first(event, "p") === undefined || event.content === "")) {
    return "invalid: an encrypted request needs a p tag and a content";
  }
  return checkNumber(event, "bid");
}

/** Kinds of jobs that one handler is on record for at most. */
const MAX_HANDLED = 50;

/** The kinds of requests that a handler says it answers: 50 at most (NIP-89). */
export function handledKinds(handler: Event, profiles = PROFILES): number[] {
  const kinds = new Set<number>();
  for (const value of values(handler, "k")) {
    const kind = isDecimal(value) ? Number(value) : Number.NaN;
    if (profileOfRequest(kind, profiles) !== undefined) kinds.add(kind);
    if (kinds.size === MAX_HANDLED) break;
  }
  return [...kinds];
}

/** What results and feedback have in common. With `find` a stored request says who the customer is, if nothing else does. */
function checkAnswer(event: Event, find?: FindEvent): Reason | undefined {
  if (!values(event, "e").some(isHex64)) return "invalid: an e tag with the id of the request is missing";
  if (values(event, "p").some(isHex64)) return undefined;
  const id = requestInstead(event);
  const request = id === undefined ? undefined : find?.(id);
  if (request !== undefined && jobRole(request) === "request") return undefined;
  return "invalid: a p tag with the key of the customer is missing";
}

/** The id of the request that says who the customer is, where feedback does not: only the first is looked up. */
export function requestInstead(event: Event): string | undefined {
  if (event.kind !== FEEDBACK_KIND || values(event, "p").some(isHex64)) return undefined;
  return values(event, "e").find(isHex64);
}

function checkResult(event: Event, find: FindEvent): Reason | undefined {
  const id = idIn(first(event, "request")?.[1] ?? "");
  if (!isHex64(id) || !values(event, "e").includes(id)) return "invalid: a request tag with the request is missing";
  const request = find(id);
  if (request !== undefined && event.kind !== request.kind + 1000) {
    return "invalid: the kind is not that of the request plus 1000";
  }
  if (request !== undefined && !values(event, "p").includes(request.pubkey)) {
    return "invalid: no p tag is the author of the request";
  }
  const isEncrypted = [event, request].some((one) => one !== undefined && first(one, "encrypted") !== undefined);
  if (isEncrypted && first(event, "i") !== undefined) return "invalid: an encrypted result has no i tag";
  return checkNumber(event, "amount");
}

function checkFeedback(event: Event, isStrict: boolean): Reason | undefined {
  const status = first(event, "status")?.[1];
  if (!STATUSES.has(status)) {
    return "invalid: a status tag with payment-required, processing, error, success or partial is missing";
  }
  const amount = first(event, "amount");
  const isBill = status === "payment-required";
  if (isBill && !isDecimal(amount?.[1])) return "invalid: an amount tag with millisatoshis is missing";
  if (isBill && isStrict && !amount?.[2]?.startsWith("ln")) return "invalid: an invoice in the amount tag is missing";
  return isStrict ? checkNumber(event, "amount") : undefined;
}

function checkHandler(event: Event, isStrict: boolean): Reason | undefined {
  if (first(event, "d") === undefined) return "invalid: a d tag is missing";
  const kinds = all(event, "k").flatMap((tag) => tag.slice(1, 2));
  if (kinds.length === 0) return "invalid: a k tag is missing";
  if (!isStrict) return undefined;
  if (!kinds.every((kind) => isDecimal(kind) && Number(kind) <= 65_535)) return "invalid: a k tag is not a kind";
  return event.content === "" || isObject(parsed(event.content))
    ? undefined
    : "invalid: the content is not a JSON object";
}

function checkNumber(event: Event, name: "amount" | "bid"): Reason | undefined {
  const tag = first(event, name);
  return tag === undefined || isDecimal(tag[1]) ? undefined : `invalid: the ${name} tag is not in millisatoshis`;
}

function all(event: Event, name: string): string[][] {
  return event.tags.filter((tag) => tag[0] === name);
}

function values(event: Event, name: string): (string | undefined)[] {
  return all(event, name).map((tag) => tag[1]);
}

function first(event: Event, name: string): string[] | undefined {
  return event.tags.find((tag) => tag[0] === name);
}

function isDecimal(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,19}$/.test(text);
}

function idIn(json: string): unknown {
  const value = parsed(json);
  return isObject(value) ? (value as Record<string, unknown>).id : undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(json: string): unknown {
  if (exceedsObjects(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
