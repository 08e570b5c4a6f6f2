import { type ClientMessage, eventId, isUsableId } from "./message.ts";
import { endOfString } from "./text.ts";

/** Characters that are looked at: the id of an event often stands behind its content. */
const MAX_LOOKED_AT = 4 << 20;

const VERB = /^\s*\[\s*"([A-Z-]{3,8})"\s*,\s*/;
/** A string as JSON has it; a longer one is no id. */
const STRING = /"(?:[^"\\]|\\.){0,3072}"/y;
const COLON = /\s*:\s*/y;

/**
 * Verb and id of a frame that is too long to be parsed: enough to refuse it in the form that its verb asks for (M-15). What is
 * inside is left out. Undefined if they cannot be read.
 */
export function unreadMessage(text: string): ClientMessage | undefined {
  const [head, verb] = VERB.exec(text) ?? [];
  if (head === undefined) return undefined;
  switch (verb) {
    case "EVENT":
    case "AUTH": {
      const id = eventId({ id: idOfObject(text, head.length) });
      return id === undefined ? undefined : { verb, id, event: {} };
    }
    case "REQ":
    case "COUNT": {
      const id = stringAt(text, head.length);
      return isUsableId(id) ? { verb, id, filters: [] } : undefined;
    }
    case "NEG-OPEN":
    case "NEG-MSG": {
      const id = stringAt(text, head.length);
      return isUsableId(id) ? { verb, id, parts: [] } : undefined;
    }
    default:
      return undefined;
  }
}

function stringAt(text: string, start: number): string | undefined {
  STRING.lastIndex = start;
  const [literal] = STRING.exec(text) ?? [];
  if (literal === undefined) return undefined;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}

/** The string that the member `id` has of the object that begins at `start`; what is nested is passed over. */
function idOfObject(text: string, start: number): string | undefined {
  if (text.charCodeAt(start) !== OPEN_BRACE) return undefined;
  let depth = 0;
  const end = Math.min(text.length, MAX_LOOKED_AT);
  for (let i = start; i < end; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const closing = endOfString(text, i);
        // A value is no `id` with a colon behind it.
        if (depth === 1 && text.startsWith('"id"', i)) {
          COLON.lastIndex = closing + 1;
          if (COLON.test(text)) return stringAt(text, COLON.lastIndex);
        }
        i = closing;
        break;
      }
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (--depth === 0) return undefined;
    }
  }
  return undefined;
}

const [QUOTE, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x7b, 0x7d, 0x5b, 0x5d];
