import { type ClientMessage, encode, parseClientMessage, type RelayMessage } from "../protocol/message.ts";
import { INTERNAL_ERROR, type Reason } from "../protocol/reason.ts";

/** What a client is told of a failure: the answer that its message asks for, then the NOTICE (R-06-14, R-06-15). */
export function failureOf(message: ClientMessage): RelayMessage[] {
  const refusal = refusalOf(message, INTERNAL_ERROR);
  const notice: RelayMessage = ["NOTICE", "internal error"];
  return refusal[0] === "NOTICE" ? [notice] : [refusal, notice];
}

/** The same for a frame that came while the relay could not be started, as texts to send. */
export function failureFrames(text: string): string[] {
  const parsed = parseClientMessage(text);
  return (parsed.ok ? failureOf(parsed.value) : [["NOTICE", "internal error"] satisfies RelayMessage]).map(encode);
}

/** The refusal of a message in the form that its verb asks for (R-06-04, R-06-15). */
export function refusalOf(message: ClientMessage, reason: Reason): RelayMessage {
  switch (message.verb) {
    case "EVENT":
      return ["OK", message.id, false, reason];
    case "AUTH":
      return message.id === undefined ? ["NOTICE", reason] : ["OK", message.id, false, reason];
    case "REQ":
    case "COUNT":
      return ["CLOSED", message.id, reason];
    case "NEG-OPEN":
    case "NEG-MSG":
      return ["NEG-ERR", message.id, reason];
    case "CLOSE":
    case "NEG-CLOSE":
    case "PING":
      return ["NOTICE", reason];
  }
}
