import { type ClientMessage, encode, parseClientMessage, type RelayMessage } from "../protocol/message.ts";
import { AUTH_REQUIRED, INTERNAL_ERROR, type Reason } from "../protocol/reason.ts";
import { exceedsBytes } from "../protocol/text.ts";
import { authenticate } from "./authenticate.ts";
import type { Connection } from "./connection.ts";
import { type PublishDeps, Publisher } from "./publish.ts";
import { count, subscribe } from "./subscribe.ts";
import { Syncs } from "./sync.ts";

/** One relay: takes the frames of its connections and answers them. Knows neither the platform nor SQL. */
export class Relay {
  readonly #deps: PublishDeps;
  readonly #publisher: Publisher;
  readonly #syncs: Syncs;

  constructor(deps: PublishDeps) {
    this.#deps = deps;
    this.#publisher = new Publisher(deps);
    this.#syncs = new Syncs(deps);
  }

  /** The connection is gone: what is kept in memory for it is freed. */
  drop(connection: Connection): void {
    this.#syncs.drop(connection);
  }

  /** Serves one text frame. Never throws: a failure is answered, logged, and the connection goes on (R-06-14). */
  async receive(connection: Connection, text: string): Promise<void> {
    const { config, report } = this.#deps;
    if (exceedsBytes(text, config.maxMessageLength)) {
      return connection.send(["NOTICE", `invalid: message too large, at most ${config.maxMessageLength} bytes`]);
    }
    const parsed = parseClientMessage(text);
    const isGated = config.authRequired && !connection.isAuthenticated;
    if (!parsed.ok) return connection.send(["NOTICE", isGated ? AUTH_REQUIRED : parsed.reason]);
    const message = parsed.value;
    try {
      if (isGated && message.verb !== "AUTH" && message.verb !== "PING") {
        connection.send(refusalOf(message, AUTH_REQUIRED));
      } else {
        await this.#serve(connection, message);
      }
    } catch (error) {
      report("message failed", { connection: connection.id, verb: message.verb, error: String(error) });
      for (const frame of failureOf(message)) connection.send(frame);
    }
  }

  /** A binary frame is no message (M-14). */
  receiveBinary(connection: Connection): void {
    connection.send(["NOTICE", "invalid: binary frames are not supported"]);
  }

  async #serve(connection: Connection, message: ClientMessage): Promise<void> {
    if (message.verb === "EVENT") return this.#publisher.publish(connection, message.id, message.event);
    await this.#publisher.flush();
    switch (message.verb) {
      case "REQ":
        return subscribe(this.#deps, connection, message.id, message.filters);
      case "COUNT":
        return count(this.#deps, connection, message.id, message.filters);
      case "CLOSE":
        return this.#deps.subscriptions.close(connection, message.id);
      case "AUTH":
        return authenticate(this.#deps, connection, message.id, message.event);
      case "NEG-OPEN":
        return this.#syncs.open(connection, message.id, message.parts);
      case "NEG-MSG":
        return this.#syncs.receive(connection, message.id, message.parts);
      case "NEG-CLOSE":
        return this.#syncs.close(connection, message.id);
      case "PING":
        return connection.send(["PONG"]);
    }
  }
}

/** What a client is told of a failure: the answer that its message asks for, then the NOTICE (R-06-14, R-06-15). */
function failureOf(message: ClientMessage): RelayMessage[] {
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
function refusalOf(message: ClientMessage, reason: Reason): RelayMessage {
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
