import { type RawData, WebSocket } from "ws";
import { authEvent, type Message, openSocket, parseMessage } from "../client/connection.ts";
import type { Signer } from "../client/crypto.ts";
import type { Place } from "../client/place.ts";
import { messageOf } from "../failure.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Characters that wait on one side before the other side is read no further. */
const MAX_WAITING = 8 << 20;

/** Frames that wait for a login before the client is read no further. */
const MAX_HELD = 1000;

/** How long a relay may take to ask for a login, in milliseconds; one that does not is open. */
const CHALLENGE_MS = 2000;

/** Between two tries to reach the relay, in milliseconds: doubled each time. */
const RETRY = { first: 100, max: 30_000 };

/** A connection that held so long was a good one, in milliseconds. */
const LASTING_MS = 10_000;

/** How often it is asked whether the relay is still there, in milliseconds. */
const PING_MS = 30_000;

/** Bytes of the reason of a Close at most: 123, and a character that was cut becomes one of three bytes. */
const MAX_REASON = 120;

type Frame = string | Buffer;

/** What every session of a proxy has. */
export interface SessionDeps {
  place: Place;
  signer: Signer;
  report(text: string): void;
}

/** One client of the proxy, and its own connection to the relay, which is logged in. */
export class Session {
  readonly #down: WebSocket;
  readonly #deps: SessionDeps;
  readonly #subscriptions = new Subscriptions();
  /** Frames of the client that wait until the relay has logged it in. */
  #held: Frame[] = [];
  #heldSize = 0;
  /** EVENT and COUNT that have no answer yet: sent again after a loss. */
  readonly #unanswered = new Map<string, string>();
  #unansweredSize = 0;
  readonly #syncs = new Set<unknown>();
  #up: WebSocket | undefined;
  #isReady = false;
  #lostAt: number | undefined;
  #readyAt = 0;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(down: WebSocket, deps: SessionDeps) {
    this.#down = down;
    this.#deps = deps;
    down.on("message", (data, isBinary) => this.#fromClient(frameOf(data, isBinary)));
    down.on("error", () => {});
    down.on("close", () => {
      clearTimeout(this.#timer);
      this.#up?.close();
    });
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const login = { id: "" };
    let challenged = false;
    try {
      const up = await openSocket(this.#deps.place.url, (data, isBinary) => {
        const frame = frameOf(data, isBinary);
        const message = parseMessage(frame);
        if (message?.[0] === "AUTH") {
          challenged = true;
          this.#isReady = false;
          authEvent(this.#deps.signer, this.#deps.place.name, String(message[1])).then(
            (event) => {
              login.id = event.id;
              // The first challenge may be here before the socket is.
              queueMicrotask(() => this.#up?.send(JSON.stringify(["AUTH", event])));
            },
            (error) => {
              this.#deps.report(messageOf(error));
              this.#up?.close();
            },
          );
        } else if (message?.[0] === "OK" && message[1] === login.id) this.#loggedIn(message);
        else this.#fromRelay(frame, message);
      });
      if (this.#down.readyState !== WebSocket.OPEN) return up.close();
      this.#up = up;
      let isAlive = true;
      up.on("pong", () => {
        isAlive = true;
      });
      const heart = setInterval(() => {
        if (!isAlive) return up.terminate();
        isAlive = false;
        up.ping();
      }, PING_MS);
      up.once("close", () => {
        clearInterval(heart);
        this.#lost();
      });
      this.#timer = setTimeout(() => {
        if (!challenged) this.#ready();
      }, CHALLENGE_MS);
    } catch (error) {
      if (this.#tries === 0) this.#deps.report(messageOf(error));
      this.#retry();
    }
  }

  #loggedIn([, , ok, text]: Message): void {
    if (ok === true) return this.#ready();
    const reason = `the login is refused: ${text}`;
    this.#deps.report(reason);
    this.#down.close(1008, String(Buffer.from(reason).subarray(0, MAX_REASON)));
  }

  /** What the client had open comes back, and what it has sent meanwhile goes on. */
  #ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#readyAt = Date.now();
    if (this.#lostAt !== undefined) {
      for (const request of this.#subscriptions.resumed(this.#lostAt)) this.#send(JSON.stringify(request));
      for (const frame of this.#unanswered.values()) this.#send(frame);
      this.#lostAt = undefined;
      this.#deps.report("the relay is back");
    }
    const held = this.#held;
    this.#held = [];
    this.#heldSize = 0;
    for (const frame of held) this.#forward(frame);
    this.#down.resume();
  }

  #lost(): void {
    if (this.#up !== undefined && this.#lostAt === undefined) this.#lostAt = Math.floor(Date.now() / 1000);
    this.#up = undefined;
    // A relay that ends each connection at once is not asked in a hurry.
    if (this.#isReady && Date.now() - this.#readyAt > LASTING_MS) this.#tries = 0;
    this.#isReady = false;
    clearTimeout(this.#timer);
    if (this.#down.readyState !== WebSocket.OPEN) return;
    this.#deps.report("the connection to the relay is lost");
    // A sync cannot go on elsewhere.
    for (const id of this.#syncs) this.#down.send(JSON.stringify(["NEG-ERR", id, "closed: the connection was lost"]));
    this.#syncs.clear();
    this.#retry();
  }

  #retry(): void {
    if (this.#down.readyState !== WebSocket.OPEN) return;
    const delay = Math.min(RETRY.first * 2 ** this.#tries++, RETRY.max);
    this.#timer = setTimeout(() => void this.#connect(), delay * (0.5 + Math.random() / 2));
  }

  #fromClient(frame: Frame): void {
    if (this.#isReady) return this.#forward(frame);
    this.#held.push(frame);
    this.#heldSize += frame.length;
    if (this.#held.length >= MAX_HELD || this.#heldSize > MAX_WAITING) this.#down.pause();
  }

  #forward(frame: Frame): void {
    const message = parseMessage(frame);
    if (message?.[0] === "AUTH") {
      const { id } = (message[1] ?? {}) as { id?: unknown };
      return this.#down.send(JSON.stringify(["OK", id ?? "", false, "restricted: the proxy logs in with its own key"]));
    }
    if (message !== undefined) {
      this.#subscriptions.asked(message);
      if (message[0] === "EVENT" || message[0] === "COUNT") this.#remember(keyOf(message), String(frame));
      if (message[0] === "NEG-OPEN") this.#syncs.add(message[1]);
      if (message[0] === "NEG-CLOSE") this.#syncs.delete(message[1]);
    }
    this.#send(frame);
  }

  #fromRelay(frame: Frame, message: Message | undefined): void {
    if (message !== undefined) {
      if (!this.#subscriptions.passes(message)) return;
      if (["OK", "COUNT", "CLOSED"].includes(message[0])) this.#forget(keyOf(message));
      if (message[0] === "NEG-ERR") this.#syncs.delete(message[1]);
    }
    const up = this.#up;
    this.#down.send(frame, () => {
      if (up?.isPaused && this.#down.bufferedAmount < MAX_WAITING / 2) up.resume();
    });
    if (this.#down.bufferedAmount > MAX_WAITING) up?.pause();
  }

  #send(frame: Frame): void {
    const up = this.#up;
    up?.send(frame, () => {
      if (this.#isReady && this.#down.isPaused && up.bufferedAmount < MAX_WAITING / 2) this.#down.resume();
    });
    if ((up?.bufferedAmount ?? 0) > MAX_WAITING) this.#down.pause();
  }

  #remember(key: string, frame: string): void {
    this.#forget(key);
    this.#unanswered.set(key, frame);
    this.#unansweredSize += frame.length;
    for (const oldest of this.#unanswered.keys()) {
      if (this.#unansweredSize <= MAX_WAITING) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#unansweredSize -= this.#unanswered.get(key)?.length ?? 0;
    this.#unanswered.delete(key);
  }
}

/** By what a question and its answer are known: the id of the event, or of the count. */
function keyOf([verb, value]: Message): string {
  if (verb === "EVENT") return `OK ${(value as { id?: unknown } | null)?.id}`;
  return verb === "OK" ? `OK ${value}` : `COUNT ${value}`;
}

function frameOf(data: RawData, isBinary: boolean): Frame {
  return isBinary ? (data as Buffer) : String(data);
}
