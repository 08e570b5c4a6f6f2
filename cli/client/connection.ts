import { type RawData, WebSocket } from "ws";
import type { Event } from "../../src/protocol/event.ts";
import { AUTH_KIND } from "../../src/protocol/kind.ts";
import { Failure, messageOf } from "../failure.ts";
import type { Signer } from "./crypto.ts";
import type { Place } from "./place.ts";

/** One message of a relay. */
export type Message = [verb: string, ...rest: unknown[]];

/** How long a relay may take to open a connection or to answer, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** How long the stored events of one request may take, in milliseconds. */
const LONG_MS = 120_000;

/** How long a client waits for a challenge, in milliseconds: relays that need no login send none. */
const CHALLENGE_MS = 2000;

/** Bytes of one frame at most. */
const MAX_PAYLOAD = 16 << 20;

/** The event that logs a key in (NIP-42). */
export function authEvent(signer: Signer, relay: string, challenge: string): Event {
  const tags = [
    ["relay", relay],
    ["challenge", challenge],
  ];
  return signer.sign({ kind: AUTH_KIND, tags });
}

/** One message from its frame; undefined for what is none. */
export function parseMessage(data: RawData | string): Message | undefined {
  try {
    const value: unknown = JSON.parse(String(data));
    return Array.isArray(value) && typeof value[0] === "string" ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Opens a socket to a relay. A refused one rejects with what the relay says. The first message may come with the answer
 * to the upgrade, so who wants messages has to say so here.
 */
export function openSocket(url: string, onMessage: (data: RawData, isBinary: boolean) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, {
    handshakeTimeout: TIMEOUT_MS,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
  });
  socket.on("message", onMessage);
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.on("error", (error) => reject(new Failure(`no relay answers at ${url}: ${messageOf(error)}`)));
    socket.once("unexpected-response", (_, response) => {
      reject(new Failure(`${url} refuses the WebSocket: HTTP ${response.statusCode} ${response.statusMessage}`));
      socket.terminate();
    });
  });
}

/** A client of one relay: it logs in, and then asks one thing after the other. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #listeners: Set<(message: Message) => void>;
  readonly #closed: Promise<never>;

  private constructor(socket: WebSocket, listeners: Set<(message: Message) => void>) {
    this.#socket = socket;
    this.#listeners = listeners;
    this.#closed = new Promise((_, reject) =>
      socket.once("close", (code, reason) => reject(new Failure(`the relay closed the connection: ${code} ${reason}`))),
    );
    this.#closed.catch(() => {});
  }

  /** Connects and, with a key, logs in. */
  static async open({ url, name }: Place, signer: Signer | undefined): Promise<Connection> {
    const listeners = new Set<(message: Message) => void>();
    const challenged = Promise.withResolvers<string | undefined>();
    const socket = await openSocket(url, (data) => {
      const message = parseMessage(data);
      if (message?.[0] === "AUTH") challenged.resolve(String(message[1]));
      if (message !== undefined) for (const listener of listeners) listener(message);
    });
    const connection = new Connection(socket, listeners);
    if (signer === undefined) return connection;
    const timer = setTimeout(challenged.resolve, CHALLENGE_MS, undefined);
    const challenge = await Promise.race([challenged.promise, connection.#closed]).finally(() => clearTimeout(timer));
    if (challenge === undefined) return connection;
    const event = authEvent(signer, name, challenge);
    try {
      const [, , ok, text] = await connection.#ask(["AUTH", event], ([verb, id]) => verb === "OK" && id === event.id);
      if (ok !== true) throw new Failure(`the login is refused: ${text}`);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Publishes an event; says whether the relay took it, and its text. */
  async publish(event: Event): Promise<{ accepted: boolean; text: string }> {
    const [, , ok, text] = await this.#ask(["EVENT", event], ([verb, id]) => verb === "OK" && id === event.id);
    return { accepted: ok === true, text: String(text) };
  }

  /** Asks for events. Resolves at EOSE, or with `live` when the connection ends. */
  async request(filters: readonly object[], onEvent: (event: Event) => void, live = false): Promise<void> {
    const own: (message: Message) => void = ([verb, id, event]) => {
      if (verb === "EVENT" && id === SUBSCRIPTION) onEvent(event as Event);
    };
    this.#listeners.add(own);
    try {
      const isEnd = ([verb, id]: Message) => id === SUBSCRIPTION && (verb === "CLOSED" || (verb === "EOSE" && !live));
      const end = await this.#ask(["REQ", SUBSCRIPTION, ...filters], isEnd, live ? Number.POSITIVE_INFINITY : LONG_MS);
      if (end[0] === "CLOSED") throw new Failure(`the request is refused: ${end[2]}`);
      this.#send(["CLOSE", SUBSCRIPTION]);
    } finally {
      this.#listeners.delete(own);
    }
  }

  /** How many events match (NIP-45). */
  async count(filters: readonly object[]): Promise<{ count: number; approximate?: boolean }> {
    const isEnd = ([verb, id]: Message) => id === SUBSCRIPTION && (verb === "COUNT" || verb === "CLOSED");
    const [verb, , answer] = await this.#ask(["COUNT", SUBSCRIPTION, ...filters], isEnd);
    if (verb === "CLOSED") throw new Failure(`the request is refused: ${answer}`);
    return answer as { count: number; approximate?: boolean };
  }

  close(): void {
    this.#socket.close();
  }

  #send(message: Message): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** Sends a message; resolves to the next one that `isWanted`. Infinity waits however long. */
  async #ask(question: Message, isWanted: (message: Message) => boolean, timeoutMs = TIMEOUT_MS): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const listener = (message: Message) => {
      if (isWanted(message)) resolve(message);
    };
    const late = () => reject(new Failure(`the relay gives no answer within ${timeoutMs / 1000} seconds`));
    const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, timeoutMs);
    this.#listeners.add(listener);
    try {
      this.#send(question);
      return await Promise.race([promise, this.#closed]);
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }
}

/** Name of the one subscription that a command has. */
const SUBSCRIPTION = "nexus";
