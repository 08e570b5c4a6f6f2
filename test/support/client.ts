import { type Key, now, signed } from "./keys.ts";

export type Frame = [verb: string, ...rest: unknown[]];
export type Filter = Record<string, unknown>;
type SignedEvent = { id: string; [member: string]: unknown };

/** The URL that the relay under test believes to have. */
export const RELAY_URL = "wss://nexus.openagents.com";

/** What a relay that stops may say. */
const GOODBYE = '["NOTICE","the relay is restarting"]';

const TIMEOUT_MS = 5000;

/** A raw client over a real WebSocket: it sends what it is told and hands out what arrives, in order. */
export class Client {
  #socket!: WebSocket;
  readonly #arrived: string[] = [];
  #wake: (() => void) | undefined;
  challenge = "";
  /** The relay sends the challenge when it refuses something: it is taken when it comes, and is no frame for the test. */
  takesChallenges = false;
  /** Whom it has logged in. */
  readonly keys: Key[] = [];
  /** It has closed its socket itself. */
  isLeaving = false;
  /** Close code and reason, once the socket is closed. */
  closed: { code: number; reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.#attach(socket);
  }

  /** Goes on with another socket, logged in as before, where a restart of the relay has ended the one before. */
  async rejoin(socket: WebSocket): Promise<void> {
    const goodbye = this.#arrived.indexOf(GOODBYE);
    if (goodbye >= 0) this.#arrived.splice(goodbye, 1);
    this.#attach(socket);
    if (this.takesChallenges) this.challenge = "";
    else this.challenge = String((await this.until(([verb]) => verb === "AUTH"))[1]);
    for (const by of this.keys) {
      await this.#provokeChallenge();
      const event = this.authEvent(by);
      this.send(["AUTH", event]);
      await this.until(([verb, id]) => verb === "OK" && id === event.id);
    }
  }

  #attach(socket: WebSocket): void {
    this.#socket = socket;
    this.closed = undefined;
    socket.addEventListener("message", (message) => {
      const text = String(message.data);
      if (this.takesChallenges && text.startsWith('["AUTH",')) this.challenge = JSON.parse(text)[1];
      else this.#arrived.push(text);
      this.#wake?.();
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (socket === this.#socket) this.closed = { code, reason };
      this.#wake?.();
    });
  }

  /** Sends text as it is, bytes as a binary frame, anything else as JSON. */
  send(message: unknown): void {
    const isRaw = typeof message === "string" || message instanceof Uint8Array;
    this.#socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** The next frame as text; throws when none comes in time or the socket closes. */
  async nextText(timeoutMs = TIMEOUT_MS): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    while (this.#arrived.length === 0) {
      if (this.closed !== undefined) throw new Error(`closed ${this.closed.code} ${this.closed.reason}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no frame within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#arrived.shift() as string;
  }

  /** The next frame, parsed. */
  async next(timeoutMs?: number): Promise<Frame> {
    return JSON.parse(await this.nextText(timeoutMs)) as Frame;
  }

  /** Sends a message and returns the next frame. */
  async ask(message: unknown): Promise<Frame> {
    this.send(message);
    return this.next();
  }

  /** Takes the frame with which a relay greets. */
  async takeChallenge(): Promise<this> {
    const [verb, challenge] = await this.next();
    if (verb !== "AUTH") throw new Error(`first frame is ${verb}, not AUTH`);
    this.challenge = String(challenge);
    return this;
  }

  /** Has the relay send the challenge, if it has not: nobody reads private kinds without a login. */
  async #provokeChallenge(): Promise<void> {
    if (this.challenge === "") await this.req("challenge", { kinds: [1059] });
  }

  /** Logs in with one more key; returns the OK. */
  async auth(by: Key, url = RELAY_URL): Promise<Frame> {
    await this.#provokeChallenge();
    const ok = await this.ask(["AUTH", this.authEvent(by, url)]);
    if (ok[0] === "OK" && ok[2] === true) this.keys.push(by);
    return ok;
  }

  authEvent(by: Key, url = RELAY_URL): SignedEvent {
    const tags = [
      ["relay", url],
      ["challenge", this.challenge],
    ];
    return signed(by, { kind: 22242, created_at: now(), tags }) as unknown as SignedEvent;
  }

  /** Publishes and returns the OK of this event; frames before it stay in line. */
  async publish(event: { id: string }): Promise<Frame> {
    this.send(["EVENT", event]);
    return this.until((frame) => frame[0] === "OK" && frame[1] === event.id);
  }

  /** Sends a REQ and collects its stored events up to EOSE or CLOSED, which is `end`. Frames of others stay in line. */
  async req(id: string, ...filters: unknown[]): Promise<{ events: SignedEvent[]; end: Frame }> {
    this.send(["REQ", id, ...filters]);
    const events: SignedEvent[] = [];
    for (;;) {
      const frame = await this.until((frame) => frame[1] === id && frame[0] !== "OK");
      if (frame[0] !== "EVENT") return { events, end: frame };
      events.push(frame[2] as SignedEvent);
    }
  }

  /** A one-off query: REQ, then CLOSE. */
  async query(...filters: unknown[]): Promise<SignedEvent[]> {
    const id = `query-${crypto.randomUUID()}`;
    const { events, end } = await this.req(id, ...filters);
    if (end[0] !== "EOSE") throw new Error(JSON.stringify(end));
    this.send(["CLOSE", id]);
    return events;
  }

  /** The next frame that `isWanted`; those before it are put back in their order. */
  async until(isWanted: (frame: Frame) => boolean, timeoutMs = TIMEOUT_MS): Promise<Frame> {
    const skipped: string[] = [];
    try {
      for (;;) {
        const text = await this.nextText(timeoutMs);
        const frame = text === "pong" ? (["pong"] as Frame) : (JSON.parse(text) as Frame);
        if (isWanted(frame)) return frame;
        skipped.push(text);
      }
    } finally {
      this.#arrived.unshift(...skipped);
    }
  }

  /**
   * Everything that has arrived, up to the answer of a probe sent now. An empty list proves that the relay had nothing
   * to say; that the probe is answered proves that the connection still works (R-01-21).
   */
  async settled(): Promise<Frame[]> {
    const id = `probe-${crypto.randomUUID().slice(0, 8)}`;
    this.send(["REQ", id, { kinds: [65535], limit: 0 }]);
    const frames: Frame[] = [];
    for (;;) {
      const text = await this.nextText();
      const frame = text === "pong" ? (["pong"] as Frame) : (JSON.parse(text) as Frame);
      if (frame[1] === id) {
        this.send(["CLOSE", id]);
        return frames;
      }
      frames.push(frame);
    }
  }

  close(code = 1000): void {
    this.isLeaving = true;
    this.#socket.close(code);
  }
}
