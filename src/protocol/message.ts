import { type Reason, refuse } from "./reason.ts";
import { exceedsCharacters, withoutDepths } from "./text.ts";

/** A frame from a client, parsed as far as its verb and its id; nothing inside is trusted yet (reference 1.2). */
export type ClientMessage =
  | { verb: "EVENT"; id: string; event: unknown }
  | { verb: "AUTH"; id: string | undefined; event: object }
  | { verb: "REQ" | "COUNT"; id: string; filters: unknown[] }
  | { verb: "CLOSE" | "NEG-CLOSE"; id: string }
  | { verb: "NEG-OPEN" | "NEG-MSG"; id: string; parts: unknown[] }
  | { verb: "PING" };

/** A frame that no message can be made of. The answer is a NOTICE, unless `message` has verb and id of it. */
export type Unreadable = { ok: false; reason: Reason; message?: ClientMessage | undefined };

/** Ids longer than this are not echoed (M-08, R-01-14). */
const MAX_ECHOED_SUB_ID = 256;
const MAX_ECHOED_EVENT_ID = 64;

/** Longest legal subscription id, in code points (R-01-12). */
export const MAX_SUB_ID = 64;

/** Parses a text frame (reference 1.1, 1.5). The caller has bounded its length. */
export function parseClientMessage(text: string): { ok: true; value: ClientMessage } | Unreadable {
  const frame = parseJson(withoutDepths(text));
  if (frame === undefined) return refuse("invalid: not JSON");
  if (!Array.isArray(frame)) return refuse("invalid: not a JSON array");
  const verb = frame[0];
  if (typeof verb !== "string") return refuse("invalid: the first element must be a string");
  const message = read(verb, frame);
  if (typeof message === "string") return refuse(message);
  return { ok: true, value: message };
}

const V8_ERROR: { stackTraceLimit: number } = Error as ErrorConstructor & { stackTraceLimit: number };

/** Undefined if it is not JSON: without a stack trace, which takes three times as long as all else. */
function parseJson(text: string): unknown {
  const { stackTraceLimit } = V8_ERROR;
  V8_ERROR.stackTraceLimit = 0;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  } finally {
    V8_ERROR.stackTraceLimit = stackTraceLimit;
  }
}

function read(verb: string, frame: unknown[]): ClientMessage | Reason {
  const target = frame[1];
  switch (verb) {
    case "EVENT": {
      const id = eventId(target);
      if (id === undefined) return "invalid: EVENT needs an event with an id";
      return { verb, id, event: target };
    }
    case "AUTH": {
      if (typeof target !== "object" || target === null || Array.isArray(target)) {
        return "invalid: AUTH needs an event";
      }
      const id = eventId(target);
      if (id === undefined && "id" in target) return "invalid: AUTH needs an event with an id of 64 hex digits";
      return { verb, id, event: target };
    }
    case "REQ":
    case "COUNT":
      return isUsableId(target) ? { verb, id: target, filters: frame.slice(2) } : badId(verb);
    case "CLOSE":
    case "NEG-CLOSE":
      return typeof target === "string" && target.isWellFormed() ? { verb, id: target } : badId(verb);
    case "NEG-OPEN":
    case "NEG-MSG":
      return isUsableId(target) ? { verb, id: target, parts: frame.slice(2) } : badId(verb);
    case "PING":
      return { verb };
    default:
      return `unsupported: unknown message ${JSON.stringify(verb.slice(0, 20).toWellFormed())}`;
  }
}

function badId(verb: string): Reason {
  return `invalid: ${verb} needs an id, a string of 1 to ${MAX_SUB_ID} characters`;
}

/** The id of an event, if it may be echoed (R-01-14). */
export function eventId(event: unknown): string | undefined {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return undefined;
  const id = (event as { id?: unknown }).id;
  return typeof id === "string" && !exceedsCharacters(id, MAX_ECHOED_EVENT_ID) ? id : undefined;
}

/** Whether a value is an id that may be echoed (M-08). */
export function isUsableId(id: unknown): id is string {
  return typeof id === "string" && id !== "" && id.isWellFormed() && !exceedsCharacters(id, MAX_ECHOED_SUB_ID);
}

/** A frame from the relay (reference 1.3) that is not sent by concatenation. */
export type RelayMessage =
  | ["AUTH", challenge: string]
  | ["OK", id: string, accepted: boolean, text: string]
  | ["EOSE", id: string]
  | ["EOSE", id: string, hint: string[]]
  | ["CLOSED", id: string, reason: Reason]
  | ["COUNT", id: string, result: { count: number; approximate?: boolean; hll?: string }]
  | ["NOTICE", text: string]
  | ["NEG-MSG", id: string, hex: string]
  | ["NEG-ERR", id: string, reason: Reason]
  | ["NEG-ERR", id: string, reason: Reason, maxRecords: number]
  | ["PONG"];

export function encode(message: RelayMessage): string {
  // A megabyte of digits has nothing to escape.
  if (message[0] === "NEG-MSG") return `["NEG-MSG",${JSON.stringify(message[1])},"${message[2]}"]`;
  return JSON.stringify(message);
}
