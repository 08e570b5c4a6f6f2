import type { Frame } from "../support/client.ts";
import type { Signer } from "../support/model/drafts.ts";
import { authDraft } from "../support/model/session-frames.ts";
import type { Message } from "../support/model/steps.ts";
import type { Party } from "./judge/party.ts";
import type { Referee } from "./judge/referee.ts";

/** The frame that a client sends for a message. */
export function frameOf(message: Message, party: Party, { syncs, oracle }: Referee, signer: Signer): Frame {
  switch (message.verb) {
    case "EVENT":
      return ["EVENT", signer.sign(message.draft)];
    case "REQ":
    case "COUNT":
      return [message.verb, message.id, ...message.filters];
    case "CLOSE":
    case "NEG-CLOSE":
      return [message.verb, message.id];
    case "NEG-OPEN": {
      const id = syncs.unused(message.on, message.id);
      const opening = syncs.open(message.on, id, message.records);
      return ["NEG-OPEN", id, message.filter, message.fault ?? opening];
    }
    case "NEG-MSG":
      return ["NEG-MSG", message.id, message.fault ?? syncs.next(message.on, message.id)];
    case "AUTH": {
      const { challenge } = party.connection;
      const answered = message.fault === "challenge" ? `not ${challenge}` : challenge;
      const draft = authDraft(message.by, answered, oracle.now);
      return ["AUTH", signer.signLogin(message.fault === "sig" ? { ...draft, fault: "sig" } : draft)];
    }
  }
}
