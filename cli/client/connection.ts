import { type RawData, WebSocket } from "ws";
import { type Event, parseEvent } from "../../src/protocol/event.ts";
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

/** How often it is asked whether the relay is still there, in milliseconds, while events are waited for. Tests shorten it. */
const PING_MS = Number(process.env.NEXUS_PING_MS ?? 30_000);

/** Bytes of one frame at most. */
const MAX_PAYLOAD = 16 << 20;

/** The event that logs a key in (NIP-42). */
export async function authEvent(signer: Signer, relay: string, challenge: string): Promise<Event> {
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

/** A client of one relay, logged in with one key. It may ask several things at a time. */
export class Connection {
  /** Characters of all messages so far. */
  readonly traffic = { sent: 0, received: 0 };
  /** Rejects when the connection ends. */
  readonly closed: Promise<never>;
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(message: Message) => void>();
  /** What fails when the connection ends. */
  readonly #unanswered = new Set<(error: unknown) => void>();
  readonly #place: Place;
  readonly #signer: Signer | undefined;
  readonly #challenged = Promise.withResolvers<string | undefined>();
  #challenge: string | undefined;
  #login: Promise<void> | undefined;
  #requests = 0;
  #heart: NodeJS.Timeout | undefined;

  private constructor(socket: WebSocket, place: Place, signer: Signer | undefined) {
    this.#socket = socket;
    this.#place = place;
    this.#signer = signer;
    this.closed = new Promise((_, reject) =>
      socket.once("close", (code, reason) =>
        reject(new Failure(`${place.url} closed the connection: ${code} ${reason}`.trimEnd())),
      ),
    );
    // A race with one lasting promise would keep every answer.
    this.closed.catch((error) => {
      for (const fail of this.#unanswered) fail(error);
    });
  }

  /**
   * Connects and, with a key, logs in. A relay that asks for no login within two seconds is taken for open; it may ask
   * later, when it refuses something, and that is then sent again.
   */
  static async open(place: Place, signer: Signer | undefined): Promise<Connection> {
    const early: RawData[] = [];
    let take = (data: RawData): unknown => early.push(data);
    const socket = await openSocket(place.url, (data) => take(data));
    const connection = new Connection(socket, place, signer);
    take = (data) => connection.#take(data);
    for (const data of early) take(data);
    if (signer === undefined) return connection;
    const { promise, resolve } = connection.#challenged;
    const timer = setTimeout(resolve, CHALLENGE_MS, undefined);
    try {
      await Promise.race([promise, connection.closed]);
      await connection.#loggedIn();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Publishes an event; says whether the relay took it, and its text. */
  async publish(event: Event, timeoutMs = TIMEOUT_MS): Promise<{ accepted: boolean; text: string }> {
    const isAnswer = ([verb, id]: Message) => verb === "OK" && id === event.id;
    const [, , ok, text] = await this.ask(["EVENT", event], isAnswer, timeoutMs);
    return { accepted: ok === true, text: String(text ?? "") };
  }

  /** Asks for events; what is none is left out. Resolves at EOSE; with `live` it rejects when the connection ends, or the relay is silent. */
  async request(filters: readonly object[], onEvent: (event: Event) => void, live = false): Promise<void> {
    if (live) this.#keepWatch();
    const name = this.#name();
    const own: (message: Message) => void = ([verb, id, value]) => {
      if (verb !== "EVENT" || id !== name) return;
      const event = parseEvent(value);
      if (event.ok) onEvent(event.value);
    };
    this.#listeners.add(own);
    try {
      const isEnd = ([verb, id]: Message) => id === name && (verb === "CLOSED" || (verb === "EOSE" && !live));
      const end = await this.ask(["REQ", name, ...filters], isEnd, live ? Number.POSITIVE_INFINITY : LONG_MS);
      if (end[0] === "CLOSED") throw new Failure(`the request is refused: ${end[2]}`);
      this.send(["CLOSE", name]);
    } finally {
      this.#listeners.delete(own);
    }
  }

  /** How many events match (NIP-45). */
  async count(filters: readonly object[]): Promise<{ count: number; approximate?: boolean }> {
    const name = this.#name();
    const isEnd = ([verb, id]: Message) => id === name && (verb === "COUNT" || verb === "CLOSED");
    const [verb, , answer] = await this.ask(["COUNT", name, ...filters], isEnd);
    if (verb === "CLOSED") throw new Failure(`the request is refused: ${answer}`);
    const { count } = (answer ?? {}) as { count?: unknown };
    if (!Number.isSafeInteger(count)) throw new Failure(`${this.#place.url} answers with no count`);
    return answer as { count: number; approximate?: boolean };
  }

  close(): void {
    this.#socket.close();
  }

  send(message: Message): void {
    const text = JSON.stringify(message);
    this.traffic.sent += text.length;
    this.#socket.send(text);
  }

  /**
   * Sends a message; resolves to the next one that `isWanted`. A refusal for want of a login is followed by one, where
   * the relay has asked for it, and the message is sent again. Infinity waits however long.
   */
  async ask(question: Message, isWanted: (message: Message) => boolean, timeoutMs = TIMEOUT_MS): Promise<Message> {
    const answer = await this.#ask(question, isWanted, timeoutMs);
    const isLoginWanted = answer.some((part) => typeof part === "string" && part.startsWith("auth-required:"));
    if (!isLoginWanted || this.#login !== undefined || !(await this.#loggedIn())) return answer;
    return this.#ask(question, isWanted, timeoutMs);
  }

  async #ask(question: Message, isWanted: (message: Message) => boolean, timeoutMs = TIMEOUT_MS): Promise<Message> {
    if (this.#socket.readyState !== WebSocket.OPEN) await this.closed;
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const listener = (message: Message) => {
      if (isWanted(message)) resolve(message);
    };
    const late = () => reject(new Failure(`${this.#place.url} gives no answer within ${timeoutMs / 1000} seconds`));
    const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, timeoutMs);
    this.#listeners.add(listener);
    this.#unanswered.add(reject);
    try {
      this.send(question);
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#unanswered.delete(reject);
      this.#listeners.delete(listener);
    }
  }

  #take(data: RawData): void {
    const text = String(data);
    this.traffic.received += text.length;
    const message = parseMessage(text);
    if (message === undefined) return;
    if (message[0] === "AUTH") {
      this.#challenge = String(message[1]);
      this.#challenged.resolve(this.#challenge);
    }
    for (const listener of this.#listeners) listener(message);
  }

  /** Answers the challenge once; false without a challenge or a key. */
  async #loggedIn(): Promise<boolean> {
    if (this.#signer === undefined || this.#challenge === undefined) return false;
    this.#login ??= this.#answer(this.#signer, this.#challenge);
    await this.#login;
    return true;
  }

  async #answer(signer: Signer, challenge: string): Promise<void> {
    const event = await authEvent(signer, this.#place.name, challenge);
    const [, , ok, text] = await this.#ask(["AUTH", event], ([verb, id]) => verb === "OK" && id === event.id);
    if (ok !== true) throw new Failure(`the login is refused: ${text}`);
  }

  /** Ends the connection when the relay is no longer there: a lost network tells nobody. */
  #keepWatch(): void {
    if (this.#heart !== undefined) return;
    let isAlive = true;
    this.#socket.on("pong", () => {
      isAlive = true;
    });
    this.#heart = setInterval(() => {
      if (!isAlive) return this.#socket.terminate();
      isAlive = false;
      this.#socket.ping();
    }, PING_MS);
    this.#socket.once("close", () => clearInterval(this.#heart));
  }

  /** A name that no other request of this connection has. */
  #name(): string {
    return `nexus-${++this.#requests}`;
  }
}
