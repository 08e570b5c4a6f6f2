import { type ClientMessage, MAX_SUB_ID } from "../protocol/message.ts";
import { exceedsCharacters } from "../protocol/text.ts";

/** What a frame is to the order of its connection, and of all. */
export type Turn =
  /** Answered in some turns; a few of them at a time. */
  | "read"
  /** The same, but nothing that comes later may be begun meanwhile. */
  | "alone"
  | "other"
  /** Hardly any work: never waits for other connections. */
  | "free";

/** Work of a frame, in EVENTs. */
export const WORK: Readonly<Record<Turn, number>> = { read: 8, alone: 8, other: 1, free: 0 };

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

/** The turn of a message; undefined stands for what is none or is refused. */
export function turnOf(message: ClientMessage | undefined): Turn {
  if (message === undefined) return "other";
  // One that takes several turns does not see what its own connection sends after it (R-01-09).
  if (message.verb === "COUNT") return "alone";
  if (message.verb === "CLOSE" || message.verb === "NEG-CLOSE") return "free";
  return READS.has(message.verb) ? "read" : "other";
}
