import { type ClientMessage, MAX_SUB_ID } from "../protocol/message.ts";
import { exceedsCharacters } from "../protocol/text.ts";
import type { Steps } from "../store/steps.ts";

/** A read that takes more than one step: it goes on between the frames of other connections. */
export interface Task {
  readonly message: ClientMessage;
  readonly steps: Steps<void>;
  /** Unix milliseconds. */
  readonly begunMs: number;
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
